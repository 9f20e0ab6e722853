/// A CSV file: named columns of text cells, kept as ranges of the file's bytes.
package struct Table {
  let file: String
  let names: [String]
  /// The line on which each row starts, from 1.
  private(set) var lines: [Int32]
  private let bytes: FileBytes
  /// Row after row: where each cell starts and ends, and whether quotes inside it are doubled.
  private var cells: [(start: Int, end: Int, escaped: Bool)]
  /// The first cell after the header.
  private let firstCell: Int
  private let separator: UInt8

  package var rowCount: Int { lines.count }

  /// Comma, semicolon or tab, whichever the first line has most of; quotes after RFC 4180; with a header unless every cell
  /// of the first line is a number.
  /// - Parameters:
  ///   - earlier: The table of the same file that these rows follow; their columns are its columns.
  ///   - line: The line of the file on which the bytes begin.
  /// - Throws: `EvenkeelError` with code `data` that names file and line.
  package init(_ bytes: FileBytes, after earlier: Table? = nil, line: Int = 1) throws {
    let file = bytes.name
    let content = bytes.bytes
    var position = content.count >= 3 && content[0] == 0xef && content[1] == 0xbb && content[2] == 0xbf ? 3 : 0
    let separator = earlier?.separator ?? TableSeparator.found(in: content[position...])
    self.separator = separator
    var cells: [(start: Int, end: Int, escaped: Bool)] = []
    let purpose = "\(file): the places of its cells"
    var lines: [Int32] = []
    var width = earlier?.names.count ?? 0
    var line = line
    while position < content.count {
      let rowLine = line
      let before = cells.count
      rowLoop: while true {
        var cell = (start: position, end: position, escaped: false)
        if position < content.count, content[position] == 34 {
          position += 1
          cell.start = position
          while true {
            guard position < content.count else {
              throw EvenkeelError.data("\(file), line \(rowLine): a quoted cell is not closed.")
            }
            if content[position] == 34 {
              if position + 1 < content.count, content[position + 1] == 34 {
                cell.escaped = true
                position += 2
                continue
              }
              break
            }
            if content[position] == 10 { line += 1 }
            position += 1
          }
          cell.end = position
          position += 1
          if position < content.count, ![separator, 10, 13].contains(content[position]) {
            throw EvenkeelError.data("\(file), line \(line): text follows a closing quote.")
          }
        } else {
          while position < content.count, content[position] != separator, content[position] != 10 { position += 1 }
          cell.end = position
          if cell.end > cell.start, content[cell.end - 1] == 13 { cell.end -= 1 }
          while cell.start < cell.end, content[cell.start] == 32 { cell.start += 1 }
          while cell.end > cell.start, content[cell.end - 1] == 32 { cell.end -= 1 }
        }
        try cells.append(cell, for: purpose)
        if position < content.count, content[position] == 13 { position += 1 }
        guard position < content.count else { break rowLoop }
        let delimiter = content[position]
        position += 1
        if delimiter == 10 {
          line += 1
          break rowLoop
        }
      }
      let count = cells.count - before
      // An empty line is no row.
      if count == 1, cells[before].start == cells[before].end, width != 1 {
        cells.removeLast()
        continue
      }
      if width == 0 { width = count }
      guard count == width else {
        throw EvenkeelError.data("\(file), line \(rowLine): expected \(width) cells, got \(count).")
      }
      try lines.append(Int32(rowLine), for: purpose)
    }
    self.file = file
    self.bytes = bytes
    self.cells = cells
    if let earlier {
      (names, firstCell, self.lines) = (earlier.names, 0, lines)
      return
    }
    guard !lines.isEmpty else { throw EvenkeelError.data("\(file): there are no rows.") }
    let header = cells[..<width].map { Self.text($0, content) }
    let hasHeader = !header.allSatisfy { Self.isMissingNumber($0) || Double($0) != nil }
    if hasHeader {
      var seen: Set<String> = []
      for name in header where !seen.insert(name).inserted {
        throw EvenkeelError.data("\(file), line \(lines[0]): the column name \"\(name)\" appears twice.")
      }
      names = header
      firstCell = width
      self.lines = Array(lines.dropFirst())
      guard !self.lines.isEmpty else { throw EvenkeelError.data("\(file): there are no rows after the header.") }
    } else {
      names = (1...width).map { "column\($0)" }
      firstCell = 0
      self.lines = lines
    }
  }

  private static func text(_ cell: (start: Int, end: Int, escaped: Bool), _ content: UnsafeRawBufferPointer) -> String {
    let text = String(decoding: content[cell.start..<cell.end], as: UTF8.self)
    guard cell.escaped else { return text }
    var result = ""
    var skip = false
    for character in text {
      if character == "\"", !skip {
        skip = true
        result.append(character)
      } else if character == "\"" {
        skip = false
      } else {
        skip = false
        result.append(character)
      }
    }
    return result
  }

  /// Leaves out all rows but those at `kept`, which are in rising order.
  mutating func keepRows(_ kept: [Int]) {
    guard kept.count < lines.count else { return }
    let width = names.count
    for (to, from) in kept.enumerated() {
      for column in 0..<width { cells[firstCell + to * width + column] = cells[firstCell + from * width + column] }
    }
    cells.removeLast(cells.count - firstCell - kept.count * width)
    lines = kept.map { lines[$0] }
  }

  /// Whether `text` stands for a missing value in every column.
  static func isMissing(_ text: String) -> Bool {
    text.isEmpty || text.utf8.count <= 4 && missing.contains(text.lowercased())
  }

  private static let missing: Set = ["?", "na", "n/a", "#n/a", "<na>", "nan", "null"]

  /// Whether `text` stands for a missing value among numbers, where a dash or a dot does too; among texts these may have a meaning.
  static func isMissingNumber(_ text: String) -> Bool { isMissing(text) || text == "-" || text == "." }

  /// What is written in a cell.
  func cell(row: Int, column: Int) -> String { Self.text(cells[firstCell + row * names.count + column], bytes.bytes) }

  /// The text of a cell; nil where it is missing.
  func text(row: Int, column: Int) -> String? {
    let text = cell(row: row, column: column)
    return Self.isMissing(text) ? nil : text
  }

  /// The text of a cell in a column of numbers; nil where there is a number or none at all.
  func textAmongNumbers(row: Int, column: Int) -> String? {
    guard !isDecimal(cells[firstCell + row * names.count + column]) else { return nil }
    let text = cell(row: row, column: column)
    return Self.isMissingNumber(text) || Double(text) != nil ? nil : text
  }

  /// Whether a cell's bytes are an optional minus, digits and at most one dot, as those of most numbers; found without making a text.
  private func isDecimal(_ cell: (start: Int, end: Int, escaped: Bool)) -> Bool {
    var digits = bytes.bytes[cell.start..<cell.end]
    if digits.first == UInt8(ascii: "-") { digits.removeFirst() }
    guard let first = digits.first, (48...57).contains(first) else { return false }
    var dots = 0
    return digits.allSatisfy { byte in
      if byte == UInt8(ascii: ".") { dots += 1 }
      return (48...57).contains(byte) || byte == UInt8(ascii: ".") && dots == 1
    }
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
    let cell = cells[firstCell + row * names.count + column]
    if let value = DecimalNumber.value(of: bytes.bytes[cell.start..<cell.end]) { return value }
    guard let text = text(row: row, column: column), let value = Double(text) else { return nil }
    guard value.isFinite else { throw notFinite(row: row, column: column) }
    return value
  }

  func notFinite(row: Int, column: Int) -> EvenkeelError {
    .data(
      "\(file), line \(lines[row]), column \(names[column]): expected a finite number, got \(cell(row: row, column: column))."
    )
  }
}

extension Array {
  /// Appends `element`; asks for memory before the array moves to twice as much.
  /// - Throws: `EvenkeelError` with code `data` if there is not so much.
  fileprivate mutating func append(_ element: Element, for what: String) throws {
    if count == capacity { try Machine.requireMemory(2 * count * MemoryLayout<Element>.stride, for: what) }
    append(element)
  }
}
