/// What parts the cells of a table.
enum TableSeparator {
  private static let candidates: [UInt8] = [44, 59, 9, 124]  // , ; tab |
  /// So much of the beginning is looked at.
  private static let (mostLines, mostBytes) = (25, 1 << 16)

  /// The one that gives the first lines the same number of cells; of several, the one that makes more of them numbers, as in
  /// 1,5;2,5. If there is none, that of which the first line has most.
  static func found(in content: Slice<UnsafeRawBufferPointer>) -> UInt8 {
    let beginning = content.prefix(mostBytes)
    let isCut = beginning.count < content.count
    let rated = candidates.compactMap { candidate -> (separator: UInt8, share: Double, width: Int)? in
      var rows = lines(beginning, candidate)
      if isCut, rows.count > 1 { rows.removeLast() }
      rows = rows.prefix(mostLines).filter { $0.count > 1 || !$0[0].isEmpty }
      guard let width = rows.first?.count, width > 1, rows.allSatisfy({ $0.count == width }) else { return nil }
      let cells = rows.dropFirst().joined()
      let numbers = cells.count { cell in
        cell.isEmpty || DecimalMark.allCases.contains { $0.number(String(decoding: cell, as: UTF8.self)) != nil }
      }
      return (candidate, Double(numbers) / Double(max(1, cells.count)), width)
    }
    if let best = rated.max(by: { ($0.share, $0.width) < ($1.share, $1.width) }) { return best.separator }
    let firstLine = beginning.prefix { $0 != 10 }
    let counts = candidates.dropLast().map { candidate in firstLine.count { $0 == candidate } }
    return candidates[counts.indices.max { counts[$0] < counts[$1] || counts[$0] == counts[$1] && $1 == 0 } ?? 0]
  }

  /// The cells of the first lines, without what quotes them.
  private static func lines(_ content: Slice<UnsafeRawBufferPointer>, _ separator: UInt8) -> [[[UInt8]]] {
    var rows: [[[UInt8]]] = []
    var (row, cell): ([[UInt8]], [UInt8]) = ([], [])
    var (hasQuotes, isQuoted, isAtStart) = (false, false, true)
    for byte in content {
      if isAtStart { hasQuotes = byte == 34 }
      if hasQuotes, byte == 34 {
        (isQuoted, isAtStart) = (!isQuoted, false)
      } else if !isQuoted, byte == separator || byte == 10 {
        if cell.last == 13 { cell.removeLast() }
        row.append(cell)
        (cell, isAtStart) = ([], true)
        guard byte == 10 else { continue }
        rows.append(row)
        row = []
        if rows.count > mostLines { return rows }
      } else {
        cell.append(byte)
        isAtStart = false
      }
    }
    if !row.isEmpty || !cell.isEmpty { rows.append(row + [cell]) }
    return rows
  }
}
