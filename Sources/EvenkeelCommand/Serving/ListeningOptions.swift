import ArgumentParser
import Evenkeel
import EvenkeelServer

/// Where a server listens, to whom, and how it ends.
struct ListeningOptions: ParsableArguments {
  @Option(help: "The interface to listen at, by name or number; 0.0.0.0 for all.") var host = "127.0.0.1"
  @Option(help: "The port; 0 for one that is free.") var port = 8080
  @Option(help: "A socket in the file system to listen at, in place of host and port.") var unix: String?
  @Option(help: "A file with the token that requests must show (Authorization: Bearer …).") var tokenFile: String?
  @Option(help: "The greatest body of a request in MiB, also when it is inflated.") var maxBody = 16
  @Option(help: "The greatest number of connections.") var maxConnections = 1024
  @Option(help: "Seconds for finishing what has come when the server is to end.") var drain = 30
  @Option(help: "Seconds in which it says that it is not ready, but still listens, before that.") var drainDelay = 0

  func validate() throws {
    func require(_ value: Int, _ name: String, _ range: ClosedRange<Int>) throws {
      guard range.contains(value) else {
        throw ValidationError("\(name) is \(value); expected \(range.lowerBound) to \(range.upperBound).")
      }
    }
    for (text, name) in [(host, "--host"), (unix, "--unix"), (tokenFile, "--token-file")] where text == "" {
      throw ValidationError("\(name) is empty.")
    }
    try require(port, "--port", 0...65_535)
    try require(maxBody, "--max-body", 1...2047)
    try require(maxConnections, "--max-connections", 1...1_000_000)
    try require(drain, "--drain", 0...86_400)
    try require(drainDelay, "--drain-delay", 0...86_400)
  }

  /// The token in the file that is named; nil if none is.
  /// - Throws: `EvenkeelError`: `noInput`, `data` for a file without a token.
  func token() throws -> String? {
    guard let tokenFile else { return nil }
    let text = String(decoding: try FileBytes(tokenFile).copy, as: UTF8.self)
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 1 else {
      throw EvenkeelError(.data, "\(tokenFile): expected one token, got \(words.count) words.")
    }
    return String(words[0])
  }
}
