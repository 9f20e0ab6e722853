import CZlib

/// How bodies are compressed on their way, by their names in HTTP.
package enum BodyCoding: String {
  case gzip
  /// RFC 1950; some clients mean a bare stream (RFC 1951), which is read too.
  case deflate

  /// The body that was compressed.
  /// - Parameter limit: The greatest number of bytes that may come out.
  /// - Throws: `ServerFailure`: 413 for more than `limit`, 400 for what is damaged.
  package func inflated(_ body: [UInt8], limit: Int) throws -> [UInt8] {
    // Both wrappings are told apart by their first bytes.
    if let result = try inflated(body, limit: limit, windowBits: 15 + 32) { return result }
    if self == .deflate, let result = try inflated(body, limit: limit, windowBits: -15) { return result }
    throw ServerFailure(400, "The body is no \(rawValue) data, or it is damaged.")
  }

  /// nil for what is damaged.
  private func inflated(_ body: [UInt8], limit: Int, windowBits: Int32) throws -> [UInt8]? {
    var stream = z_stream()
    guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw ServerFailure(500, "zlib could not start.")
    }
    defer { inflateEnd(&stream) }
    var source = body
    var (result, part) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    return try source.withUnsafeMutableBufferPointer { source in
      (stream.next_in, stream.avail_in) = (source.baseAddress, UInt32(source.count))
      while true {
        let status = part.withUnsafeMutableBufferPointer { part in
          (stream.next_out, stream.avail_out) = (part.baseAddress, UInt32(part.count))
          return CZlib.inflate(&stream, Z_NO_FLUSH)
        }
        result += part[..<(part.count - Int(stream.avail_out))]
        guard result.count <= limit else {
          throw ServerFailure(413, "The body is longer than \(limit) bytes when it is inflated (--max-body).")
        }
        if status == Z_STREAM_END { return stream.avail_in == 0 ? result : nil }
        guard status == Z_OK else { return nil }
      }
    }
  }

  /// `body`, compressed at the fastest level.
  package func deflated(_ body: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    guard
      deflateInit2_(
        &stream, 1, Z_DEFLATED, self == .gzip ? 15 + 16 : 15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    var source = body
    return source.withUnsafeMutableBufferPointer { source in
      (stream.next_in, stream.avail_in) = (source.baseAddress, UInt32(source.count))
      let room = Int(deflateBound(&stream, UInt(source.count)))
      var isWhole = false
      let result = [UInt8](unsafeUninitializedCapacity: room) { result, count in
        (stream.next_out, stream.avail_out) = (result.baseAddress, UInt32(room))
        isWhole = CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END
        count = room - Int(stream.avail_out)
      }
      return isWhole ? result : nil
    }
  }
}
