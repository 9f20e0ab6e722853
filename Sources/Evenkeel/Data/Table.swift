import CSVScan

/// A CSV file: named columns of text cells, which stay in the file until they are asked for.
package struct Table {
  let file: String
  let names: [String]
  var places: TableRows
  /// The cells of the columns that are asked for one by one.
  var indexed: [ColumnCells?]
  /// What its rows are counted in, for errors: the line of a file on which each starts, or rows of a database.
  let unit: String
  /// Whether the file is no UTF-8 and is taken for Latin-1.
  let isLatin1: Bool
  /// The decimal mark of each column; numbers of databases, and of JSON where they are not in quotes, have a point in any case.
  var decimals: [DecimalMark]
  /// Whether it is of such numbers and of texts in quotes.
  let isTyped: Bool
  /// What stands for a missing cell beside the usual markers.
  var markers: Set<String> = [] {
    didSet { hasNumberMarkers = markers.contains { Double($0) != nil } }
  }
  /// Whether a number may stand for a missing cell.
  private(set) var hasNumberMarkers = false

  package var rowCount: Int { places.count }
  /// The line on which each row starts, or its own number in a database; from 1.
  var lines: [Int32] { places.lines }
  var separator: UInt8 { places.separator }

  /// - Parameters:
  ///   - hasHeader: Whether the first line names the columns; nil: unless every cell of it is a number.
  ///   - earlier: The table of the same file that these rows follow; their columns are its columns.
  ///   - line: The line of the file on which the bytes begin.
  /// - Throws: `EvenkeelError` with code `data` that names file and line.
  package init(_ original: FileBytes, hasHeader: Bool? = nil, after earlier: Table? = nil, line: Int = 1) throws {
    let source = try earlier.map { try TableText(original, asLatin1: $0.isLatin1) } ?? TableText(original)
    let isMade = source.jsonLines != nil || original.firstRow != nil
    let hasHeader = isMade ? true : hasHeader
    isTyped = earlier?.isTyped ?? isMade
    (file, isLatin1) = (source.bytes.name, source.isLatin1)
    unit = original.firstRow == nil ? "line" : "row"
    places = try TableRows(
      source.bytes, separator: isMade ? UInt8(ascii: ",") : nil, after: earlier?.places, line: line)
    decimals = Array(repeating: .point, count: places.width)
    indexed = Array(repeating: nil, count: places.width)
    if let earlier {
      names = earlier.names
      if let first = original.firstRow { places.setLines(from: first) }
      return
    }
    let header = (0..<places.width).map { [places] in places.text(of: places.cell(row: 0, column: $0)) }
    let isOfNumbers = header.allSatisfy { cell in
      Self.isUsualMarker(cell) || cell == "-" || cell == "." || DecimalMark.allCases.contains { $0.number(cell) != nil }
    }
    if hasHeader ?? !isOfNumbers {
      var seen: Set<String> = []
      for name in header where !seen.insert(name).inserted {
        throw EvenkeelError.data("\(file), line \(places.lines[0]): the column name \"\(name)\" appears twice.")
      }
      names = header
      places.keep(1..<places.count)
      guard places.count > 0 else { throw EvenkeelError.data("\(file): there are no rows after the header.") }
    } else {
      names = header.indices.map { "column\($0 + 1)" }
    }
    if let jsonLines = source.jsonLines { places.setLines(jsonLines) }
    if let first = original.firstRow { places.setLines(from: first) }
  }

  /// Leaves out all rows but those at `kept`, which are in rising order.
  mutating func keepRows(_ kept: RowNumbers) {
    guard kept.count < rowCount else { return }
    places.keep(kept)
    for column in indexed.indices { indexed[column]?.keep(kept) }
  }

  /// Whether `text` stands for a missing value in every column.
  func isMissing(_ text: String) -> Bool { Self.isUsualMarker(text) || markers.contains(text) }

  private static func isUsualMarker(_ text: String) -> Bool {
    text.isEmpty || text.utf8.count <= 4 && missing.contains(text.lowercased())
  }

  private static let missing: Set = ["?", "na", "n/a", "#n/a", "<na>", "nan", "null"]

  /// Whether `text` stands for a missing value among numbers, where a dash or a dot does too; among texts these may have a meaning.
  func isMissingNumber(_ text: String) -> Bool { isMissing(text) || text == "-" || text == "." }

  private func place(row: Int, column: Int) -> ek_cell {
    switch indexed[column] {
    case .distinct(let codes, let cells): cells[Int(codes[row])]
    case .offsets(let offsets): places.cell(row: row, offset: offsets[row])
    case nil: places.cell(row: row, column: column)
    }
  }

  /// What is written in a cell.
  func cell(row: Int, column: Int) -> String { places.text(of: place(row: row, column: column)) }

  /// A number that tells the different cells of a column apart; nil where no such numbers were given.
  func code(row: Int, column: Int) -> Int? {
    if case .distinct(let codes, _)? = indexed[column] { Int(codes[row]) } else { nil }
  }

  /// The text of a cell; nil where it is missing.
  func text(row: Int, column: Int) -> String? {
    let text = cell(row: row, column: column)
    return isMissing(text) ? nil : text
  }

  /// What a cell is in a column of numbers.
  enum Content {
    case number(Double)
    case missing
    case text(String)

    var number: Double? { if case .number(let value) = self { value } else { nil } }
  }

  /// What `cell` is among numbers with this decimal mark.
  /// - Parameter value: Its number if it is one with a decimal point.
  func content(of cell: ek_cell, _ value: Double, _ decimal: DecimalMark) -> Content {
    let decimal = isTyped && !places.isQuoted(cell) ? .point : decimal
    if cell.isNumber, !hasNumberMarkers, decimal == .point || !places.bytes(of: cell).contains(UInt8(ascii: ".")) {
      return .number(value)
    }
    let text = places.text(of: cell)
    if isMissingNumber(text) { return .missing }
    return decimal.number(text).map { .number($0) } ?? .text(text)
  }

  /// What a cell is among numbers.
  func content(row: Int, column: Int) -> Content {
    let cell = place(row: row, column: column)
    return content(of: cell, cell.isNumber ? places.number(of: cell) : 0, decimals[column])
  }

  /// The text of a cell in a column of numbers; nil where there is a number or none at all.
  func textAmongNumbers(row: Int, column: Int) -> String? {
    if case .text(let text) = content(row: row, column: column) { text } else { nil }
  }

  /// Whether a cell has no value.
  func isMissing(row: Int, column: Int, amongNumbers: Bool) -> Bool {
    let cell = place(row: row, column: column)
    guard !cell.isNumber || hasNumberMarkers else { return false }
    let text = places.text(of: cell)
    return amongNumbers ? isMissingNumber(text) : isMissing(text)
  }

  /// - Throws: `EvenkeelError` that lists the columns if `name` is none.
  func column(_ name: String) throws -> Int {
    guard let index = names.firstIndex(of: name) else {
      throw EvenkeelError.data(
        "\(file) has no column \"\(name)\"; it has \(names.joined(separator: ", ")).")
    }
    return index
  }

  /// The number in a cell; nil where it is missing or text.
  /// - Throws: `EvenkeelError` with code `data` that names line and column of an infinite value.
  package func number(row: Int, column: Int) throws -> Double? {
    guard let value = content(row: row, column: column).number else { return nil }
    guard value.isFinite else { throw notFinite(row: row, column: column) }
    return value
  }

  func notFinite(row: Int, column: Int) -> EvenkeelError {
    expected("a finite number", row: row, column: column, got: cell(row: row, column: column))
  }

  /// Where a row is, for a person: "line 12".
  func location(_ row: Int) -> String { "\(unit) \(lines[row])" }

  func expected(_ what: String, row: Int, column: Int, got text: String) -> EvenkeelError {
    .data("\(file), \(location(row)), column \(names[column]): expected \(what), got \"\(text)\".")
  }
}

extension ek_cell {
  /// Whether it is a number with a decimal point, or with neither that nor another mark.
  var isNumber: Bool { kind == UInt8(EK_CELL_NUMBER.rawValue) }
}
