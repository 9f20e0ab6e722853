import FoundationEssentials
import Glibc

/// A tracking server of MLflow, asked by its REST interface (2.0) through the program `curl`.
struct MLflowServer: Sendable {
  let url: String

  /// Why a call had no answer to work with.
  enum Failure: Error {
    /// No server, or one that is in trouble: a later call may succeed.
    case unreachable(String)
    /// What was asked is refused.
    case refused(String)
  }

  /// - Throws: `EvenkeelError` with code `usage` for what is no address of a server.
  init(_ url: String) throws {
    let rest = ["http://", "https://"].lazy.filter { url.hasPrefix($0) }.map { url.dropFirst($0.count) }.first
    guard let rest, !rest.isEmpty, rest.first != "/", !url.contains(where: { $0.isWhitespace || $0 == "?" }) else {
      throw EvenkeelError.usage("\(url) is no MLflow server; expected an address such as http://127.0.0.1:5000.")
    }
    self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
  }

  /// The address without user and password.
  var name: String {
    guard let at = url.lastIndex(of: "@"), let start = url.range(of: "://") else { return url }
    return String(url[..<start.upperBound] + url[url.index(after: at)...])
  }

  /// Sends `body` as JSON.
  @discardableResult
  func post<Answer: Decodable>(
    _ call: String, _ body: some Encodable, as answer: Answer.Type = Answer.self
  ) throws(Failure) -> Answer {
    guard let text = try? JSONLine.text(body) else { throw .refused("\(call) cannot be written as JSON") }
    return try answered(call, ["--header", "Content-Type: application/json", "--data-binary", "@-"], text)
  }

  /// Asks with a value in the address.
  func get<Answer: Decodable>(
    _ call: String, _ name: String, _ value: String, as answer: Answer.Type = Answer.self
  ) throws(Failure) -> Answer {
    try answered(call, ["--get", "--data-urlencode", "\(name)@-"], value)
  }

  private func answered<Answer: Decodable>(
    _ call: String, _ options: [String], _ input: String
  ) throws(Failure) -> Answer {
    let words =
      ["/usr/bin/curl", "--disable", "--silent", "--show-error", "--connect-timeout", "2", "--max-time", "5"] + options
      + ["--write-out", "\n%{http_code}", "\(url)/api/2.0/mlflow/\(call)"]
    let (code, output, errors) = try run(words, Array(input.utf8))
    guard code == 0 else { throw .unreachable(errors.isEmpty ? "curl ends with \(code)" : errors) }
    let end = output.lastIndex(of: UInt8(ascii: "\n")) ?? 0
    let status = Int(String(decoding: output[end...].dropFirst(), as: UTF8.self)) ?? 0
    guard status == 200 else {
      let message =
        (try? JSONDecoder().decode(MLflowRefusal.self, from: Data(output[..<end])))?.message ?? "status \(status)"
      let line = String(message.prefix { !$0.isNewline })
      throw status >= 500 || status == 429 ? .unreachable(line) : .refused(line)
    }
    do { return try JSONDecoder().decode(Answer.self, from: Data(output[..<end])) } catch {
      throw .refused("its answer to \(call) is not MLflow's")
    }
  }

  /// Runs a program to its end, apart from the signals that a terminal sends to this one.
  private func run(
    _ words: [String], _ input: [UInt8]
  ) throws(Failure) -> (code: Int32, output: [UInt8], errors: String) {
    var (to, from, errors): ([Int32], [Int32], [Int32]) = ([-1, -1], [-1, -1], [-1, -1])
    defer { for end in to + from + errors where end >= 0 { close(end) } }
    guard pipe(&to) == 0, pipe(&from) == 0, pipe(&errors) == 0 else {
      throw .unreachable(String(cString: strerror(errno)))
    }
    for end in to + from + errors { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, end) in [to[0], from[1], errors[1]].enumerated() {
      posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
    }
    var (attributes, signals) = (posix_spawnattr_t(), sigset_t())
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let status = posix_spawn(&process, words[0], &actions, &attributes, &arguments, environ)
    guard status == 0 else { throw .unreachable("\(words[0]): \(String(cString: strerror(status)))") }
    for end in [to[0], from[1], errors[1]] { close(end) }
    (to[0], from[1], errors[1]) = (-1, -1, -1)
    var sent = 0
    while sent < input.count {
      let count = input[sent...].withUnsafeBytes { write(to[1], $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      sent += count
    }
    close(to[1])
    to[1] = -1
    let (output, complaint) = (Self.all(of: from[0]), Self.all(of: errors[0]))
    var ended: Int32 = 0
    while waitpid(process, &ended, 0) < 0, errno == EINTR {}
    let text = String(decoding: complaint, as: UTF8.self)
    return (ended, output, String(text.prefix { !$0.isNewline }))
  }

  private static func all(of end: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(end, &part, part.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return bytes }
      bytes += part[..<count]
    }
  }
}
