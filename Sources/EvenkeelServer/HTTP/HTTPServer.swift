#if Server
  import Evenkeel
  import Glibc
  internal import NIOCore
  internal import NIOHTTP1
  internal import NIOPosix
  import Synchronization

  /// Answers HTTP/1.1 requests by a handler.
  package final class HTTPServer: Sendable {
    /// Where a server listens.
    package enum Address: Hashable, Sendable {
      /// An interface's name or number, and a port; 0 for one that is free.
      case host(String, port: Int)
      /// A socket in the file system.
      case unix(String)
    }

    /// What clients may ask for.
    package struct Limits: Hashable, Sendable {
      /// Bytes of a body.
      package var body = 16 << 20
      /// Bytes of all headers.
      package var headers = 16 << 10
      package var connections = 1024
      /// Seconds for the whole of a request, from its headers on, and between requests.
      package var request = 30, idle = 60

      package init() {}
    }

    private let handler: any RequestHandler
    private let address: Address
    private let limits: Limits
    private let connections: HTTPConnections
    private let listening = Mutex<(channel: (any Channel)?, isStopped: Bool, end: Int)>((nil, false, .max))

    package init(handler: any RequestHandler, address: Address, limits: Limits = Limits()) {
      (self.handler, self.address, self.limits) = (handler, address, limits)
      connections = HTTPConnections(greatest: limits.connections)
    }

    /// - Parameters:
    ///   - host: The name or number of the interface to listen at.
    ///   - port: 0 for one that is free.
    ///   - greatestBody: The greatest number of bytes of a body.
    package convenience init(
      handler: any RequestHandler, host: String, port: Int, greatestBody: Int = Limits().body
    ) {
      var limits = Limits()
      limits.body = greatestBody
      self.init(handler: handler, address: .host(host, port: port), limits: limits)
    }

    /// Listens until the process gets SIGTERM or SIGINT.
    /// - Parameter started: Is called once, with the port, when requests can come; 0 for a socket in the file system.
    /// - Throws: As `serve`.
    package func run(started: @escaping @Sendable (Int) -> Void) async throws {
      let signals = ServerSignals([SIGTERM, SIGINT]) { [weak self] _ in self?.stop() }
      defer { signals.end() }
      try await serve(started: started)
    }

    /// Listens until `stop` is called.
    /// - Throws: `EvenkeelError`: `usage` for an address that cannot be listened at.
    package func serve(started: @escaping @Sendable (Int) -> Void) async throws {
      let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, Machine.threads / 4))
      let channel: any Channel
      do { channel = try await listen(group) } catch {
        try? await group.shutdownGracefully()
        throw error
      }
      let isStopped = listening.withLock { listening in
        listening.channel = channel
        return listening.isStopped
      }
      let socketFile = socketFile
      if isStopped { channel.close(promise: nil) } else { started(channel.localAddress?.port ?? 0) }
      try? await channel.closeFuture.get()
      let end = listening.withLock { listening in
        listening.channel = nil
        return listening.end
      }
      // Threads that a handler may still come back to stay until the process ends.
      if await connections.drain(until: end) { try? await group.shutdownGracefully() }
      // Another server may have taken the place.
      if case .unix(let path) = address, let socketFile, self.socketFile == socketFile { unlink(path) }
    }

    /// What the socket in the file system is; nil for other addresses.
    private var socketFile: FileStamp? { if case .unix(let path) = address { FileStamp(path) } else { nil } }

    private func listen(_ group: MultiThreadedEventLoopGroup) async throws -> any Channel {
      let executors = Dictionary(
        uniqueKeysWithValues: group.makeIterator().map { (ObjectIdentifier($0), LoopExecutor($0)) })
      let (handler, limits, connections) = (handler, limits, connections)
      let bootstrap = ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 1024)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let connection = HTTPConnection(
              channel, handler: handler, limits: limits, connections: connections,
              executor: executors[ObjectIdentifier(channel.eventLoop)]!)
            guard connections.add(connection) else { return channel.close(promise: nil) }
            var decoding = NIOHTTPDecoderLimitConfiguration()
            (decoding.maxHeaderFieldSize, decoding.maxHeaderListSize) = (limits.headers, limits.headers)
            try channel.pipeline.syncOperations.addHandlers(
              ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: decoding)), connection)
          }
        }
      do {
        switch address {
        case .host(let host, let port):
          return try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1).bind(host: host, port: port)
            .get()
        case .unix(let path):
          // Only a socket that a server left behind is replaced.
          if let other = try? await ClientBootstrap(group: group).connect(unixDomainSocketPath: path).get() {
            other.close(promise: nil)
            throw IOError(errnoCode: EADDRINUSE, reason: "bind")
          }
          return try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        }
      } catch {
        let place =
          switch address {
          case .host(let host, let port): "\(host):\(port)"
          case .unix(let path): path
          }
        let reason =
          switch error {
          case let error as IOError: String(cString: strerror(error.errnoCode))
          case SocketAddressError.unixDomainSocketPathTooLong: "the path is too long"
          case is SocketAddressError, is SocketAddressError.UnknownHost: "there is no such address"
          case is UnixDomainSocketPathWrongType: "another file is there"
          default: "\(error)"
          }
        throw EvenkeelError.usage("\(place): the server cannot listen there (\(reason)).")
      }
    }

    /// From here on answers say that their connection ends, so that clients open others, elsewhere.
    package func closeAfterAnswers() { connections.closeAfterAnswers() }

    /// Listens no more, finishes what has come, and ends.
    /// - Parameter seconds: After which it ends in any case.
    package func stop(within seconds: Int = 5) {
      connections.closeAfterAnswers()
      let channel = listening.withLock { listening in
        (listening.isStopped, listening.end) = (true, Clock.now + seconds * 1_000_000_000)
        return listening.channel
      }
      channel?.close(promise: nil)
    }
  }
#endif
