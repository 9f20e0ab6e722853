import CSVScan
import Glibc

/// Where the rows of a CSV file lie; their cells are found when they are asked for.
struct TableRows {
  private let bytes: FileBytes
  let separator: UInt8
  private let hasQuotes: Bool
  /// The number of cells of every row.
  let width: Int
  /// Where each row starts.
  private(set) var starts: [Int]
  /// The line on which it does, from 1.
  private(set) var lines: [Int32]

  /// So many bytes are searched at once; text with quotes in one piece, as a quoted cell may go on in the next line.
  private static let piece = 1 << 22
  /// Pages of smaller files stay in memory once they were read.
  private static let large = 1 << 26

  var count: Int { starts.count }

  /// Quotes after RFC 4180; empty lines are no rows.
  /// - Parameters:
  ///   - known: What parts the cells; nil to find out (`TableSeparator`).
  ///   - earlier: The rows of the same file that these follow, with the same separator and as many cells.
  ///   - firstLine: The line of the file on which the bytes begin.
  /// - Throws: `EvenkeelError` with code `data` that names file and line.
  init(
    _ bytes: FileBytes, separator known: UInt8? = nil, after earlier: TableRows? = nil, line firstLine: Int = 1
  ) throws {
    nonisolated(unsafe) let content = bytes.bytes
    let beginning = earlier == nil && content.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    let pieces = max(1, (content.count + Self.piece - 1) / Self.piece)
    // Those that begin a row in the piece.
    let counts = try concurrentResults(pieces) { piece in
      let range = max(piece * Self.piece, 1) - 1..<max(min((piece + 1) * Self.piece, content.count), 1) - 1
      var quotes = 0
      let feeds = ek_csv_count(Self.start(content) + range.lowerBound, range.count, &quotes)
      if content.count >= Self.large { bytes.forget(range) }
      return (feeds: feeds, quotes: quotes)
    }
    self.bytes = bytes
    let separator = known ?? earlier?.separator ?? TableSeparator.found(in: content[beginning...])
    self.separator = separator
    hasQuotes = content.last == UInt8(ascii: "\"") || counts.contains { $0.quotes > 0 }
    var view = Self.view(content, separator, hasQuotes)
    var failure = ek_csv_failure()
    var (first, line, next, width) = (beginning, firstLine, 0, earlier?.width ?? 0)
    while earlier == nil, first < content.count {
      var after = line
      width = ek_csv_row(&view, first, &next, &after, &failure)
      try Self.check(failure, bytes, width: 0)
      if width > 0 { break }
      (first, line) = (next, after)
    }
    guard width > 0 else { throw EvenkeelError.data("\(bytes.name): there are no rows.") }
    self.width = width
    let before = counts.reduce(into: [0]) { $0.append($0.last! + $1.feeds) }
    let room = before.last! + 1
    try Machine.requireMemory(
      room * (MemoryLayout<Int>.stride + MemoryLayout<Int32>.stride), for: "\(bytes.name): the places of its rows")
    (starts, lines) = ([Int](repeating: 0, count: room), [Int32](repeating: 0, count: room))
    nonisolated(unsafe) let whole = view
    let found = try starts.withUnsafeMutableBufferPointer { starts in
      try lines.withUnsafeMutableBufferPointer { lines in
        nonisolated(unsafe) let (starts, lines) = (starts.baseAddress!, lines.baseAddress!)
        return try concurrentResults(hasQuotes ? 1 : pieces) { [first, line, width, hasQuotes] piece in
          var (from, fromLine) = (first, line)
          if piece > 0 {
            let start = content.baseAddress! + piece * Self.piece - 1
            guard let feed = memchr(start, 10, content.count - (piece * Self.piece - 1)) else {
              return (rows: 0, failure: ek_csv_failure())
            }
            (from, fromLine) = (UnsafeRawPointer(feed) - content.baseAddress! + 1, before[piece] + firstLine + 1)
          }
          let to = hasQuotes ? content.count : min((piece + 1) * Self.piece, content.count)
          let offset = piece == 0 ? 0 : before[piece] + 1
          var (view, failure) = (whole, ek_csv_failure())
          let rows = ek_csv_rows(
            &view, from, to, width, fromLine, starts + offset, lines + offset, &failure)
          if content.count >= Self.large { bytes.forget(piece * Self.piece..<to) }
          return (rows: rows, failure: failure)
        }
      }
    }
    // Lines without content leave gaps.
    var end = 0
    for (piece, part) in found.enumerated() {
      try Self.check(part.failure, bytes, width: width)
      let offset = piece == 0 ? 0 : before[piece] + 1
      if offset > end {
        for row in 0..<part.rows { (starts[end + row], lines[end + row]) = (starts[offset + row], lines[offset + row]) }
      }
      end += part.rows
    }
    starts.removeLast(room - end)
    lines.removeLast(room - end)
  }

  private static func check(_ failure: ek_csv_failure, _ bytes: FileBytes, width: Int) throws {
    switch failure.kind {
    case EK_CSV_OPEN_QUOTE:
      throw EvenkeelError.data("\(bytes.name), line \(failure.line): a quoted cell is not closed.")
    case EK_CSV_TEXT_AFTER_QUOTE:
      throw EvenkeelError.data("\(bytes.name), line \(failure.line): text follows a closing quote.")
    case EK_CSV_WIDTH:
      throw EvenkeelError.data("\(bytes.name), line \(failure.line): expected \(width) cells, got \(failure.cells).")
    default: break
    }
  }

  private static func start(_ content: UnsafeRawBufferPointer) -> UnsafePointer<UInt8> {
    content.baseAddress!.assumingMemoryBound(to: UInt8.self)
  }

  private static func view(_ text: UnsafeRawBufferPointer, _ separator: UInt8, _ hasQuotes: Bool) -> ek_csv {
    ek_csv(bytes: start(text), count: text.count, separator: separator, has_quotes: hasQuotes ? 1 : 0)
  }

  /// Finds the cells of `rows` in `columns`, row after row, and their numbers.
  func read(
    _ rows: [Int], _ columns: Range<Int>, into cells: UnsafeMutablePointer<ek_cell>,
    _ values: UnsafeMutablePointer<Double>
  ) {
    var view = Self.view(bytes.bytes, separator, hasQuotes)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: rows.count) { places in
      for (index, row) in rows.enumerated() { places[index] = starts[row] }
      ek_csv_cells(&view, places.baseAddress!, rows.count, columns.lowerBound, columns.count, cells, values)
    }
  }

  /// One cell.
  func cell(row: Int, column: Int) -> ek_cell {
    var (cell, value) = (ek_cell(), 0.0)
    var view = Self.view(bytes.bytes, separator, hasQuotes)
    var start = starts[row]
    ek_csv_cells(&view, &start, 1, column, 1, &cell, &value)
    return cell
  }

  /// The cell that begins so far behind the start of its row.
  func cell(row: Int, offset: UInt32) -> ek_cell {
    var (cell, value) = (ek_cell(), 0.0)
    var view = Self.view(bytes.bytes, separator, hasQuotes)
    var start = starts[row] + Int(offset)
    ek_csv_cells(&view, &start, 1, 0, 1, &cell, &value)
    return cell
  }

  /// The bytes of a cell, with doubled quotes as they are.
  func bytes(of cell: ek_cell) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes.bytes[cell.start..<cell.start + Int(cell.length)])
  }

  /// Whether a cell stands in quotes.
  func isQuoted(_ cell: ek_cell) -> Bool { cell.start > 0 && bytes.bytes[cell.start - 1] == 34 }

  /// What is written in a cell.
  func text(of cell: ek_cell) -> String {
    let text = String(decoding: bytes(of: cell), as: UTF8.self)
    guard cell.is_escaped != 0 else { return text }
    return text.split(separator: "\"\"", omittingEmptySubsequences: false).joined(separator: "\"")
  }

  /// The number of a cell that is one.
  func number(of cell: ek_cell) -> Double {
    var value = 0.0
    _ = ek_number_parse(Self.start(bytes.bytes) + cell.start, Int(cell.length), &value)
    return value
  }

  /// Gives back the memory of the pages between two rows of a large file, which are read again when they are needed.
  func forget(_ first: Int, _ last: Int) {
    guard bytes.count >= Self.large else { return }
    bytes.forget(starts[first]..<(last + 1 < starts.count ? starts[last + 1] : bytes.count))
  }

  /// Says on which line each row starts in the file that this text was made of.
  mutating func setLines(_ lines: [Int32]) { self.lines = lines }

  /// Numbers the rows from `first` on in place of their lines.
  mutating func setLines(from first: Int) { lines = (first..<first + count).map { Int32(truncatingIfNeeded: $0) } }

  /// Leaves out all rows but those at `kept`, which are in rising order.
  mutating func keep(_ kept: some Sequence<Int>) {
    var end = 0
    for row in kept {
      (starts[end], lines[end]) = (starts[row], lines[row])
      end += 1
    }
    starts.removeLast(starts.count - end)
    lines.removeLast(lines.count - end)
  }
}
