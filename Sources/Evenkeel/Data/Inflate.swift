import CZlib

/// Deflated data (RFC 1951) in the wrappings that are read.
enum Deflated {
  /// One or more gzip members, one after the other.
  case gzip
  /// A bare stream, as a zip archive holds.
  case raw

  fileprivate var windowBits: Int32 { self == .gzip ? 15 + 16 : -15 }
  fileprivate var noun: String { self == .gzip ? "the gzip file" : "the deflated data" }

  /// Inflates `source`, handing what comes out to `take` part by part until that says false.
  /// - Throws: `EvenkeelError` with code `data` that says how much came out before the damage.
  func inflate(
    _ source: UnsafeRawBufferPointer, name: String, take: (UnsafeRawBufferPointer) throws -> Bool
  ) throws {
    var stream = z_stream()
    guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw EvenkeelError(.internal, "zlib could not start.")
    }
    defer { inflateEnd(&stream) }
    var part = [UInt8](repeating: 0, count: 1 << 18)
    var (position, given) = (0, 0)
    stream.next_in = UnsafeMutablePointer(mutating: source.bindMemory(to: UInt8.self).baseAddress)
    while true {
      if stream.avail_in == 0 {
        let next = min(source.count - position, 1 << 30)
        stream.avail_in = UInt32(next)
        position += next
      }
      let status = part.withUnsafeMutableBufferPointer { buffer in
        stream.next_out = buffer.baseAddress
        stream.avail_out = UInt32(buffer.count)
        return CZlib.inflate(&stream, Z_NO_FLUSH)
      }
      let count = part.count - Int(stream.avail_out)
      given += count
      guard try part.withUnsafeBytes({ try take(UnsafeRawBufferPointer(rebasing: $0[..<count])) }) else { return }
      let isAtEnd = stream.avail_in == 0 && position == source.count
      if status == Z_STREAM_END {
        if isAtEnd { return }
        guard self == .gzip, inflateReset(&stream) == Z_OK else { break }
      } else if status == Z_BUF_ERROR || (status == Z_OK && isAtEnd && stream.avail_out > 0) {
        throw EvenkeelError.data("\(name): \(noun) is truncated after \(given) bytes of content.")
      } else if status != Z_OK {
        break
      }
    }
    throw EvenkeelError.data("\(name): \(noun) is damaged after \(given) bytes of content.")
  }
}
