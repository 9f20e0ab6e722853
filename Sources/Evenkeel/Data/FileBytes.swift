import Glibc

/// The bytes of a file: mapped, or inflated to memory where it is gzip; or bytes that the program made. Read only.
package final class FileBytes: @unchecked Sendable {
  let start: UnsafeRawPointer
  let count: Int
  /// What errors call the file.
  let name: String
  private let release: () -> Void

  /// - Throws: `EvenkeelError` with code `noInput` if the file cannot be opened, `data` if it is damaged gzip.
  package convenience init(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).")
    }
    if status.st_mode & S_IFMT == S_IFDIR { throw EvenkeelError.noInput("\(path) is a folder; expected a file.") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      try self.init(reading: descriptor, name: path)
      return
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      self.init(copying: [], name: path)
      return
    }
    guard let memory = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED else {
      throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).")
    }
    let bytes = memory.assumingMemoryBound(to: UInt8.self)
    if count > 1, bytes[0] == 0x1f, bytes[1] == 0x8b {
      defer { munmap(memory, count) }
      self.init(
        copying: try Self.inflateAll(UnsafeRawBufferPointer(start: memory, count: count), name: path), name: path)
      return
    }
    self.init(start: memory, count: count, name: path) { munmap(memory, count) }
  }

  /// The bytes of a pipe or of standard input, to its end.
  convenience init(reading descriptor: Int32, name: String) throws {
    var all: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = read(descriptor, &part, part.count)
      guard got >= 0 else { throw EvenkeelError.noInput("\(name): \(String(cString: strerror(errno))).") }
      if got == 0 { break }
      all.append(contentsOf: part[..<got])
    }
    self.init(copying: all, name: name)
  }

  /// Bytes in memory, inflated if they are gzip.
  package convenience init(_ bytes: [UInt8], name: String) throws {
    if bytes.starts(with: [0x1f, 0x8b]) {
      self.init(copying: try bytes.withUnsafeBytes { try Self.inflateAll($0, name: name) }, name: name)
    } else {
      self.init(copying: bytes, name: name)
    }
  }

  /// A part of `whole`, in place.
  convenience init(_ range: Range<Int>, of whole: FileBytes, name: String) {
    precondition(range.lowerBound >= 0 && range.upperBound <= whole.count, "The range lies outside the file.")
    self.init(start: whole.start + range.lowerBound, count: range.count, name: name) { withExtendedLifetime(whole) {} }
  }

  private convenience init(copying bytes: [UInt8], name: String) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
    bytes.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count) }
    self.init(start: memory, count: bytes.count, name: name) { memory.deallocate() }
  }

  /// `count` bytes of memory that `fill` writes, all of them.
  /// - Throws: `EvenkeelError` with code `data` if there is not so much memory; what `fill` throws.
  convenience init(count: Int, name: String, fill: (UnsafeMutablePointer<UInt8>) throws -> Void) throws {
    guard let memory = malloc(max(count, 1)) else {
      throw EvenkeelError.data("\(name): \(count) bytes of memory are needed, more than there is.")
    }
    let bytes = memory.bindMemory(to: UInt8.self, capacity: count)
    do { try fill(bytes) } catch {
      free(memory)
      throw error
    }
    self.init(start: memory, count: count, name: name) { free(memory) }
  }

  private init(start: UnsafeRawPointer, count: Int, name: String, release: @escaping () -> Void) {
    self.start = start
    self.count = count
    self.name = name
    self.release = release
  }

  deinit { release() }

  /// A copy of the content.
  package var copy: [UInt8] { withExtendedLifetime(self) { Array(bytes) } }

  /// The content in place; valid while this object is held.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

  /// The content of a gzip file, all its members. Memory grows with what comes out, not with what a header says.
  private static func inflateAll(_ source: UnsafeRawBufferPointer, name: String) throws -> [UInt8] {
    var output: [UInt8] = []
    try Deflated.gzip.inflate(source, name: name) {
      output.append(contentsOf: $0)
      return true
    }
    return output
  }
}
