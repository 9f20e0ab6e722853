#if Server
  internal import HTTPTypes
  internal import Hummingbird
  internal import ServiceLifecycle

  /// Answers HTTP requests by a handler.
  package struct HTTPServer {
    package let handler: any RequestHandler
    /// The name or number of the interface to listen at.
    package let host: String
    /// 0 for one that is free.
    package let port: Int
    /// The greatest number of bytes of a body.
    package let greatestBody: Int

    package init(handler: any RequestHandler, host: String, port: Int, greatestBody: Int = 16 << 20) {
      (self.handler, self.host, self.port, self.greatestBody) = (handler, host, port, greatestBody)
    }

    /// Listens until the process gets SIGTERM or SIGINT.
    /// - Parameter started: Is called once, with the port, when requests can come.
    package func run(started: @escaping @Sendable (Int) -> Void) async throws {
      let (handler, greatestBody) = (handler, greatestBody)
      let responder = CallbackResponder<BasicRequestContext> { request, _ in
        let body = try await request.body.collect(upTo: greatestBody)
        let response = await handler.respond(
          to: ServerRequest(
            method: request.method.rawValue, path: request.uri.path.withoutPercentSigns,
            query: Dictionary(
              request.uri.queryParameters.map { (String($0.key), String($0.value)) }, uniquingKeysWith: { $1 }),
            headers: Dictionary(
              request.headers.map { ($0.name.canonicalName, $0.value) }, uniquingKeysWith: { $0 + ", " + $1 }),
            body: Array(buffer: body)))
        var fields = HTTPFields()
        for (name, value) in response.headers {
          HTTPField.Name(name).map { fields.append(HTTPField(name: $0, value: value)) }
        }
        let content: ResponseBody =
          switch response.body {
          case .bytes(let bytes): ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
          case .stream(let parts):
            ResponseBody { writer in
              // A stream may have no end of its own, and a server that is to stop waits for those that read.
              for await part in parts.cancelOnGracefulShutdown() {
                try await writer.write(ByteBuffer(bytes: part))
              }
              try await writer.finish(nil)
            }
          }
        return Response(status: HTTPResponse.Status(code: response.status), headers: fields, body: content)
      }
      let application = Application(
        responder: responder, configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
        onServerRunning: { channel in started(channel.localAddress?.port ?? 0) })
      try await application.runService()
    }
  }

  extension String {
    /// With bytes in place of percent signs and two hexadecimal digits.
    fileprivate var withoutPercentSigns: String {
      guard utf8.contains(UInt8(ascii: "%")) else { return self }
      var (bytes, rest) = ([UInt8](), Substring(self).utf8)
      while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) {
          bytes.append(value)
          rest.removeFirst(2)
        } else {
          bytes.append(byte)
        }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
#endif
