import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Glibc
import Testing

/// A line of a log.
private struct Line: Decodable {
  struct Norm: Decodable {
    let layer: String
    let runningLag: Double?
  }
  let event: String
  let step: Int
  let loss, trainLoss, validationLoss, learningRate: Double?
  let norms: [Norm]?
}

/// A run of a network with two norms, three epochs of some steps: its log, and an empty folder.
private func withLog(_ body: (_ lines: [Line], _ log: String, _ folder: String) throws -> Void) throws {
  try withTemporaryPath(".csv", containing: smallTable) { table in
    try withTemporaryPath(".jsonl") { log in
      let words = [
        "train", table, "--validation", "0.2", "--hidden", "8,8", "--epochs", "3", "--batch-size", "16",
        "--patience", "0", "--quiet",
      ]
      let result = try run(words + ["--log", log])
      #expect(result.code == 0, "\(result.errors)")
      let lines = try String(decoding: FileBytes(log).copy, as: UTF8.self).split(separator: "\n")
        .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
      try withTemporaryFolder { try body(lines, log, $0) }
    }
  }
}

/// `log` in parts that end anywhere.
private func parts(of log: String, _ count: Int) throws -> [[UInt8]] {
  let bytes = try FileBytes(log).copy
  return (0..<count).map { Array(bytes[bytes.count * $0 / count..<bytes.count * ($0 + 1) / count]) }
}

private func append(_ bytes: [UInt8], to path: String) {
  let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
  defer { close(file) }
  _ = write(file, bytes, bytes.count)
}

extension Chromium {
  /// Opens a page and hands it to `body` with an empty profile.
  fileprivate static func open(_ address: String, _ body: (Chromium) throws -> Void) throws {
    try withTemporaryFolder { profile in
      let browser = try Chromium(profile: profile)
      try browser.setScreen(width: 1280, height: 800)
      try browser.open(address)
      try body(browser)
    }
  }

  /// Expects that the page shows the numbers of `lines`, each once, at both widths.
  fileprivate func expectNumbers(of lines: [Line]) throws {
    try wait(for: "typeof runs == 'object' && runs.values().next().value?.end && !isDue")
    #expect(try evaluate("[...runs.values()].map(r => r.lines).join()") as? String == "\(lines.count)")
    #expect(try evaluate("document.querySelector('.badge').textContent") as? String == "finished")
    let points = { (value: (Line) -> Double?) in
      lines.compactMap { line in value(line).map { [Double(line.step), $0] } }
    }
    func curve(_ expression: String) throws -> [[Double]] {
      let text = try evaluate("JSON.stringify(\(expression).points.map(p => [p.step, p.value]))") as? String ?? ""
      return try JSONDecoder().decode([[Double]].self, from: Data(text.utf8))
    }
    let run = "[...runs.values()][0]"
    #expect(try curve("\(run).curves.get('loss train')") == points { $0.loss ?? $0.trainLoss })
    #expect(try curve("\(run).curves.get('loss validation')") == points(\.validationLoss))
    #expect(try curve("\(run).curves.get('learning rate')") == points(\.learningRate))
    let layers = Set(lines.flatMap { $0.norms ?? [] }.map(\.layer))
    #expect(layers.count == 2)
    for layer in layers {
      #expect(
        try curve("\(run).norms.get('\(layer)').curves.runningLag")
          == points { $0.norms?.first { $0.layer == layer }?.runningLag }, "\(layer)")
    }
    #expect(try evaluate("document.querySelectorAll('#curves svg[width] .cursor').length") as? Int == 4)
    #expect(try evaluate("document.querySelectorAll('.mini svg').length") as? Int == 4 * layers.count)
    for (width, isDark) in [(360, true), (1280, false)] {
      try setScreen(width: width, height: 800, isDark: isDark)
      try wait(for: "innerWidth == \(width) && !isDue")
      #expect(try evaluate("document.documentElement.scrollWidth <= innerWidth") as? Bool == true, "\(width)")
    }
    // What the arrow keys read.
    try evaluate("document.querySelector('#curves .plot').focus()")
    try press("End", code: 35)
    let spoken = try evaluate("document.querySelector('#spoken').textContent") as? String ?? ""
    #expect(spoken.hasPrefix("step \(lines.last!.step), train "), "\(spoken)")
    #expect(complaints.isEmpty, "\(complaints)")
  }
}

private let chromium = ConditionTrait.enabled(if: Chromium.path != nil, "Chromium is not installed")

@Suite(.enabled(if: command != nil, "the command is not built"))
struct WatchCommandTests {
  @Test(chromium) func anExportedPageShowsTheNumbersOfTheLog() throws {
    try withLog { lines, log, folder in
      let page = folder + "/page.html"
      #expect(try run(["watch", log, "--export", page]).code == 0)
      try Chromium.open("file://" + page) { browser in
        try browser.expectNumbers(of: lines)
        #expect(
          browser.requests.allSatisfy { $0.hasPrefix("file:") || $0.hasPrefix("data:") || $0.hasPrefix("about:") })
      }
    }
  }

  @Test func whatIsNoLogIsRefused() throws {
    try withTemporaryPath(".jsonl", containing: "{\"name\":1}\n") { path in
      let result = try run(["watch", path])
      #expect(
        result.code == 65
          && result.errors == "evenkeel: \(path) is not the log of a run; expected the lines that train --log writes.\n"
      )
    }
    try withLog { _, log, folder in
      #expect(try run(["watch", folder + "/none", "--export", folder + "/page.html"]).code == 66)
      #expect(access(folder + "/page.html", F_OK) != 0)
      #expect(try run(["watch", log, "--port", "65536"]).code == 64)
      let bytes = try FileBytes(log).copy
      #expect(try run(["watch", log, "--export", log]).code == 64)
      #expect(try FileBytes(log).copy == bytes)
    }
  }

  #if Server
    /// Runs a server, hands `body` its address, and ends it as Ctrl-C does.
    private func withServer(_ folder: String, port: Int = 0, _ body: (_ address: String, _ port: Int) throws -> Void)
      throws
    {
      try withTemporaryPath(".out") { output in
        let process = try start(
          ["watch", folder, "--port", "\(port)"], output: output, errors: output + ".errors")
        defer { unlink(output + ".errors") }
        var line = ""
        _ = wait(for: process) {
          line = (try? String(decoding: FileBytes(output).copy, as: UTF8.self)) ?? ""
          return line.hasSuffix("\n")
        }
        let address = try #require(line.split(separator: " ").first { $0.hasPrefix("http://") })
        let number = try #require(Int(address.split(separator: ":").last!.dropLast()))
        do { try body(String(address), number) } catch {
          kill(process, SIGKILL)
          _ = end(process)
          throw error
        }
        kill(process, SIGINT)
        #expect(end(process) == 0)
      }
    }

    @Test(chromium) func aPageShowsEveryStepOnceWhateverHappensToItsServer() throws {
      try withLog { lines, log, folder in
        let (parts, grown) = (try parts(of: log, 12), folder + "/run.jsonl")
        var used = 0
        try withTemporaryFolder { profile in
          let browser = try Chromium(profile: profile)
          try browser.setScreen(width: 1280, height: 800)
          try withServer(folder) { address, port in
            used = port
            try browser.open(address)
            for part in parts[..<4] {
              append(part, to: grown)
              usleep(100_000)
            }
            try browser.wait(for: "typeof runs == 'object' && runs.values().next().value?.lines > 0")
          }
          try browser.wait(for: "document.querySelector('#state').className == 'lost'")
          // What is written while nobody serves it.
          for part in parts[4..<8] { append(part, to: grown) }
          try withServer(folder, port: used) { address, _ in
            for part in parts[8...] {
              append(part, to: grown)
              usleep(100_000)
            }
            try browser.expectNumbers(of: lines)
            #expect(
              browser.requests.allSatisfy { $0.hasPrefix(address) || $0.hasPrefix("data:") || $0.hasPrefix("about:") })
          }
        }
      }
    }

    @Test func aStreamThatIsCutGoesOnBehindItsLastEvent() throws {
      struct Told: Decodable {
        let line: Line
      }
      try withLog { lines, log, folder in
        let (parts, grown) = (try parts(of: log, 12), folder + "/run.jsonl")
        var (events, last): ([[String: String]], String) = ([], "")
        for half in [parts[..<6], parts[6...]] {
          let received = folder + "/received"
          var reader: pid_t = 0
          try withServer(folder) { address, _ in
            // The second server is another one: all that it knows is the id.
            let arguments = [
              "curl", "--silent", "--no-buffer", "--output", received, "--header", "Last-Event-ID: \(last)",
              "\(address)events",
            ]
            var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
            words.append(nil)
            defer { for word in words { free(word) } }
            try #require(posix_spawn(&reader, "/usr/bin/curl", nil, nil, &words, environ) == 0)
            for part in half {
              append(part, to: grown)
              usleep(100_000)
            }
            let told = try FileBytes(grown).copy
            let whole = String((told.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1, radix: 36)
            #expect(
              wait(for: reader) {
                ((try? String(decoding: FileBytes(received).copy, as: UTF8.self)) ?? "").contains("-\(whole)-")
              })
          }
          _ = end(reader)
          // An event counts once the empty line behind it is there.
          for event in String(decoding: try FileBytes(received).copy, as: UTF8.self)
            .split(separator: "\n\n", omittingEmptySubsequences: false).dropLast()
          {
            let fields = event.split(separator: "\n").map { line -> (String, String) in
              let name = line.prefix { $0 != ":" }
              return (String(name), String(line.dropFirst(name.count + 2)))
            }
            events.append(Dictionary(fields, uniquingKeysWith: { $1 }))
            last = events.last?["id"] ?? last
          }
          unlink(received)
        }
        #expect(events.first?["retry"] == "1000")
        let told = events.filter { $0["event"] != nil && $0["event"] != "runs" && $0["event"] != "reset" }
        #expect(told.map { $0["event"] } == lines.map(\.event))
        #expect(
          try told.map { try JSONDecoder().decode(Told.self, from: Data($0["data"]!.utf8)).line.step }
            == lines.map(\.step))
        #expect(events.count { $0["event"] == "reset" } == 1)
      }
    }
  #endif
}
