import Evenkeel
import Glibc

extension WatchPage {
  /// The page with what the logs hold now inside, for a reader without a server.
  ///
  /// Of more than 2,000 steps of a run, those with the lowest and the highest loss of each of 1,000 equal parts are in
  /// it; every other line is.
  /// - Throws: `EvenkeelError` with code `noInput` if there is no log, or none with a line.
  package static func export(_ logs: WatchedLogs) throws -> String {
    let runs = logs.found().compactMap { log -> WrittenRun? in
      var tail = LogTail(log.path)
      var lines: [LogLine] = []
      loop: while true {
        switch tail.read() {
        case nil: break loop
        case .replaced: lines = []
        case .lines(let more): lines += more.map(\.line)
        }
      }
      return lines.isEmpty
        ? nil
        : WrittenRun(
          run: log.key, name: log.name,
          lines: EncodedJSON(text: "[" + thinned(lines).map(\.text).joined(separator: ",") + "]"))
    }
    guard !runs.isEmpty else {
      throw EvenkeelError(
        .noInput, "\(logs.title): there is no log of a run yet; train --log writes one.")
    }
    let data = try JSONLine.text(WrittenRuns(title: logs.title, time: Double(time(nil)), runs: runs))
    // Nothing in a name ends the element that holds the data: "<" is only in texts.
    return page(title: logs.title, data: data.replacing("<", with: "\\u003c"))
  }

  private static let mostSteps = 2_000

  /// `lines` with at most `mostSteps` of steps.
  static func thinned(_ lines: [LogLine]) -> [LogLine] {
    let steps = lines.indices.filter { lines[$0].event == .step }
    guard steps.count > mostSteps else { return lines }
    var kept: Set<Int> = []
    let parts = mostSteps / 2
    for part in 0..<parts {
      let indices = steps[part * steps.count / parts..<(part + 1) * steps.count / parts]
      kept.formUnion([
        indices.min { lines[$0].loss ?? .infinity < lines[$1].loss ?? .infinity }!,
        indices.max { lines[$0].loss ?? -.infinity < lines[$1].loss ?? -.infinity }!,
      ])
    }
    return lines.indices.filter { lines[$0].event != .step || kept.contains($0) }.map { lines[$0] }
  }

  private struct WrittenRuns: Encodable {
    let title: String
    /// Seconds since 1970.
    let time: Double
    let runs: [WrittenRun]
  }

  private struct WrittenRun: Encodable {
    let run, name: String
    let lines: EncodedJSON
  }
}
