#if Server
  import Synchronization

  /// The connections of a server.
  final class HTTPConnections: Sendable {
    private struct State {
      var open: [ObjectIdentifier: HTTPConnection] = [:]
      var closesAfterAnswers = false
    }

    private let greatest: Int
    private let state = Mutex(State())

    /// How long a connection on which nothing happens is kept when the server ends: a request may be under way.
    private static let linger = 250_000_000

    init(greatest: Int) { self.greatest = greatest }

    var closesAfterAnswers: Bool { state.withLock { $0.closesAfterAnswers } }

    /// - Returns: Whether there was room for one more.
    func add(_ connection: HTTPConnection) -> Bool {
      state.withLock { state in
        guard state.open.count < greatest else { return false }
        state.open[ObjectIdentifier(connection)] = connection
        return true
      }
    }

    func remove(_ connection: HTTPConnection) {
      state.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    func closeAfterAnswers() { state.withLock { $0.closesAfterAnswers = true } }

    private var open: [HTTPConnection] { state.withLock { Array($0.open.values) } }

    /// Waits until all have ended; ends those on which nothing happens, and streams.
    /// - Parameter end: By `Clock.now`, when all are ended in any case.
    func drain(until end: Int) async {
      let start = Clock.now
      while !open.isEmpty {
        let now = Clock.now
        for connection in open {
          connection.end(ifIdle: now < end, orStreaming: true, hasLingered: now - start > Self.linger)
        }
        guard now < end else { return }
        try? await Task.sleep(nanoseconds: 5_000_000)
      }
    }
  }
#endif
