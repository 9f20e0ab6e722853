import Evenkeel
import Glibc

/// Which contender reaches a score first: shared by the claims about speed.
struct Race {
  /// Every condition has a separate target.
  let contest: Contest
  /// The score of guessing.
  let chance: Double

  /// 98 % of the score that the weakest contender's best search trial ended with, so that all can reach it; but at least half-way
  /// from guessing to where the strongest ended, as one that learns nothing would set no target. nil before the search is done.
  func target(_ condition: Condition, _ evidence: Evidence) -> Double? {
    var ends: [Double] = []
    for contender in contest.contenders {
      let arm = contest.arm(contender, condition)
      guard let rate = contest.rate(arm, evidence),
        let end = contest.search(arm).first(where: { $0.learningRate == rate }).flatMap({ evidence[$0]?.score })
      else { return nil }
      ends.append(end)
    }
    guard let weakest = ends.min(), let strongest = ends.max() else { return nil }
    return max(0.98 * weakest, (strongest + chance) / 2)
  }

  /// One contender under one condition with one seed.
  struct Time {
    /// The total number of steps if the target was not reached.
    let steps: Double
    let seconds: Double
    let isReached: Bool
  }

  /// One per seed; nil if there is none yet.
  func times(_ contender: Contender, _ condition: Condition, _ evidence: Evidence) -> [Time?] {
    guard let target = target(condition, evidence) else { return Array(repeating: nil, count: contest.seeds) }
    let arm = contest.arm(contender, condition)
    return contest.results(arm, evidence).map { result in
      guard let result else { return nil }
      let reached = result.steps(to: target)
      let steps = reached ?? Double(arm.trial.steps)
      return Time(
        steps: steps, seconds: result.seconds / Double(result.divergedAt ?? arm.trial.steps) * steps,
        isReached: reached != nil)
    }
  }

  /// The ratio of the steps of `slow` to those of `fast`, seed by seed, as a geometric mean over conditions.
  func ratios(_ fast: Contender, _ slow: Contender, _ evidence: Evidence) -> [Double] {
    let pairs = contest.conditions.map { (times(fast, $0, evidence), times(slow, $0, evidence)) }
    return contest.perSeed { seed in
      var sum = 0.0
      for (fast, slow) in pairs {
        guard let fast = fast[seed], let slow = slow[seed] else { return nil }
        sum += log(slow.steps / fast.steps)
      }
      return exp(sum / Double(pairs.count))
    }
  }

  func figures(_ plan: Plan, _ evidence: Evidence) -> [Figure] {
    contest.conditions.map { condition in
      Figure(
        "Accuracy while training: \(condition.name)",
        caption:
          "Median over seeds, the band from the least to the largest; each at its own best step size. The dotted line is the target.",
        x: plan.stepAxis, y: plan.scoreAxis,
        plot: .curves(
          contest.contenders.map { contest.course(contest.arm($0, condition), evidence) }),
        references: target(condition, evidence).map { [.y(100 * $0, "target")] } ?? [])
    }
  }

  func table(_ evidence: Evidence) -> NumberTable {
    NumberTable(
      "Steps and processor time to the target, means over seeds",
      columns: ["network", "contender", "target (%)", "steps", "time (s)", "final score (%)"],
      rows: contest.conditions.flatMap { condition in
        contest.contenders.compactMap { contender -> [NumberTable.Cell]? in
          let times = times(contender, condition, evidence).compactMap(\.self)
          guard let target = target(condition, evidence), !times.isEmpty else { return nil }
          return [
            .text(condition.name), .text(contender.name), .number(100 * target),
            .number(times.reduce(0) { $0 + $1.steps } / Double(times.count)),
            .number(times.reduce(0) { $0 + $1.seconds } / Double(times.count)),
            contest.meanScore(contest.arm(contender, condition), evidence),
          ]
        }
      })
  }

  func notes(_ evidence: Evidence) -> [String] {
    let missed = contest.conditions.flatMap { condition in
      contest.contenders.flatMap { times($0, condition, evidence) }
    }

    .count { $0.map { !$0.isReached } ?? false }
    return missed == 0
      ? [] : ["\(missed) runs did not reach the target; they count with all their steps, so the effect is a bound."]
  }

  static let setup =
    "The search looks for the highest mean accuracy over the course. The target is 98 % of what the weakest contender's best search trial ended with, but at least half-way from guessing to where the strongest's ended. A run that does not reach it counts with all its steps. Over networks the ratio is the geometric mean."
}
