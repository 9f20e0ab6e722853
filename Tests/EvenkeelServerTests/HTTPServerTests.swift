#if Server
  import Evenkeel
  import EvenkeelServer
  import EvenkeelTestSupport
  import Glibc
  import Synchronization
  import Testing

  /// Says what it was asked; waits, streams or fails as the path says.
  private final class Echo: RequestHandler {
    let canceled = Atomic(0)
    let isOpen = Atomic(false)
    let isHeld = Atomic(false)

    func respond(to request: ServerRequest) async -> ServerResponse {
      switch request.path {
      case "/wait":
        while !isOpen.load(ordering: .relaxed) {
          do { try await Task.sleep(nanoseconds: 1_000_000) } catch {
            canceled.add(1, ordering: .relaxed)
            return ServerResponse(status: 499)
          }
        }
        return ServerResponse(status: 200, body: .bytes(Array("waited".utf8)))
      case "/hold":
        // As long work does, it keeps the thread that it is on.
        isHeld.store(true, ordering: .relaxed)
        while !isOpen.load(ordering: .relaxed) { usleep(1000) }
        return ServerResponse(status: 200, headers: [("X-A", "a\r\nX-B: b")], body: .bytes(Array("held".utf8)))
      case "/stream":
        let (parts, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        for part in ["one", "two"] { continuation.yield(Array(part.utf8)) }
        if request.query["ends"] == "yes" { continuation.finish() }
        return ServerResponse(status: 200, body: .stream(parts))
      default:
        let query = request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
        return ServerResponse(
          status: 200, headers: [("X-Method", request.method)],
          body: .bytes(Array("\(request.path)?\(query) \(request.headers["x-a"] ?? "") ".utf8) + request.body))
      }
    }
  }

  /// A client of plain sockets, which a test decides byte by byte.
  private final class Client {
    let descriptor: Int32

    init(_ path: String) throws {
      descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      try #require(status == 0)
      var limit = timeval(tv_sec: 60, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// All that comes until `text` is in it, or the end.
    func receive(until text: String? = nil) -> String {
      var (result, part) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
      while true {
        let string = String(decoding: result, as: UTF8.self)
        if let text, string.contains(text) { return string }
        let count = recv(descriptor, &part, part.count, 0)
        guard count > 0 else { return string }
        result += part[..<count]
      }
    }
  }

  private func withServer(
    _ limits: HTTPServer.Limits = HTTPServer.Limits(),
    _ body: (Echo, HTTPServer, _ path: String) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      let (echo, path) = (Echo(), folder + "/socket")
      let server = HTTPServer(handler: echo, address: .unix(path), limits: limits)
      let (started, continuation) = AsyncStream.makeStream(of: Void.self)
      let task = Task {
        defer { continuation.finish() }
        try await server.serve { _ in continuation.yield() }
      }
      for await _ in started { break }
      defer { server.stop(within: 0) }
      try await body(echo, server, path)
      server.stop(within: 0)
      try await task.value
      #expect(access(path, F_OK) != 0, "the socket is removed")
    }
  }

  @Suite(.ownThreads) struct HTTPServerTests {
    @Test func requestsArriveWholeAndConnectionsAreKept() async throws {
      try await withServer { _, _, path in
        let client = try Client(path)
        for part in [
          "POST /a%20b/?x=1&y=%C3%A4+z HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nContent-Le", "ngth: 5\r\n\r\nab",
          "cde",
        ] {
          client.send(part)
          try await Task.sleep(nanoseconds: 2_000_000)
        }
        let answer = client.receive(until: "abcde")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.contains("X-Method: POST\r\n"))
        #expect(answer.contains("/a b/?x=1&y=ä z 1, 2 abcde") && answer.contains(" GMT\r\n"), "\(answer)")
        // Several at once, the last in parts of unknown length.
        client.send(
          "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nPOST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nxy\r\n0\r\n\r\n"
        )
        let rest = client.receive()
        #expect(rest.components(separatedBy: "HTTP/1.1 200 OK").count == 4 && rest.hasSuffix("/3?  xy"), "\(rest)")
      }
    }

    @Test func bodiesThatAreTooLongAreRefusedBeforeTheyAreSent() async throws {
      var limits = HTTPServer.Limits()
      limits.body = 100
      try await withServer(limits) { _, _, path in
        for (head, body) in [
          ("Content-Length: 101", ""), ("Content-Length: 99999999999999", ""),
          ("Content-Length: 1000\r\nExpect: 100-continue", ""),
          (
            "Transfer-Encoding: chunked",
            "41\r\n\(String(repeating: "a", count: 65))\r\n41\r\n\(String(repeating: "b", count: 65))\r\n"
          ),
        ] {
          let client = try Client(path)
          client.send("POST / HTTP/1.1\r\nHost: a\r\n\(head)\r\n\r\n\(body)")
          let answer = client.receive(until: "}")
          #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.contains("Connection: close"), "\(answer)")
          #expect(!answer.contains("100 Continue"))
        }
        let client = try Client(path)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue"))
        client.send("ab")
        #expect(client.receive(until: "ab").hasPrefix("HTTP/1.1 200 OK"))
      }
    }

    @Test(arguments: [
      "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
      "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
      "GET / HTTP/1.1\r\n\0: a\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func whatIsNoHTTPEndsItsOwnConnectionOnly(_ text: String) async throws {
      try await withServer { _, _, path in
        let (other, client) = (try Client(path), try Client(path))
        client.send(text)
        let answer = client.receive()
        #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
        other.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(other.receive().hasPrefix("HTTP/1.1 200 OK"))
      }
    }

    @Test func whatIsNoHTTPWaitsForTheAnswerBeforeIt() async throws {
      try await withServer { echo, _, path in
        let client = try Client(path)
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n")
        try await Task.sleep(nanoseconds: 20_000_000)
        echo.isOpen.store(true, ordering: .relaxed)
        let parts = client.receive().components(separatedBy: "HTTP/1.1 ")
        #expect(parts.count == 4 && parts[1].hasSuffix("waited") && parts[2].contains("/1?"), "\(parts)")
        #expect(parts[3].hasPrefix("400 Bad Request") && parts[3].contains("is not HTTP/1.1."), "\(parts)")
      }
    }

    /// More connections than a server has threads, so that some share the thread of the first.
    @Test(arguments: ["X-A: 1", "Content-Encoding: gzip"])
    func aBodyThatIsLongToReadHoldsUpNobody(_ header: String) async throws {
      try await withServer { echo, _, path in
        let (large, others) = (try Client(path), try (0..<64).map { _ in try Client(path) })
        let count = header.contains("gzip") ? 10 : 100_000
        large.send("POST /hold HTTP/1.1\r\nHost: a\r\n\(header)\r\nContent-Length: \(count)\r\n\r\n")
        large.send([UInt8](repeating: 0, count: count))
        while !echo.isHeld.load(ordering: .relaxed) { try await Task.sleep(nanoseconds: 1_000_000) }
        for other in others {
          other.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(other.receive(until: "/1?").contains("200 OK"))
        }
        echo.isOpen.store(true, ordering: .relaxed)
        let answer = large.receive(until: "held")
        // A header's value that would begin another is left out.
        #expect(answer.hasPrefix("HTTP/1.1 200 OK") && !answer.contains("X-B"), "\(answer)")
      }
    }

    @Test func connectionsOnWhichNothingHappensEnd() async throws {
      var limits = HTTPServer.Limits()
      (limits.idle, limits.request) = (1, 1)
      try await withServer(limits) { echo, _, path in
        let (idle, slow, waiting) = (try Client(path), try Client(path), try Client(path))
        waiting.send("GET /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        slow.send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
        #expect(idle.receive().isEmpty)
        #expect(slow.receive().hasPrefix("HTTP/1.1 408 "))
        // An answer may take longer.
        echo.isOpen.store(true, ordering: .relaxed)
        #expect(waiting.receive().hasSuffix("waited"))
      }
    }

    @Test func aRequestHasLessTimeThanAConnectionWithoutOne() async throws {
      var limits = HTTPServer.Limits()
      (limits.idle, limits.request) = (3600, 1)
      try await withServer(limits) { _, _, path in
        let slow = try Client(path)
        slow.send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
        #expect(slow.receive().contains("did not end within 1 s"))
      }
    }

    @Test func headersBeyondTheLimitAreCalledSo() async throws {
      try await withServer { _, _, path in
        let (other, client) = (try Client(path), try Client(path))
        client.send("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 40_000) + "\r\n\r\n")
        #expect(client.receive().hasPrefix("HTTP/1.1 431 "))
        other.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(other.receive().hasPrefix("HTTP/1.1 200 OK"))
      }
    }

    @Test func noMoreConnectionsAreOpenThanAllowed() async throws {
      var limits = HTTPServer.Limits()
      limits.connections = 2
      try await withServer(limits) { _, _, path in
        var clients = try (0..<2).map { _ in try Client(path) }
        for client in clients {
          client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(client.receive(until: "/1").contains("200 OK"))
        }
        let third = try Client(path)
        third.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(third.receive().isEmpty)
        clients.removeAll()
        var answer = ""
        while answer.isEmpty {
          let next = try Client(path)
          next.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
          answer = next.receive()
        }
        #expect(answer.contains("200 OK"))
      }
    }

    @Test func theWorkForAClientThatHasGoneIsCanceled() async throws {
      try await withServer { echo, _, path in
        var client: Client? = try Client(path)
        client!.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        try await Task.sleep(nanoseconds: 20_000_000)
        client = nil
        while echo.canceled.load(ordering: .relaxed) == 0 { try await Task.sleep(nanoseconds: 1_000_000) }
      }
    }

    @Test func partsOfAStreamAreSentAsTheyCome() async throws {
      try await withServer { _, server, path in
        let client = try Client(path)
        client.send("GET /stream?ends=yes HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = client.receive()
        #expect(
          answer.contains("Transfer-Encoding: chunked") && answer.hasSuffix("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
          "\(answer)")
        // One without an end does not hold the server.
        let endless = try Client(path)
        endless.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(endless.receive(until: "two").contains("one"))
        server.stop(within: 60)
        _ = endless.receive()
      }
    }

    @Test func aSocketThatAServerListensAtIsNotTaken() async throws {
      try await withServer { echo, _, path in
        let error = await #expect(throws: EvenkeelError.self) {
          try await HTTPServer(handler: echo, address: .unix(path)).serve { _ in }
        }
        #expect(error?.message == "\(path): the server cannot listen there (Address already in use).")
        let client = try Client(path)
        client.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(client.receive().hasPrefix("HTTP/1.1 200 OK"))
      }
    }

    @Test func aServerThatStopsLeavesTheSocketOfTheNext() async throws {
      try await withServer { echo, server, path in
        let waiting = try Client(path)
        waiting.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        server.stop(within: 60)
        // It listens no more, but answers; its socket is one that was left behind.
        let next = HTTPServer(handler: echo, address: .unix(path))
        let (started, continuation) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
          while true {
            do { return try await next.serve { _ in continuation.yield() } } catch let error as EvenkeelError
              where error.message.contains("already in use")
            {
              try await Task.sleep(nanoseconds: 1_000_000)
            }
          }
        }
        for await _ in started { break }
        echo.isOpen.store(true, ordering: .relaxed)
        #expect(waiting.receive().hasSuffix("waited"))
        // Time for the first to end.
        try await Task.sleep(nanoseconds: 400_000_000)
        let client = try Client(path)
        client.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(client.receive().hasPrefix("HTTP/1.1 200 OK"))
        next.stop(within: 0)
        try await task.value
      }
    }

    @Test func aServerThatStopsAnswersWhatHasCome() async throws {
      try await withServer { echo, server, path in
        let (waiting, idle) = (try Client(path), try Client(path))
        waiting.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        idle.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(!idle.receive(until: "/1").contains("Connection: close"))
        server.stop(within: 60)
        // A request that was under way is answered too, and its client told to come no more.
        idle.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        let last = idle.receive()
        #expect(last.contains("/2") && last.contains("Connection: close"), "\(last)")
        echo.isOpen.store(true, ordering: .relaxed)
        #expect(waiting.receive().hasSuffix("waited"))
      }
    }
  }
#endif
