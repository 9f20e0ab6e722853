import CSVScan

/// The cells of one column, found once: two bytes a row if few of them differ, else four.
enum ColumnCells: Sendable {
  /// For each row the place of its cell, or of one that is like it, among `cells`.
  case distinct(codes: [UInt16], cells: [ek_cell])
  /// How far behind the start of its row each cell begins.
  case offsets([UInt32])

  /// The column that consists of `parts`; nil if too many of its cells differ.
  init?(_ parts: [CodedCells], in places: TableRows) {
    var all = DistinctCells()
    var codes: [UInt16] = []
    codes.reserveCapacity(parts.reduce(0) { $0 + $1.codes.count })
    for part in parts {
      guard let distinct = part.distinct else { return nil }
      var found: [UInt16] = []
      for cell in distinct.cells {
        guard let code = all.code(of: cell, in: places) else { return nil }
        found.append(code)
      }
      codes.append(contentsOf: part.codes.lazy.map { found[Int($0)] })
    }
    self = .distinct(codes: codes, cells: all.cells)
  }

  /// Leaves out all rows but those at `kept`.
  mutating func keep(_ kept: RowNumbers) {
    switch self {
    case .distinct(let codes, let cells): self = .distinct(codes: kept.map { codes[$0] }, cells: cells)
    case .offsets(let offsets): self = .offsets(kept.map { offsets[$0] })
    }
  }
}

/// The cells of one column in a part of the rows.
struct CodedCells: Sendable {
  /// nil if there were too many.
  private(set) var distinct: DistinctCells? = DistinctCells()
  /// For each row the place of its cell.
  private(set) var codes: [UInt16] = []

  mutating func add(_ cell: ek_cell, in places: TableRows) {
    guard distinct != nil else { return }
    if let code = distinct!.code(of: cell, in: places) {
      codes.append(code)
    } else {
      (distinct, codes) = (nil, [])
    }
  }
}
