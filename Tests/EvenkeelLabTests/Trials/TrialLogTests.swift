import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport
import Testing

@Suite struct TrialLogTests {
  /// The last line of a log of one trial, whose end is `body`.
  private func end(_ body: (TrialLog) throws -> Void) throws -> String {
    let data = try smallData()
    return try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/runs.sqlite")
      let log = try TrialLog(
        folder + "/log.jsonl", of: store, trials: 2, data: [], command: "evenkeel lab run", threads: 1,
        warn: { Issue.record("\($0)") })
      try TrialRunner(store: store, data: data, threads: 1).run(
        [smallTrial(data)], onProgress: { log.tell($0.results, secondsLeft: $0.secondsLeft) })
      try body(log)
      let text = String(decoding: try FileBytes(folder + "/log.jsonl").copy, as: UTF8.self)
      return String(text.split(separator: "\n").last ?? "")
    }
  }

  @Test func aLogSaysWhetherTrialsWereLeftOver() throws {
    let whole = try end { try $0.watched {} }
    #expect(whole.contains("\"status\":\"finished\"") && !whole.contains("message"), "\(whole)")
    let partial = try end { try $0.watched(remaining: { "The budget is spent." }, {}) }
    #expect(partial.contains("\"status\":\"interrupted\"") && partial.contains("The budget is spent."), "\(partial)")
    let failed = try end {
      try? $0.watched { throw EvenkeelError(.data, "It is not finite.") }
    }
    #expect(failed.contains("\"status\":\"failed\"") && failed.contains("It is not finite."), "\(failed)")
  }
}
