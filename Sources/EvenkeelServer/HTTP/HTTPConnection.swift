#if Server
  internal import NIOCore
  internal import NIOHTTP1

  /// One client's connection: its requests, one after the other. All happens on the thread of its event loop.
  final class HTTPConnection: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer

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
    /// What came while an answer was under way; nil for what is no HTTP, after which nothing comes.
    private var waiting = CircularBuffer<HTTPServerRequestPart?>()
    /// Whether no more is read until all that waits is taken.
    private var isReadingHeld = false
    private var isStreaming = false
    /// What is wrong with what came last, if it is no request.
    private var refusal = ServerFailure(400, "The request is not HTTP/1.1.")
    /// When the connection ends if nothing happens, and what looks after that, at a time that is no later.
    private var deadline = NIODeadline.distantFuture
    private var watch: (task: Scheduled<Void>, time: NIODeadline)?

    /// Bytes of a body that take so long to read that other connections of the loop would wait.
    private static let largeBody = 64 << 10

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
      waiting.removeAll()
      watch?.task.cancel()
      connections.remove(self)
      context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      guard let error = error as? HTTPParserError else { return close() }
      if error == .headerOverflow {
        refusal = ServerFailure(431, "The headers are longer than \(limits.headers) bytes.")
      }
      take(nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { take(unwrapInboundIn(data)) }

    func read(context: ChannelHandlerContext) {
      if waiting.isEmpty { context.read() } else { isReadingHeld = true }
    }

    private func take(_ part: HTTPServerRequestPart?) {
      if case .answering = state { waiting.append(part) } else { handle(part) }
    }

    private func takeWaiting() {
      while let part = waiting.first {
        if case .answering = state { return }
        waiting.removeFirst()
        handle(part)
      }
      guard isReadingHeld else { return }
      isReadingHeld = false
      channel.read()
    }

    private func handle(_ part: HTTPServerRequestPart?) {
      switch (part, state) {
      case (.head(let head), .idle): begin(head)
      case (.body(let part), .reading(let head, var body)):
        guard body.readableBytes + part.readableBytes <= limits.body else { return refuseBody(head) }
        // The only reference, so that the bytes are not copied.
        state = .idle
        body.writeImmutableBuffer(part)
        state = .reading(head, body)
      case (.end, .reading(let head, let body)): answer(head, body)
      case (nil, .idle), (nil, .reading):
        state = .closed
        send(refusal.response, keepsAlive: false)
      case (.end, .refused), (nil, .refused): close()
      default: break
      }
    }

    private func begin(_ head: HTTPRequestHead) {
      allow(limits.request)
      let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
      guard length <= limits.body else { return refuseBody(head) }
      state = .reading(head, channel.allocator.buffer(capacity: length))
      guard head.headers.first(name: "expect")?.lowercased() == "100-continue" else { return }
      channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"), promise: nil)
    }

    private func refuseBody(_ head: HTTPRequestHead) {
      state = .refused
      let refusal = ServerFailure(413, "The body is longer than \(limits.body) bytes (--max-body).").response
      // Whoever waits to be told to go on sends no more.
      let isOver = head.headers.contains(name: "expect")
      send(refusal, keepsAlive: false, closes: isOver)
      if !isOver { allow(2) }
    }

    // ---- answers ------------------------------------------------------------------------------------------------------

    private func answer(_ head: HTTPRequestHead, _ body: ByteBuffer) {
      deadline = .distantFuture
      let handler = handler
      let isLarge = body.readableBytes > Self.largeBody || head.headers.contains(name: "content-encoding")
      connections.count(answers: 1)
      let task = Task(executorPreference: executor) { [self] in
        defer { connections.count(answers: -1) }
        let response =
          isLarge
          ? await withTaskExecutorPreference(globalConcurrentExecutor) {
            await handler.respond(to: ServerRequest(head, body))
          }
          : await handler.respond(to: ServerRequest(head, body))
        guard !Task.isCancelled else { return }
        switch response.body {
        case .bytes: finish(response, keepsAlive: head.isKeepAlive)
        case .stream(let parts): await stream(response, parts)
        }
      }
      state = .answering(task)
    }

    private func finish(_ response: ServerResponse, keepsAlive: Bool) {
      channel.eventLoop.preconditionInEventLoop()
      guard case .answering = state else { return }
      let keepsAlive = keepsAlive && !connections.closesAfterAnswers
      state = keepsAlive ? .idle : .closed
      // The client takes as long as it takes, within the limit.
      allow(limits.idle)
      send(response, keepsAlive: keepsAlive)
      takeWaiting()
    }

    /// Sends a response whose body is there.
    /// - Parameter closes: Whether the connection ends when it is sent; by default if it is not kept.
    private func send(_ response: ServerResponse, keepsAlive: Bool, closes: Bool? = nil) {
      guard case .bytes(let bytes) = response.body else { preconditionFailure("a stream is sent otherwise") }
      var buffer = channel.allocator.buffer(capacity: 512 + bytes.count)
      buffer.write(headOf: response, count: bytes.count, keepsAlive: keepsAlive)
      buffer.writeBytes(bytes)
      guard closes ?? !keepsAlive else { return channel.writeAndFlush(buffer, promise: nil) }
      channel.writeAndFlush(buffer).whenComplete { [self] _ in close() }
    }

    /// Sends parts as they come, each when the client has taken those before.
    private func stream(_ response: ServerResponse, _ parts: AsyncStream<[UInt8]>) async {
      isStreaming = true
      var head = channel.allocator.buffer(capacity: 512)
      head.write(headOf: response, count: nil, keepsAlive: false)
      channel.writeAndFlush(head, promise: nil)
      for await part in parts where !part.isEmpty {
        var chunk = channel.allocator.buffer(capacity: part.count + 32)
        chunk.write(chunk: part)
        do { try await channel.writeAndFlush(chunk).get() } catch { return }
      }
      // A chunk without bytes is the last.
      var end = channel.allocator.buffer(capacity: 8)
      end.write(chunk: [])
      try? await channel.writeAndFlush(end).get()
      close()
    }

    // ---- ends ---------------------------------------------------------------------------------------------------------

    private func close() { channel.close(promise: nil) }

    /// Ends the connection after so many seconds, if nothing happens.
    private func allow(_ seconds: Int) {
      deadline = .now() + .seconds(Int64(seconds))
      if watch.map({ deadline < $0.time }) ?? true { wait(until: deadline) }
    }

    private func wait(until time: NIODeadline) {
      watch?.task.cancel()
      let task = channel.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(deadline: time) { [weak self] in
        guard let self else { return }
        watch = nil
        if deadline <= .now() {
          endLate()
        } else if deadline < .distantFuture {
          wait(until: deadline)
        }
      }
      watch = (task, time)
    }

    private func endLate() {
      guard case .reading = state else { return close() }
      state = .closed
      send(
        ServerFailure(408, "The request did not end within \(limits.request) s.").response, keepsAlive: false)
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
