#if Server
  internal import NIOCore
  internal import NIOHTTP1

  /// Answers as HTTP/1.1 has them on the wire: head and body in one buffer, which NIO's encoder would send apart through every handler.
  extension ByteBuffer {
    /// Writes all that is before the body.
    /// - Parameter count: Bytes of the body; nil for one that is sent in chunks.
    mutating func write(headOf response: ServerResponse, count: Int?, keepsAlive: Bool) {
      let status = HTTPResponseStatus(statusCode: response.status)
      writeStaticString("HTTP/1.1 ")
      writeString(String(response.status))
      writeStaticString(" ")
      writeString(status.reasonPhrase)
      writeStaticString("\r\n")
      var hasLength = false
      for (name, value) in response.headers {
        if name == "Content-Length" { hasLength = true }
        write(header: name, value)
      }
      write(header: "Date", HTTPDate.now)
      if let count {
        if !hasLength { write(header: "Content-Length", String(count)) }
      } else {
        write(header: "Transfer-Encoding", "chunked")
      }
      if !keepsAlive { write(header: "Connection", "close") }
      writeStaticString("\r\n")
    }

    /// Leaves out a value with control characters, which could end the header and begin another.
    private mutating func write(header name: String, _ value: String) {
      guard value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else { return }
      writeString(name)
      writeStaticString(": ")
      writeString(value)
      writeStaticString("\r\n")
    }

    /// Writes one part of a body that is sent in chunks.
    mutating func write(chunk bytes: [UInt8]) {
      writeString(String(bytes.count, radix: 16))
      writeStaticString("\r\n")
      writeBytes(bytes)
      writeStaticString("\r\n")
    }
  }
#endif
