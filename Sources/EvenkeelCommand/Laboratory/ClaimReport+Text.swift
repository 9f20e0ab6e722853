import Evenkeel
import EvenkeelLab

extension Report {
  /// A page of what claims found on `data`.
  init(on data: DataDescription, _ claims: [ClaimReport]) {
    self.init(
      title: "What batch normalization did", date: today(),
      data:
        "\(data.source): \(data.trainingCount) training, \(data.validationCount) validation and \(data.testCount) test examples",
      machine: Machine.summary, version: "Evenkeel \(Release.version), rules \(Laboratory.rulesVersion)",
      claims: claims)
  }
}

extension Plan {
  /// What asks for the claim's trials again, on any machine.
  func command(data: String) -> String {
    "evenkeel lab run \(claim) --data \(data) --size \(size) --seeds \(seeds)"
  }
}

extension ClaimReport {
  /// Name, verdict and effect on one line.
  var line: String {
    let number = { NumberText.plain.fixed($0, decimals: 2) }
    let effect =
      effect.map { "\(number($0.value)) [\(number($0.low)), \(number($0.high))] \($0.name)" }
      ?? "no effect could be computed"
    return name.padded(to: 23) + verdict.words.padded(to: 15) + effect
  }
}

extension Verdict {
  fileprivate var words: String {
    switch self {
    case .supported: "supported"
    case .notSupported: "not supported"
    case .undecided: "undecided"
    }
  }
}

/// What a claim found in JSON.
struct VerdictLine: Encodable {
  let claim, verdict: String
  let effect: String?
  let value, low, high: Double?
  let seeds, trials, diverged: Int
  let rule, command: String

  init(_ report: ClaimReport) {
    (claim, verdict, effect) = (report.name, report.verdict.rawValue, report.effect?.name)
    (value, low, high) = (report.effect?.value, report.effect?.low, report.effect?.high)
    (seeds, trials, diverged) = (report.seeds, report.trials, report.divergedTrials)
    (rule, command) = (report.rule, report.command)
  }
}
