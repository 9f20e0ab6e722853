import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Glibc
import Testing

/// A line of a log, and an event's data.
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

/// What a page shows.
private struct Shown: Decodable, Equatable {
  let lines: Int
  let name, status, spoken: String
  let curves: [String: [[Double]]]
  let norms: [String: [String: [[Double]]]]
  let charts: Int
  /// Widths at which the page scrolls sideways.
  let overflow: [Int]
  let faults, foreign: [String]
  let codes: [Int]
}

/// A run of a network with two norms, three epochs of some steps.
private func withLog(_ body: (_ lines: [Line], _ log: String, _ folder: String) throws -> Void) throws {
  try withTemporaryPath(".csv", containing: smallTable) { table in
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/logs", withIntermediateDirectories: false)
      let words = [
        "train", table, "--validation", "0.2", "--hidden", "8,8", "--epochs", "3", "--batch-size", "16", "--patience",
        "0",
      ]
      let log = folder + "/whole.jsonl"
      let result = try run(words + ["--quiet", "--log", log])
      #expect(result.code == 0, "\(result.errors)")
      let lines = try String(decoding: FileBytes(log).copy, as: UTF8.self).split(separator: "\n")
        .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
      try body(lines, log, folder)
    }
  }
}

private func expect(_ shown: Shown, shows lines: [Line]) {
  #expect(shown.lines == lines.count && shown.status == "finished")
  let points = { (value: (Line) -> Double?) in lines.compactMap { line in value(line).map { [Double(line.step), $0] } }
  }
  #expect(shown.curves["loss train"] == points { $0.loss ?? $0.trainLoss })
  #expect(shown.curves["loss validation"] == points(\.validationLoss))
  #expect(shown.curves["learning rate"] == points(\.learningRate))
  for layer in Set(lines.flatMap { $0.norms ?? [] }.map(\.layer)) {
    #expect(
      shown.norms[layer]?["runningLag"] == points { $0.norms?.first { $0.layer == layer }?.runningLag }, "\(layer)")
  }
  #expect(shown.norms.count >= 2 && shown.charts == 4 + 4 * shown.norms.count)
  #expect(shown.overflow.isEmpty && shown.faults.isEmpty && shown.foreign.isEmpty, "\(shown)")
  #expect(shown.spoken.contains("step \(lines.last!.step), train"), "\(shown.spoken)")
}

private let hasChromium = Python.has("json") && (try? Python.runScript("chromium.py").code) == 0

@Suite(.enabled(if: command != nil, "the command is not built"))
struct WatchCommandTests {
  @Test(.enabled(if: hasChromium, "Chromium is not installed"))
  func anExportedPageShowsTheNumbersOfTheLog() throws {
    try withLog { lines, log, folder in
      let page = folder + "/page.html"
      #expect(try run(["watch", log, "--export", page]).code == 0)
      let shown: Shown = try Python.json("watch_page.py", ["export", page])
      expect(shown, shows: lines)
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
    #expect(try run(["watch", "/nowhere", "--export", "/tmp/evenkeel-no-page.html"]).code == 66)
    #expect(access("/tmp/evenkeel-no-page.html", F_OK) != 0)
    #expect(try run(["watch", "/nowhere", "--port", "65536"]).code == 64)
    try withLog { _, log, _ in
      let bytes = try FileBytes(log).copy
      #expect(try run(["watch", log, "--export", log]).code == 64)
      #expect(try FileBytes(log).copy == bytes)
    }
  }

  #if Server
    @Test(.enabled(if: hasChromium, "Chromium is not installed"))
    func aPageShowsEveryStepOnceWhateverHappensToItsServer() throws {
      try withLog { lines, log, folder in
        let shown: Shown = try Python.json("watch_page.py", ["page", command!, log, folder + "/logs"])
        expect(shown, shows: lines)
        #expect(shown.codes == [0, 0])
      }
    }

    @Test(.enabled(if: Python.has("json"), "Python is not installed"))
    func aStreamThatIsCutGoesOnBehindItsLastEvent() throws {
      struct Followed: Decodable {
        let events: [[String: String]]
        let codes: [Int]
      }
      struct Told: Decodable {
        let line: Line
      }
      try withLog { lines, log, folder in
        let followed: Followed = try Python.json("watch_page.py", ["curl", command!, log, folder + "/logs"])
        #expect(followed.codes == [0, 0])
        #expect(followed.events.first?["retry"] == "1000")
        let told = try followed.events.filter { !["runs", "reset"].contains($0["event"] ?? "runs") }
        #expect(told.map { $0["event"] } == lines.map(\.event))
        #expect(
          try told.map { try JSONDecoder().decode(Told.self, from: Data($0["data"]!.utf8)).line.step }
            == lines.map(\.step))
        #expect(followed.events.count { $0["event"] == "reset" } == 1)
      }
    }
  #endif
}
