import Evenkeel
import EvenkeelLab

extension RunSummary {
  /// Number, outcome, time, seed and settings on one line.
  var line: String {
    let outcome =
      state != .done
      ? state.rawValue : isDiverged ? "diverged" : score.map { NumberText.plain.fixed($0, decimals: 4) } ?? ""
    let seconds = seconds.map { NumberText.plain.fixed($0, decimals: 2) + " s" } ?? ""
    return "\(id)".alignedRight(in: 7) + outcome.alignedRight(in: 10) + seconds.alignedRight(in: 10)
      + "  seed \(seed)  \(summary)"
  }
}

extension StoredRun {
  /// Settings and results by name, the same names for every run.
  var facts: [(name: String, value: String)] {
    let number = { NumberText.plain.short($0, digits: 6) }
    return [
      ("network", trial.network.summary), ("optimizer", trial.method.rawValue),
      ("learning rate", number(trial.learningRate)), ("weight decay", number(trial.weightDecay)),
      ("clipping", trial.clippingNorm.map(number) ?? ""), ("batch size", "\(trial.batchSize)"),
      ("steps", "\(trial.steps)"), ("epochs", trial.table.map { "the best of \($0.epochs)" } ?? ""),
      ("numbers", trial.table?.numbers.rawValue ?? ""), ("initial scale", number(trial.initialScale)),
      ("seed", "\(trial.seed)"),
      ("evaluated on", trial.evaluatedOn.rawValue), ("data", String(trial.data.prefix(8))),
      ("version", "\(version), rules \(rules)"), ("state", state.rawValue), ("error", error ?? ""),
      ("score", result.map { NumberText.plain.fixed($0.score, decimals: 4) } ?? ""),
      ("diverged", result.flatMap { $0.divergedAt.map { "at step \($0)" } } ?? ""),
      ("seconds", result.map { NumberText.plain.fixed($0.seconds, decimals: 3) } ?? ""),
    ]
  }
}

/// A run of a list in JSON.
struct RunLine: Encodable {
  let id: Int64
  let state, summary: String
  let seed: UInt64
  let score: Double?
  let diverged: Bool?
  let seconds: Double?

  init(_ run: RunSummary) {
    (id, state, summary, seed) = (run.id, run.state.rawValue, run.summary, run.seed)
    (score, diverged, seconds) = (run.score, run.state == .done ? run.isDiverged : nil, run.seconds)
  }
}

/// A run in JSON, with its trial and its result as they are stored.
struct StoredRunLine: Encodable {
  let id: Int64
  let state, version: String
  let rules: Int
  let started, finished: Double?
  let error: String?
  let trial: EncodedJSON
  let result: EncodedJSON?

  init(_ run: StoredRun) throws {
    (id, state, version, rules) = (run.id, run.state.rawValue, run.version, run.rules)
    (started, finished, error) = (run.started, run.finished, run.error)
    trial = EncodedJSON(text: try EvenkeelLab.json(run.trial))
    result = try run.result.map { EncodedJSON(text: try EvenkeelLab.json($0)) }
  }
}
