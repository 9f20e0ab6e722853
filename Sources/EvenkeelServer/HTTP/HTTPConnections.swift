#if Server
  import Synchronization

  /// The connections of a server.
  final class HTTPConnections: Sendable {
    private struct State {
      var open: [ObjectIdentifier: HTTPConnection] = [:]
      var closesAfterAnswers = false
      /// The number of handlers that work on an answer.
      var answers = 0
    }

    private let greatest: Int
    private let state = Mutex(State())

    /// Nanoseconds for which a connection on which nothing happens is kept when the server ends, as a request may be under way, and for which
    /// handlers have time to notice that they are canceled.
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

    /// Notes that a handler works on an answer, or has ended.
    func count(answers change: Int) { state.withLock { $0.answers += change } }

    private var isQuiet: Bool { state.withLock { $0.open.isEmpty && $0.answers == 0 } }

    /// Waits until all have ended; ends those on which nothing happens, and streams.
    /// - Parameter end: By `Clock.now`, when all are ended in any case.
    /// - Returns: Whether no handler works any more, as one may that does not notice that it is canceled.
    func drain(until end: Int) async -> Bool {
      let start = Clock.now
      while !isQuiet {
        let now = Clock.now
        for connection in open {
          connection.end(ifIdle: now < end, orStreaming: true, hasLingered: now - start > Self.linger)
        }
        guard now < end + Self.linger else { return false }
        try? await Task.sleep(nanoseconds: 5_000_000)
      }
      return true
    }
  }
#endif
