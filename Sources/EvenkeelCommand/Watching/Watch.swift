import ArgumentParser
import Evenkeel
import EvenkeelServer

struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows runs on a page in the browser while they go on.",
    discussion:
      "The page follows what --log writes: curves, pace, and the state of every batch norm, of several runs side by side. It changes nothing about the runs, which need not go on, nor be there yet; the runs need nothing of it."
  )
  @Argument(help: "Logs of runs, or folders: of those, files whose names end in .jsonl, in them and in their folders.")
  var logs: [String]
  @Option(help: "The interface that the page is for; 0.0.0.0 for all of them, which lets others on the network look.")
  var host = "127.0.0.1"
  @Option(help: "The port; 0 for one that is free.") var port = 6007
  @Option(help: "An HTML file for the page with all that the logs hold now, in place of a server.") var export: String?

  func run() throws {
    guard (0...65_535).contains(port) else {
      throw EvenkeelError(.usage, "--port is \(port); expected 0 to 65535.")
    }
    let watched = try WatchedLogs(logs)
    guard let export else { return try serve(watched) }
    try requireApart(export, from: logs + watched.found().map(\.path), as: "the page")
    try requireOutput(export)
    try Model.writeText(WatchPage.export(watched), to: export)
  }

  #if Server
    private func serve(_ logs: WatchedLogs) throws {
      let (host, port) = (host, port)
      try waiting {
        do {
          try await HTTPServer(handler: WatchHandler(logs), host: host, port: port).run { port in
            let name = host.contains(":") ? "[\(host)]" : host
            try? emit("The runs are at http://\(name):\(port)/ until Ctrl-C.")
          }
        } catch {
          throw EvenkeelError(.usage, "There can be no page at \(host), port \(port): \(error).")
        }
      }
    }
  #else
    private func serve(_: WatchedLogs) throws {
      throw EvenkeelError(
        .usage,
        "This build has no server: build it with swift build -c release --traits Server, or write the page with --export page.html."
      )
    }
  #endif
}
