import Dispatch
import Evenkeel
import EvenkeelServer
import Glibc
import Synchronization

#if Server
  extension ListeningOptions {
    var limits: HTTPServer.Limits {
      var limits = HTTPServer.Limits()
      (limits.body, limits.connections) = (maxBody << 20, maxConnections)
      return limits
    }

    /// Answers requests until SIGTERM or SIGINT, and reads models again after SIGHUP or when their files change.
    /// - Throws: As `HTTPServer.serve`.
    func serve(_ handler: any RequestHandler, _ service: InferenceService) throws {
      let server = HTTPServer(
        handler: handler, address: unix.map { .unix($0) } ?? .host(host, port: port), limits: limits)
      let end = Ending(server, service, drain: drain, delay: drainDelay)
      let ends = ServerSignals([SIGTERM, SIGINT]) { _ in end.signal() }
      let hangUp = ServerSignals([SIGHUP]) { _ in service.reload(all: true).forEach(complain) }
      let changes = DispatchSource.makeTimerSource()
      changes.schedule(deadline: .now() + 1, repeating: 1)
      changes.setEventHandler { service.reload(all: false).forEach(complain) }
      changes.resume()
      defer {
        ends.end()
        hangUp.end()
        changes.cancel()
      }
      let isOpen = unix == nil && tokenFile == nil && host != "localhost" && host != "::1" && !host.hasPrefix("127.")
      let names = service.models.map(\.name).joined(separator: ", ")
      try waiting {
        try await server.serve { port in
          if isOpen { warn("whoever reaches \(host) may ask; --token-file restricts it to those who know a token.") }
          let host = host.contains(":") ? "[\(host)]" : host
          try? emit("Serving \(names) at \(unix ?? "http://\(host):\(port)")")
        }
      }
    }
  }

  /// What SIGTERM and SIGINT do: the first ends the server when all is answered, the second at once.
  private final class Ending: Sendable {
    private let server: HTTPServer
    private let service: InferenceService
    private let drain, delay: Int
    private let hasBegun = Atomic(false)

    init(_ server: HTTPServer, _ service: InferenceService, drain: Int, delay: Int) {
      (self.server, self.service, self.drain, self.delay) = (server, service, drain, delay)
    }

    func signal() {
      guard !hasBegun.exchange(true, ordering: .relaxed) else { _exit(130) }
      service.drain()
      server.closeAfterAnswers()
      DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(delay)) { [server, drain] in
        server.stop(within: drain)
      }
    }
  }
#endif
