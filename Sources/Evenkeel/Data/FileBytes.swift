import Glibc

/// The bytes of a file: mapped, or inflated where it is gzip; or bytes that the program made. Read only.
package final class FileBytes: @unchecked Sendable {
  let start: UnsafeRawPointer
  let count: Int
  /// The file's name in errors.
  package let name: String
  /// The number of the first row, from 1, of bytes that are rows of a database as CSV; nil for others.
  let firstRow: Int?
  /// What keeps the memory at `start`.
  private let owner: AnyObject
  /// The file whose bytes these are in place, or a part of; nil for bytes in memory.
  private let mapping: MappedFile?

  /// - Throws: `EvenkeelError` with code `noInput` if the file cannot be opened, `data` if it is damaged gzip, or more than there
  ///   is memory for.
  package convenience init(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).") }
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).")
    }
    if status.st_mode & S_IFMT == S_IFDIR { throw EvenkeelError.noInput("\(path) is a folder; expected a file.") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      try self.init(reading: descriptor, name: path)
      return
    }
    guard status.st_size > 0 else {
      self.init(GrowingBytes(name: path))
      return
    }
    let file = try MappedFile(descriptor, status, name: path)
    isKept = true
    let content = UnsafeRawBufferPointer(start: file.start, count: file.count)
    if content.starts(with: [0x1f, 0x8b]) {
      try self.init(file.reading { try Self.inflateAll(content, name: path) })
    } else {
      self.init(start: file.start, count: file.count, name: path, owner: file, mapping: file)
    }
  }

  /// The bytes of a pipe or of standard input, to its end.
  /// - Parameter first: What was read of it before.
  /// - Throws: `EvenkeelError`: `noInput` if it cannot be read, `data` if it gives more than there is memory for.
  convenience init(reading descriptor: Int32, name: String, after first: [UInt8] = []) throws {
    let content = SpooledBytes(name: name)
    try first.withUnsafeBytes { try content.append($0) }
    var part = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let got = part.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw EvenkeelError.noInput("\(name): \(String(cString: strerror(errno))).") }
      if got == 0 { break }
      try part.withUnsafeBytes { try content.append(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
    }
    try self.init(content)
  }

  /// The bytes of an open file that is written no more.
  convenience init(contentsOf descriptor: Int32, name: String) throws {
    let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    var status = stat()
    guard own >= 0, fstat(own, &status) == 0 else {
      if own >= 0 { close(own) }
      throw EvenkeelError.noInput("\(name): \(String(cString: strerror(errno))).")
    }
    do {
      let file = try MappedFile(own, status, name: name)
      self.init(start: file.start, count: file.count, name: name, owner: file, mapping: file)
    } catch {
      close(own)
      throw error
    }
  }

  /// Bytes in memory, inflated if they are gzip.
  package convenience init(_ bytes: [UInt8], name: String) throws {
    let content = try bytes.withUnsafeBytes { bytes in
      if bytes.starts(with: [0x1f, 0x8b]) { return try Self.inflateAll(bytes, name: name) }
      let content = SpooledBytes(name: name, mostInMemory: .max)
      try content.append(bytes)
      return content
    }
    try self.init(content)
  }

  /// A part of `whole`, in place.
  convenience init(_ range: Range<Int>, of whole: FileBytes, name: String) {
    precondition(range.lowerBound >= 0 && range.upperBound <= whole.count, "The range lies outside the file.")
    self.init(
      start: whole.start + range.lowerBound, count: range.count, name: name, owner: whole, mapping: whole.mapping)
  }

  /// `count` bytes of memory that `fill` writes, all of them.
  /// - Parameter purpose: What the memory is for; the name if nil.
  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory; what `fill` throws.
  convenience init(
    count: Int, name: String, purpose: String? = nil, fill: (UnsafeMutablePointer<UInt8>) throws -> Void
  ) throws {
    let content = GrowingBytes(name: name)
    try Machine.requireMemory(count, for: purpose ?? name)
    try fill(content.room(count).baseAddress!.assumingMemoryBound(to: UInt8.self))
    content.take(count)
    self.init(content)
  }

  private convenience init(_ content: SpooledBytes) throws {
    switch content.place {
    case .memory(let memory): self.init(memory)
    case .file(let descriptor): try self.init(contentsOf: descriptor, name: content.name)
    }
  }

  /// - Parameter first: The number of the first row, where the bytes are rows of a database.
  convenience init(_ content: GrowingBytes, rowsFrom first: Int? = nil) {
    content.trim()
    self.init(
      start: content.start, count: content.count, name: content.name, owner: content, mapping: nil, firstRow: first)
  }

  private init(
    start: UnsafeRawPointer, count: Int, name: String, owner: AnyObject, mapping: MappedFile?, firstRow: Int? = nil
  ) {
    self.start = start
    self.count = count
    self.name = name
    self.owner = owner
    self.mapping = mapping
    self.firstRow = firstRow
  }

  /// A copy of the content.
  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory.
  package var copy: [UInt8] {
    get throws {
      try Machine.requireMemory(count, for: "A copy of \(name)")
      return try reading { Array(bytes) }
    }
  }

  /// The content in place; valid while this object is held.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

  /// Gives back the memory of mapped pages, which are read again when they are needed.
  func forget(_ range: Range<Int>) {
    mapping?.forget(start + range.lowerBound..<start + range.upperBound)
  }

  /// - Throws: `EvenkeelError` with code `data` if another program has written to the file since it was opened.
  package func requireUnchanged() throws { try mapping?.requireUnchanged() }

  /// - Throws: As `requireUnchanged`, where a page was found missing: it asks no system call.
  func requireWhole() throws { try mapping?.requireWhole() }

  /// What `body` makes of the content. Where the file changed meanwhile that is the error, whatever came of it.
  package func reading<Result>(_ body: () throws -> Result) throws -> Result {
    guard let mapping else { return try body() }
    return try mapping.reading(body)
  }

  /// The content of a gzip file, all its members.
  private static func inflateAll(_ source: UnsafeRawBufferPointer, name: String) throws -> SpooledBytes {
    let output = SpooledBytes(name: name)
    try Deflated.gzip.inflate(source, name: name) {
      try output.append($0)
      return true
    }
    return output
  }
}
