/// Answers the page of runs at `/`, and what it follows at `/events`; changes nothing.
package struct WatchHandler: RequestHandler {
  private let logs: WatchedLogs
  private let page: [UInt8]

  package init(_ logs: WatchedLogs) {
    self.logs = logs
    page = Array(WatchPage.live(title: logs.title).utf8)
  }

  package func respond(to request: ServerRequest) async -> ServerResponse {
    guard request.method == "GET" || request.method == "HEAD" else {
      return plain(405, "A page is only looked at: expected GET, got \(request.method).", [("Allow", "GET, HEAD")])
    }
    switch request.path {
    case "/":
      return ServerResponse(
        status: 200,
        headers: [
          ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"),
          ("Content-Security-Policy", WatchPage.policy), ("X-Content-Type-Options", "nosniff"),
        ], body: .bytes(request.method == "HEAD" ? [] : page))
    case "/events":
      let headers = [
        ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"),
      ]
      guard request.method == "GET" else { return ServerResponse(status: 200, headers: headers) }
      let stream = RunStream(of: logs, after: request.headers["last-event-id"] ?? request.query["after"] ?? "")
      return ServerResponse(
        status: 200, headers: headers, body: .stream(AsyncStream(unfolding: { await stream.next() })))
    default: return plain(404, "There is nothing at \(request.path); the page is at /.")
    }
  }

  private func plain(
    _ status: Int, _ sentence: String, _ headers: [(name: String, value: String)] = []
  ) -> ServerResponse {
    ServerResponse(
      status: status, headers: headers + [("Content-Type", "text/plain; charset=utf-8")],
      body: .bytes(Array((sentence + "\n").utf8)))
  }
}
