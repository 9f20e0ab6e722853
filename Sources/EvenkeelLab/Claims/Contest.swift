import Evenkeel

/// Contenders that are measured after each has had its own step size searched, all over the same values: the comparison is
/// between the best that each can do.
///
/// The search runs with a separate seed on the validation examples; what it finds is measured with the other seeds on
/// the test examples.
struct Contest {
  /// One contender under one condition.
  struct Arm: Hashable {
    let contender: Contender
    let condition: Condition
    /// Everything except step size, seed and examples.
    let trial: Trial
    let rates: [Double]
    /// The contender whose step size is used if a separate search would hide the effect.
    var follows: Contender?
  }

  /// What the search looks for.
  enum Criterion {
    /// The highest score after the last step.
    case finalScore
    /// The highest mean score over the course.
    case meanScore
  }

  let arms: [Arm]
  let seeds: Int
  let criterion: Criterion

  init(_ arms: [Arm], seeds: Int, criterion: Criterion = .finalScore) {
    (self.arms, self.seeds, self.criterion) = (arms, seeds, criterion)
  }

  /// The search and, once it is done, the trials to measure.
  func trials(_ evidence: Evidence) -> [Trial] { arms.flatMap { search($0) + measured($0, evidence) } }

  func search(_ arm: Arm) -> [Trial] {
    if let leader = arm.follows { return search(self.arm(leader, arm.condition)) }
    return arm.rates.map { rate in
      var trial = arm.trial
      (trial.learningRate, trial.seed, trial.evaluatedOn, trial.probes) = (rate, 0, .validation, [])
      return trial
    }
  }

  /// One trial per seed, from seed 1; empty before the search is done.
  func measured(_ arm: Arm, _ evidence: Evidence) -> [Trial] {
    guard let rate = rate(arm, evidence) else { return [] }
    return (1...seeds).map { seed in
      var trial = arm.trial
      (trial.learningRate, trial.seed) = (rate, UInt64(seed))
      return trial
    }
  }

  /// The best step size, the smaller one of equals; nil before the search is done.
  func rate(_ arm: Arm, _ evidence: Evidence) -> Double? {
    var best: (rate: Double, value: Double)?
    for trial in search(arm) {
      guard let result = evidence[trial] else { return nil }
      let value = result.isDiverged ? -1 : self.value(result)
      if best == nil || value > best!.value { best = (trial.learningRate, value) }
    }
    return best?.rate
  }

  private func value(_ result: TrialResult) -> Double {
    switch criterion {
    case .finalScore: result.score
    case .meanScore: result.curve.reduce(0) { $0 + $1.score } / Double(max(1, result.curve.count))
    }
  }

  /// One result per seed; nil if it is missing.
  func results(_ arm: Arm, _ evidence: Evidence) -> [TrialResult?] {
    let trials = measured(arm, evidence)
    return trials.isEmpty ? Array(repeating: nil, count: seeds) : trials.map { evidence[$0] }
  }

  /// - Precondition: The contender takes part under that condition.
  func arm(_ contender: Contender, _ condition: Condition = .only) -> Arm {
    guard let arm = arms.first(where: { $0.contender == contender && $0.condition == condition }) else {
      preconditionFailure("\(contender.name) takes no part under \(condition.name).")
    }
    return arm
  }

  /// The contenders, in the order in which they came.
  var contenders: [Contender] { Self.distinct(arms.map(\.contender)) }

  /// The conditions, in the order in which they came.
  var conditions: [Condition] { Self.distinct(arms.map(\.condition)) }

  private static func distinct<Value: Hashable>(_ values: [Value]) -> [Value] {
    var seen: Set<Value> = []
    return values.filter { seen.insert($0).inserted }
  }

  /// One value per seed, for those seeds for which `body` returns one.
  func perSeed(_ body: (_ seed: Int) -> Double?) -> [Double] { (0..<seeds).compactMap(body).filter(\.isFinite) }

  /// Step sizes that were found, and which of them lie at an end of what was searched.
  func ratesTable(_ evidence: Evidence) -> NumberTable {
    NumberTable(
      "Step sizes that the search found", columns: ["contender", "condition", "step size", "at the search's end"],
      rows: arms.map { arm in
        let rate = rate(arm, evidence)
        let isAtEnd = arm.rates.count > 1 && (rate == arm.rates.first || rate == arm.rates.last)
        return [
          .text(arm.contender.name), .text(arm.condition.name), .number(rate),
          .text(rate == nil ? "not yet" : isAtEnd ? "yes" : "no"),
        ]
      })
  }
}
