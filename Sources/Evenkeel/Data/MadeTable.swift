/// Rows of named cells that a program has, as CSV: one set of rules reads them and files.
package struct MadeTable {
  package enum Cell: Hashable, Sendable {
    case missing
    case number(Double)
    case text(String)
  }

  private let name: String
  private let columns: [String]
  private let hasComma: [Bool]
  private var text: [UInt8]
  private var rows = 0

  /// - Parameters:
  ///   - name: What errors call the table.
  ///   - encoding: How the rows will be read.
  package init(_ name: String, columns: [String], for encoding: TableEncoding) {
    (self.name, self.columns) = (name, columns)
    hasComma = columns.map { encoding.decimalCommas.contains($0) }
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
      case .number(let number) where hasComma[column]:
        text += CSVCell.quoted("\(number)".utf8.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: ",") : $0 })
      case .number(let number): text += "\(number)".utf8
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
