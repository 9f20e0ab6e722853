import CSVScan

extension Table {
  /// What the cells of a column say about the decimal mark.
  private struct Evidence: Sendable {
    /// Cells that are numbers with this mark alone.
    var (point, comma) = (0, 0)
    /// Cells that are a number with either mark, but not the same: how many, and the rows of the first with a point and of the first with
    /// a comma.
    var either = 0
    var (eitherPoint, eitherComma): (Int?, Int?) = (nil, nil)
    var hasText = false

    /// So many cells decide.
    var isEnough: Bool { point + comma >= 1000 || either >= 100_000 }

    var mark: DecimalMark? { point + comma == 0 ? nil : comma > point ? .comma : .point }

    /// The row of a cell that may be two numbers. A comma between cells leaves one within a cell to thousands and a point to fractions;
    /// a semicolon stands where the comma is the decimal mark.
    func open(separator: UInt8) -> Int? {
      switch separator {
      case UInt8(ascii: ","): nil
      case UInt8(ascii: ";"): eitherPoint ?? eitherComma
      default: eitherComma
      }
    }

    mutating func add(_ cell: ek_cell, _ value: Double, row: Int, of table: Table) {
      let bytes = table.places.bytes(of: cell)
      guard bytes.contains(where: { !(48...57).contains($0) && $0 != 45 }) else { return }
      guard bytes.contains(where: { $0 == 44 || $0 == 46 }), bytes.contains(where: { (48...57).contains($0) }) else {
        if !hasText, case .text = table.content(of: cell, value, .point) { hasText = true }
        return
      }
      let text = table.places.text(of: cell)
      switch (DecimalMark.point.number(text), DecimalMark.comma.number(text)) {
      case (nil, nil): hasText = hasText || !table.isMissingNumber(text)
      case (_, nil): point += 1
      case (nil, _): comma += 1
      case (let one, let other) where one == other: break
      default:
        either += 1
        if bytes.contains(44) { eitherComma = eitherComma ?? row } else { eitherPoint = eitherPoint ?? row }
      }
    }

    mutating func add(_ later: Evidence) {
      (point, comma, either) = (point + later.point, comma + later.comma, either + later.either)
      (eitherPoint, eitherComma) = (eitherPoint ?? later.eitherPoint, eitherComma ?? later.eitherComma)
      hasText = hasText || later.hasText
    }
  }

  /// Finds out with which mark the numbers of `columns` are written, unless it is given. A column whose cells leave it open ("5,314")
  /// follows the others.
  /// - Throws: `EvenkeelError` with code `data` that names a cell that may be two numbers, if no column decides.
  mutating func findDecimals(of columns: [Int], given: DecimalMark?) throws {
    if let given {
      for column in columns { decimals[column] = given }
      return
    }
    // The first rows decide most columns.
    let all = Array(0..<rowCount), first = try evidence(columns, all.prefix(Self.firstRows))
    let open = columns.indices.filter { !first[$0].isEnough }
    let more = try evidence(open.map { columns[$0] }, all.dropFirst(Self.firstRows))
    var found = zip(columns, first).map { (column: $0, evidence: $1) }
    for (index, evidence) in zip(open, more) { found[index].evidence.add(evidence) }
    let votes = Set(found.compactMap { $0.evidence.hasText ? nil : $0.evidence.mark })
    for (column, evidence) in found {
      if let mark = evidence.mark {
        decimals[column] = mark
      } else if votes.count == 1, !evidence.hasText {
        decimals[column] = votes.first!
      } else if !evidence.hasText, let row = evidence.open(separator: separator) {
        throw EvenkeelError.data(
          "\(file), \(location(row)), column \(names[column]): \"\(cell(row: row, column: column))\" may have a decimal mark or thousands; --decimal . or --decimal , decides."
        )
      }
    }
  }

  private static let firstRows = 5000

  /// What the cells of `rows` say about each of `columns`.
  private func evidence(_ columns: [Int], _ rows: ArraySlice<Int>) throws -> [Evidence] {
    let none = columns.map { _ in Evidence() }
    guard let least = columns.min(), let greatest = columns.max(), !rows.isEmpty else { return none }
    let parts = try sweep(Array(rows), columns: least..<greatest + 1, from: none) { found, chunk in
      for (index, column) in columns.enumerated() {
        for position in chunk.rows.indices where !found[index].isEnough {
          let (cell, value) = chunk.cell(position, column)
          found[index].add(cell, value, row: chunk.rows[position], of: self)
        }
      }
    }
    return parts.reduce(into: none) { all, part in for index in all.indices { all[index].add(part[index]) } }
  }
}
