import CZlib
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
    var stream = z_stream()
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw EvenkeelError(.internal, "zlib could not start.")
    }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 18)
    var position = 0
    stream.next_in = UnsafeMutablePointer(mutating: source.bindMemory(to: UInt8.self).baseAddress!)
    while true {
      if stream.avail_in == 0 {
        let next = min(source.count - position, 1 << 30)
        stream.avail_in = UInt32(next)
        position += next
      }
      let status = part.withUnsafeMutableBufferPointer { buffer in
        stream.next_out = buffer.baseAddress
        stream.avail_out = UInt32(buffer.count)
        return inflate(&stream, Z_NO_FLUSH)
      }
      output.append(contentsOf: part[..<(part.count - Int(stream.avail_out))])
      if status == Z_STREAM_END {
        if stream.avail_in == 0 && position == source.count { return output }
        guard inflateReset(&stream) == Z_OK else { break }
      } else if status == Z_BUF_ERROR
        || (status == Z_OK && stream.avail_in == 0 && position == source.count && stream.avail_out > 0)
      {
        throw EvenkeelError.data("\(name): the gzip file is truncated after \(output.count) bytes of content.")
      } else if status != Z_OK {
        break
      }
    }
    throw EvenkeelError.data("\(name): the gzip file is damaged after \(output.count) bytes of content.")
  }
}
