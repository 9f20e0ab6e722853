import CSVScan

extension Table {
  /// Some rows with the cells that lie in some columns, valid while they are looked at.
  struct Chunk {
    /// The rows; their indices are the positions among all that are swept.
    let rows: ArraySlice<Int>
    let columns: Range<Int>
    fileprivate let cells: UnsafePointer<ek_cell>
    fileprivate let values: UnsafePointer<Double>

    /// A cell of the row at `position`, and its number if it is one with a decimal point.
    @inline(__always)
    func cell(_ position: Int, _ column: Int) -> (cell: ek_cell, value: Double) {
      let index = (position - rows.startIndex) * columns.count + column - columns.lowerBound
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
    _ rows: [Int], columns: Range<Int>? = nil, from start: Part, _ body: @Sendable (inout Part, Chunk) throws -> Void
  ) throws -> [Part] {
    let columns = columns ?? 0..<names.count
    let perPart = max(64, Self.cellsOfPart / columns.count), perChunk = max(1, Self.cellsOfChunk / columns.count)
    return try concurrentResults((rows.count + perPart - 1) / perPart) { index in
      var part = start
      let own = rows[index * perPart..<min((index + 1) * perPart, rows.count)]
      try withUnsafeTemporaryAllocation(of: ek_cell.self, capacity: perChunk * columns.count) { cells in
        try withUnsafeTemporaryAllocation(of: Double.self, capacity: perChunk * columns.count) { values in
          for first in stride(from: own.startIndex, to: own.endIndex, by: perChunk) {
            let some = own[first..<min(first + perChunk, own.endIndex)]
            places.read(some, columns, into: cells.baseAddress!, values.baseAddress!)
            try body(
              &part,
              Chunk(rows: some, columns: columns, cells: UnsafePointer(cells.baseAddress!), values: values.baseAddress!)
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
      2 * columns.count * rowCount * MemoryLayout<ek_cell>.stride,
      for: "\(file): the places of the cells of \(columns.count == 1 ? names[least] : "\(columns.count) columns")")
    let none = columns.map { _ in [ek_cell]() }
    let parts = try sweep(Array(0..<rowCount), columns: least..<greatest + 1, from: none) { found, chunk in
      for (index, column) in columns.enumerated() {
        for position in chunk.rows.indices { found[index].append(chunk.cell(position, column).cell) }
      }
    }
    for (index, column) in columns.enumerated() { indexed[column] = parts.flatMap { $0[index] } }
  }
}
