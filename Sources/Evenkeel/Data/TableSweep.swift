import CSVScan

extension Table {
  /// Some rows with the cells that lie in some columns, valid while they are looked at.
  struct Chunk {
    /// Where the first row lies among all that are swept.
    let first: Int
    let rows: [Int]
    let columns: Range<Int>
    fileprivate let cells: UnsafePointer<ek_cell>
    fileprivate let values: UnsafePointer<Double>

    /// A cell of the row at `index` of the chunk, and its number if it is one with a decimal point.
    @inline(__always)
    func cell(_ index: Int, _ column: Int) -> (cell: ek_cell, value: Double) {
      let index = index * columns.count + column - columns.lowerBound
      return (cells[index], values[index])
    }
  }

  /// Rows are taken in parts of so many cells, and looked at in chunks that fit a cache.
  private static let (cellsOfPart, cellsOfChunk) = (1 << 18, 1 << 12)

  /// Hands the cells of `rows` to `body`, part after part on all processors, chunk after chunk within one.
  /// - Parameters:
  ///   - columns: The columns whose cells are wanted; all if nil.
  ///   - start: What each part begins with.
  /// - Returns: What became of it in each part, in the order of the rows. Parts depend on the shape of the table alone.
  /// - Throws: The error of the first part that failed.
  func sweep<Part: Sendable>(
    _ rows: RowNumbers, columns: Range<Int>? = nil, from start: Part,
    _ body: @Sendable (inout Part, Chunk) throws -> Void
  ) throws -> [Part] {
    let columns = columns ?? 0..<names.count
    let perPart = max(64, Self.cellsOfPart / columns.count), perChunk = max(1, Self.cellsOfChunk / columns.count)
    return try concurrentResults((rows.count + perPart - 1) / perPart) { index in
      var part = start
      let own = rows[index * perPart..<min((index + 1) * perPart, rows.count)]
      try withUnsafeTemporaryAllocation(of: ek_cell.self, capacity: perChunk * columns.count) { cells in
        try withUnsafeTemporaryAllocation(of: Double.self, capacity: perChunk * columns.count) { values in
          for first in stride(from: own.startIndex, to: own.endIndex, by: perChunk) {
            let some = Array(own[first..<min(first + perChunk, own.endIndex)])
            places.read(some, columns, into: cells.baseAddress!, values.baseAddress!)
            try body(
              &part,
              Chunk(
                first: first, rows: some, columns: columns, cells: UnsafePointer(cells.baseAddress!),
                values: values.baseAddress!)
            )
          }
        }
      }
      places.forget(own.first!, own.last!)
      return part
    }
  }

  /// Finds the cells of columns that will be asked for one by one.
  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory.
  mutating func index(_ columns: [Int]) throws {
    let columns = columns.filter { indexed[$0] == nil }
    guard let least = columns.min(), let greatest = columns.max() else { return }
    try Machine.requireMemory(
      2 * columns.count * rowCount * MemoryLayout<UInt32>.stride,
      for: "\(file): the places of the cells of \(columns.count == 1 ? names[least] : "\(columns.count) columns")")
    let rows = RowNumbers(0..<rowCount)
    let none = columns.map { _ in CodedCells() }
    let coded = try sweep(rows, columns: least..<greatest + 1, from: none) { [places] found, chunk in
      for (place, column) in columns.enumerated() {
        for index in chunk.rows.indices { found[place].add(chunk.cell(index, column).cell, in: places) }
      }
    }
    for (place, column) in columns.enumerated() { indexed[column] = ColumnCells(coded.map { $0[place] }, in: places) }
    for column in columns where indexed[column] == nil {
      let offsets = try sweep(rows, columns: column..<column + 1, from: [UInt32]()) { [places] offsets, chunk in
        for (index, row) in chunk.rows.enumerated() {
          offsets.append(UInt32(chunk.cell(index, column).cell.start - places.starts[row]))
        }
      }
      indexed[column] = .offsets(Array(offsets.joined()))
    }
  }

  /// Hands each of the different cells that `rows` have in a column that was indexed to `body`, with the first row that has it and how
  /// many do, in the order of these rows. Where most cells differ, some may come again.
  func forEachDifferent(in column: Int, rows: RowNumbers, _ body: (_ row: Int, _ count: Int) throws -> Void) rethrows {
    guard case .distinct(let codes, let cells)? = indexed[column] else {
      for row in rows { try body(row, 1) }
      return
    }
    var counts = [(row: Int, count: Int)](repeating: (0, 0), count: cells.count)
    var order: [Int] = []
    for row in rows {
      let code = Int(codes[row])
      if counts[code].count == 0 {
        counts[code].row = row
        order.append(code)
      }
      counts[code].count += 1
    }
    for code in order { try body(counts[code].row, counts[code].count) }
  }
}
