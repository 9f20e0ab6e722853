import Evenkeel
import Glibc

/// Ioffe and Szegedy 2015, figure 1a: the net with batch norm needs fewer steps.
struct TrainsFaster: Claim {
  let name = "trains-faster"
  let title = "Batch norm makes training faster"
  let question = "How many steps, and how much time, does a net need with batch norm and without to the same accuracy?"
  let rule = Rule("times fewer steps to the target", .above(1.1), isRatio: true)

  private func contest(_ plan: Plan) -> Contest {
    Contest(
      plan.subjects.flatMap { subject in
        subject.sides.map {
          Contest.Arm(
            contender: $0.contender, condition: subject.name,
            trial: plan.trial($0.network, evaluations: plan.courseEvaluations), rates: plan.rates)
        }
      }, seeds: plan.seeds, criterion: .meanScore)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  /// 98 % of the score that the weaker side's best search trial ended with: both can reach it.
  private func target(_ contest: Contest, _ subject: Subject, _ evidence: Evidence) -> Double? {
    let ends = subject.sides.map { side -> Double? in
      let arm = contest.arm(side.contender, subject.name)
      guard let rate = contest.rate(arm, evidence) else { return nil }
      return contest.search(arm).first { $0.learningRate == rate }.flatMap { evidence[$0]?.score }
    }
    return ends.contains { $0 == nil } ? nil : 0.98 * ends.compactMap(\.self).min()!
  }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    var figures: [Figure] = []
    var rows: [[NumberTable.Cell]] = []
    var ratios: [[Double?]] = []
    var censored = 0
    for subject in plan.subjects {
      guard let target = target(contest, subject, evidence) else { continue }
      /// Steps and seconds to the target, one each a seed; a run that does not get there counts with all its steps.
      let sides = subject.sides.map { side in
        contest.results(contest.arm(side.contender, subject.name), evidence).map { result -> (steps: Double, seconds: Double)? in
          guard let result else { return nil }
          let steps = result.steps(to: target)
          if steps == nil { censored += 1 }
          let counted = steps ?? Double(plan.steps)
          let made = Double(result.divergedAt ?? plan.steps)
          return (counted, result.seconds / made * counted)
        }
      }
      ratios.append(zip(sides[0], sides[1]).map { with, without in
        with.flatMap { with in without.map { $0.steps / with.steps } }
      })
      for (index, side) in subject.sides.enumerated() {
        let reached = sides[index].compactMap(\.self)
        guard !reached.isEmpty else { continue }
        rows.append([
          .text(subject.name), .text(side.contender), .number(100 * target),
          .number(reached.reduce(0) { $0 + $1.steps } / Double(reached.count)),
          .number(reached.reduce(0) { $0 + $1.seconds } / Double(reached.count)),
          contest.meanScore(contest.arm(side.contender, subject.name), evidence),
        ])
      }
      figures.append(
        Figure(
          "Accuracy while training: \(subject.name)",
          caption: "Median over seeds, the band from the least to the largest; each side at its own best step size. The dotted line is the target.",
          x: plan.stepAxis, y: plan.scoreAxis,
          plot: .curves(
            subject.sides.map {
              contest.course(
                contest.arm($0.contender, subject.name), evidence, name: $0.contender, side: side($0.contender))
            }), references: [.y(100 * target, "target")]))
    }
    let values = contest.perSeed { seed in
      let logs = ratios.map { $0[seed].map { log($0) } }
      guard !logs.isEmpty, logs.allSatisfy({ $0 != nil }) else { return nil }
      return exp(logs.reduce(0) { $0 + $1! } / Double(logs.count))
    }
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence(plan.subjects),
        "The search looks for the highest mean accuracy over the course. The target is 98 % of the accuracy that the weaker side's best search trial ended with. A run that does not reach it counts with all its steps. Over several networks the ratio is the geometric mean.",
      ], values: values, figures: figures,
      tables: [
        NumberTable(
          "Steps and processor time to the target",
          columns: ["network", "side", "target (%)", "steps", "seconds", "final score (%)"], rows: rows),
        contest.ratesTable(evidence),
      ],
      notes: censored == 0 ? [] : ["\(censored) runs did not reach the target; they count with all their steps, so the ratio is a bound."])
  }
}
