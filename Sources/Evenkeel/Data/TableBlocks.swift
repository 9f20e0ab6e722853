import Glibc

/// The text of a table in blocks of whole rows, from beginning to end: of a file in place, of a pipe as it comes, or of a database.
final class TableBlocks {
  struct Block: Sendable {
    let bytes: FileBytes
    /// The line of the file on which it starts, or the row of a database; from 1.
    let line: Int
  }

  /// What a file holds: text, or an archive or array of numbers.
  enum Content {
    case text(TableBlocks)
    case other(FileBytes)
  }

  /// A block is no larger, unless a row is.
  private static let size = 1 << 20
  /// The first one is small, so that what is made of it comes at once.
  private static let firstSize = 1 << 16

  let name: String
  /// The file, where it lies in memory whole.
  let file: FileBytes?
  private var position = 0
  /// What was given back of the file.
  private var forgotten = 0
  /// What was read of a pipe and is in no block yet.
  private let descriptor: Int32
  private var pending: [UInt8] = []
  private var isAtEnd: Bool
  /// The rows of a database.
  private let database: DatabaseText?
  private var line = 1
  /// What parts cells, by the first rows.
  private var separator = UInt8(ascii: ",")

  private init(name: String, file: FileBytes?, descriptor: Int32) {
    (self.name, self.file, self.descriptor, isAtEnd) = (name, file, descriptor, file != nil)
    database = nil
  }

  init(_ database: DatabaseText) {
    name = database.statement.database.path
    (file, descriptor, isAtEnd) = (nil, -1, false)
    self.database = database
  }

  deinit { if descriptor > 0 { close(descriptor) } }

  /// - Parameters:
  ///   - path: A file, or `-` for standard input.
  ///   - rows: Those of a database.
  /// - Throws: As `FileBytes`; `EvenkeelError` with code `usage` for rows of what is no database, or that are not there.
  static func open(_ path: String, rows: DatabaseRows?) throws -> Content {
    if SQLiteDatabase.isOne(path) {
      return .text(TableBlocks(try DatabaseText(SQLiteDatabase(path).select(rows))))
    }
    try DatabaseRows.requireNone(rows, for: path)
    var status = stat()
    let isPipe = path == "-" || stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    guard isPipe else {
      let bytes = try FileBytes(path)
      try ForeignFormat.requireNone(bytes)
      return isText(bytes.bytes) ? .text(TableBlocks(name: path, file: bytes, descriptor: -1)) : .other(bytes)
    }
    let descriptor = path == "-" ? 0 : Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).") }
    let blocks = TableBlocks(name: path == "-" ? "standard input" : path, file: nil, descriptor: descriptor)
    while blocks.pending.count < 4, !blocks.isAtEnd { try blocks.readMore() }
    guard blocks.pending.withUnsafeBytes(isText) else {
      return .other(try FileBytes(reading: descriptor, name: blocks.name, after: blocks.pending))
    }
    try ForeignFormat.requireNone(FileBytes(blocks.pending, name: blocks.name))
    return .text(blocks)
  }

  /// Whether the bytes do not begin as arrays, archives, JSON or texts of two bytes a character do.
  static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let first = bytes.first { ![0xef, 0xbb, 0xbf, 32, 9, 10, 13].contains($0) }
    return ![NumpyHeader.magic, EncodedTable.magic, [0x50, 0x4b, 3, 4], [0, 0, 0xfe, 0xff]]
      .contains { bytes.starts(with: $0) }
      && TableText.utf16(bytes) == nil && first != UInt8(ascii: "{") && first != UInt8(ascii: "[")
  }

  /// The next rows; nil at the end.
  func next() throws -> Block? {
    var size = line == 1 ? Self.firstSize : Self.size
    if let database {
      guard let bytes = try database.next(size), let first = bytes.firstRow else { return nil }
      line = first + 1
      return Block(bytes: bytes, line: first)
    }
    while true {
      while !isAtEnd, pending.count < size {
        if try readMore(waits: false) { continue }
        if holdsRows(size) { break }
        try readMore()
      }
      let (found, isLast) = withText(size) { text, isLast in
        (rowEnds(text, isLast), isLast)
      }
      if found.end > 0 { return try take(found) }
      if isLast { return nil }
      size *= 2
    }
  }

  /// Whether whole rows of a pipe wait to be handed on.
  private func holdsRows(_ size: Int) -> Bool {
    !pending.isEmpty && withText(size) { text, _ in rowEnds(text, false).end > 0 }
  }

  /// The text that comes next, up to `size` bytes, and whether no more follows.
  private func withText<Result>(_ size: Int, _ body: (UnsafeRawBufferPointer, Bool) -> Result) -> Result {
    guard let file else { return pending.withUnsafeBytes { body($0, isAtEnd) } }
    let end = min(position + size, file.count)
    return body(UnsafeRawBufferPointer(rebasing: file.bytes[position..<end]), end == file.count)
  }

  private func rowEnds(_ text: UnsafeRawBufferPointer, _ isLast: Bool) -> RowEnds {
    if line == 1 { separator = TableSeparator.found(in: text[...]) }
    return RowEnds(text, isFirst: line == 1, isLast: isLast, separator: separator)
  }

  private func take(_ rows: RowEnds) throws -> Block {
    let block: Block
    if let file {
      block = Block(bytes: FileBytes(position..<position + rows.end, of: file, name: name), line: line)
      position += rows.end
    } else {
      let bytes = try FileBytes(count: rows.end, name: name) { target in
        pending.withUnsafeBufferPointer { target.update(from: $0.baseAddress!, count: rows.end) }
      }
      block = Block(bytes: bytes, line: line)
      pending.removeFirst(rows.end)
    }
    line += rows.lines
    return block
  }

  /// Reads what a pipe has.
  /// - Parameter waits: Whether to wait for it.
  /// - Returns: Whether there was something, be it the end.
  @discardableResult
  private func readMore(waits: Bool = true) throws -> Bool {
    if !waits {
      var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&state, 1, 0) > 0 else { return false }
    }
    let room = 1 << 16
    try Machine.requireMemory(pending.count + room, for: "\(name): a row of more than \(pending.count) bytes")
    let before = pending.count
    pending.append(contentsOf: repeatElement(0, count: room))
    let got = pending.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + before, room) }
    let reason = errno
    pending.removeLast(room - max(got, 0))
    if got < 0, reason == EINTR { return true }
    guard got >= 0 else { throw EvenkeelError.noInput("\(name): \(String(cString: strerror(reason))).") }
    isAtEnd = got == 0
    return true
  }

  /// Gives back the memory of the part of a file that was handed on.
  func forget() {
    file?.forget(forgotten..<position)
    forgotten = position
  }
}

/// Where the last whole row of a text ends, which begins with one; newlines within quotes end none.
private struct RowEnds {
  /// The number of bytes to there; 0 if no row is whole.
  private(set) var end = 0
  /// The lines to there.
  private(set) var lines = 0

  /// - Parameters:
  ///   - isFirst: Whether the text begins with the header, after which one row at least has to follow.
  ///   - isLast: Whether no more text follows, so that its end is one of a row.
  init(_ text: UnsafeRawBufferPointer, isFirst: Bool, isLast: Bool, separator: UInt8) {
    guard let start = text.baseAddress, !text.isEmpty else { return }
    if isLast {
      end = text.count
    } else if !isFirst, memchr(start, 34, text.count) == nil {
      guard let last = text.lastIndex(of: 10) else { return }
      end = last + 1
      lines = text[..<end].reduce(0) { $0 &+ ($1 == 10 ? 1 : 0) }
    } else {
      scan(text, rows: isFirst ? 2 : 1, separator)
    }
  }

  private mutating func scan(_ text: UnsafeRawBufferPointer, rows needed: Int, _ separator: UInt8) {
    var (rows, line, rowStart) = (0, 0, 0)
    var (isAtCell, isQuoted) = (true, false)
    // The mark of a text's byte order is no part of the first cell.
    var position = text.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    while position < text.count {
      let byte = text[position]
      position += 1
      if byte == 10 { line += 1 }
      if isQuoted {
        // Of two quotes the second begins another part of the same cell.
        if byte == 34 { (isQuoted, isAtCell) = (false, true) }
      } else if byte == 34, isAtCell {
        isQuoted = true
      } else if byte == 10 {
        if position - rowStart > 2 || text[rowStart] != 13 && position - rowStart > 1 { rows += 1 }
        if rows >= needed { (end, lines) = (position, line) }
        (rowStart, isAtCell) = (position, true)
      } else {
        isAtCell = byte == separator
      }
    }
  }
}
