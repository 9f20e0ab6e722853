#if Server
  internal import NIOCore
  internal import NIOHTTP1

  /// One client's connection: its requests, one after the other. All happens on the thread of its event loop.
  final class HTTPConnection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
      /// Between requests.
      case idle
      case reading(HTTPRequestHead, ByteBuffer)
      case answering(Task<Void, Never>)
      /// A request was refused before its end, which is thrown away so that the client gets to read the answer.
      case refused
      case closed
    }

    private let channel: any Channel
    private let handler: any RequestHandler
    private let limits: HTTPServer.Limits
    private let connections: HTTPConnections
    private let executor: LoopExecutor
    private var state = State.idle
    private var isStreaming = false
    /// When the connection ends if nothing happens, and what looks after that.
    private var deadline = NIODeadline.distantFuture
    private var watch: Scheduled<Void>?

    init(
      _ channel: any Channel, handler: any RequestHandler, limits: HTTPServer.Limits, connections: HTTPConnections,
      executor: LoopExecutor
    ) {
      (self.channel, self.handler, self.limits) = (channel, handler, limits)
      (self.connections, self.executor) = (connections, executor)
    }

    // ---- events -------------------------------------------------------------------------------------------------------

    func handlerAdded(context: ChannelHandlerContext) { allow(limits.idle) }

    func channelInactive(context: ChannelHandlerContext) {
      // Nobody waits for the answer any more.
      if case .answering(let task) = state { task.cancel() }
      state = .closed
      watch?.cancel()
      connections.remove(self)
      context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch (unwrapInboundIn(data), state) {
      case (.head(let head), .idle): begin(head)
      case (.body(let part), .reading(let head, var body)):
        guard body.readableBytes + part.readableBytes <= limits.body else { return refuseBody(head) }
        // The only reference, so that the bytes are not copied.
        state = .idle
        body.writeImmutableBuffer(part)
        state = .reading(head, body)
      case (.end, .reading(let head, let body)): answer(ServerRequest(head, body), keepsAlive: head.isKeepAlive)
      case (.end, .refused): close()
      default: break
      }
    }

    private func begin(_ head: HTTPRequestHead) {
      allow(limits.request)
      let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
      guard length <= limits.body else { return refuseBody(head) }
      state = .reading(head, channel.allocator.buffer(capacity: length))
      guard head.headers.first(name: "expect")?.lowercased() == "100-continue" else { return }
      channel.writeAndFlush(
        HTTPServerResponsePart.head(HTTPResponseHead(version: head.version, status: .continue)), promise: nil)
    }

    private func refuseBody(_ head: HTTPRequestHead) {
      state = .refused
      write(
        ServerFailure(413, "The body is longer than \(limits.body) bytes (--max-body).").response, keepsAlive: false)
      // Whoever waits to be told to go on sends no more.
      if head.headers.contains(name: "expect") { close() } else { allow(2) }
    }

    // ---- answers ------------------------------------------------------------------------------------------------------

    private func answer(_ request: ServerRequest, keepsAlive: Bool) {
      deadline = .distantFuture
      let handler = handler
      let task = Task(executorPreference: executor) { [self] in
        let response = await handler.respond(to: request)
        guard !Task.isCancelled else { return }
        switch response.body {
        case .bytes: finish(response, keepsAlive: keepsAlive)
        case .stream(let parts): await stream(response, parts)
        }
      }
      state = .answering(task)
    }

    private func finish(_ response: ServerResponse, keepsAlive: Bool) {
      channel.eventLoop.preconditionInEventLoop()
      guard case .answering = state else { return }
      let keepsAlive = keepsAlive && !connections.closesAfterAnswers
      state = .idle
      allow(limits.idle)
      write(response, keepsAlive: keepsAlive)
      if !keepsAlive { close() }
    }

    private func write(_ response: ServerResponse, keepsAlive: Bool) {
      guard case .bytes(let bytes) = response.body else { return }
      var head = HTTPResponseHead(response)
      if !head.headers.contains(name: "content-length") {
        head.headers.add(name: "Content-Length", value: "\(bytes.count)")
      }
      if !keepsAlive { head.headers.add(name: "Connection", value: "close") }
      channel.write(HTTPServerResponsePart.head(head), promise: nil)
      if !bytes.isEmpty {
        channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
      }
      channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    }

    /// Sends parts as they come, each when the client has taken those before.
    private func stream(_ response: ServerResponse, _ parts: AsyncStream<[UInt8]>) async {
      isStreaming = true
      var head = HTTPResponseHead(response)
      head.headers.add(name: "Connection", value: "close")
      channel.writeAndFlush(HTTPServerResponsePart.head(head), promise: nil)
      for await part in parts {
        let body = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: part)))
        do { try await channel.writeAndFlush(body).get() } catch { return }
      }
      channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
      channel.close(promise: nil)
    }

    // ---- ends ---------------------------------------------------------------------------------------------------------

    private func close() {
      // What is written before goes out first.
      channel.close(promise: nil)
    }

    /// Ends the connection after so many seconds, if nothing happens.
    private func allow(_ seconds: Int) {
      deadline = .now() + .seconds(Int64(seconds))
      if watch == nil { wait(until: deadline) }
    }

    private func wait(until time: NIODeadline) {
      watch = channel.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(deadline: time) { [weak self] in
        guard let self else { return }
        watch = nil
        if deadline <= .now() {
          close()
        } else if deadline < .distantFuture {
          wait(until: deadline)
        }
      }
    }

    /// Ends the connection, from any thread.
    /// - Parameters:
    ///   - ifIdle: Only between requests.
    ///   - orStreaming: Also while a stream is sent, which need not have an end.
    ///   - hasLingered: Whether there was time for a request that was under way.
    func end(ifIdle: Bool, orStreaming: Bool, hasLingered: Bool) {
      channel.eventLoop.execute { [self] in
        if case .idle = state, hasLingered { return close() }
        if !ifIdle || orStreaming && isStreaming { close() }
      }
    }
  }

  extension HTTPResponseHead {
    fileprivate init(_ response: ServerResponse) {
      self.init(version: .http1_1, status: HTTPResponseStatus(statusCode: response.status))
      for (name, value) in response.headers { headers.add(name: name, value: value) }
      headers.add(name: "Date", value: HTTPDate.now)
    }
  }

  extension ServerRequest {
    fileprivate init(_ head: HTTPRequestHead, _ body: ByteBuffer) {
      let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      var headers: [String: String] = [:]
      headers.reserveCapacity(head.headers.count)
      for (name, value) in head.headers {
        let name = name.lowercased()
        headers[name] = headers[name].map { $0 + ", " + value } ?? value
      }
      self.init(
        method: head.method.rawValue, path: PercentCoding.decoded(parts[0]),
        query: parts.count > 1 ? PercentCoding.query(parts[1]) : [:], headers: headers,
        body: Array(body.readableBytesView))
    }
  }
#endif
