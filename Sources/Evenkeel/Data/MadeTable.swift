/// Rows of named cells that a program has, as CSV: one set of rules reads them and files.
package struct MadeTable {
  package enum Cell: Hashable, Sendable {
    case missing
    /// A number as it is written, with a decimal point.
    case number(String)
    case text(String)

    /// A number, written as an integer where it is one; NaN is missing.
    package static func value(_ number: Double) -> Cell {
      number.isNaN ? .missing : .number(Int(exactly: number).map { "\($0)" } ?? "\(number)")
    }
  }

  private let name: String
  private let columns: [String]
  private var text: [UInt8]
  private var rows = 0

  /// - Parameter name: What errors call the table.
  package init(_ name: String, columns: [String]) {
    (self.name, self.columns) = (name, columns)
    text = Array(columns.map { CSVCell.quoted($0.utf8) }.joined(separator: [44])) + [10]
  }

  /// Adds a row, whose cells are in the order of the columns.
  package mutating func append(_ cells: some Collection<Cell>) {
    rows += 1
    for (column, cell) in cells.enumerated() {
      if column > 0 { text.append(44) }
      switch cell {
      // A line without content would be no row.
      case .missing: if columns.count == 1 { text += [34, 34] }
      case .number(let number): text += number.utf8
      case .text(let cell): text += CSVCell.quoted(cell.utf8)
      }
    }
    text.append(10)
  }

  /// The examples as each of `encodings` makes them, and warnings.
  /// - Throws: `EvenkeelError` with code `data` that names row and column of what cannot be read.
  package func examples(by encodings: [TableEncoding]) throws -> (datasets: [Dataset], warnings: [String]) {
    guard rows > 0 else { throw EvenkeelError.data("\(name): there are no rows.") }
    let content = GrowingBytes(name: name)
    try text.withUnsafeBytes { try content.append($0) }
    let bytes = FileBytes(content, rowsFrom: 1)
    var warnings: [String] = []
    let datasets = try encodings.map { encoding in
      var own: [String] = []
      defer { if warnings.isEmpty { warnings = own } }
      return try Dataset.csv(bytes, encoding: encoding, targets: false, weights: false, warnings: &own)
    }
    return (datasets, warnings)
  }
}
