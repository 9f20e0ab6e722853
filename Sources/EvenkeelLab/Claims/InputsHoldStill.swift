import Evenkeel
import Glibc

/// Ioffe and Szegedy 2015, figure 1b, c: what a unit of the last hidden layer takes, over training.
struct InputsHoldStill: Claim {
  let name = "inputs-hold-still"
  let title = "Inputs of later layers hold still"
  let question = "How far does the distribution of the last hidden layer's inputs move over time?"
  let rule = Rule("times less movement with batch norm", .above(1), isRatio: true)

  private func subject(_ plan: Plan) -> Subject { plan.network == nil ? plan.paperNet : plan.subject }
  private func contest(_ plan: Plan) -> Contest { plan.courseContest([subject(plan)], probes: [.inputs]) }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  /// The mean over the course of how far percentiles moved.
  private func movement(_ result: TrialResult?) -> Double? {
    guard let values = result?.measures[.movement], !values.isEmpty else { return nil }
    return values.reduce(0, +) / Double(values.count)
  }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let (contest, subject) = (contest(plan), subject(plan))
    let (with, without) = (
      contest.results(contest.arm(.batchNorm, subject.condition), evidence),
      contest.results(contest.arm(.withoutNorms, subject.condition), evidence)
    )
    let sides = [(Contender.batchNorm, with), (.withoutNorms, without)]
    let ribbons = sides.map { contender, results in
      let (curve, measures) = (results.first??.curve ?? [], results.first??.measures ?? [:])
      return Curve(
        contender.name, side: contender.side,
        points: curve.indices.map { index in
          func value(_ measure: Measure) -> Double? {
            measures[measure].flatMap { index < $0.count ? $0[index] : nil }
          }
          return Curve.Point(Double(curve[index].step), value(.median), low: value(.low), high: value(.high))
        })
    }
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence([subject]),
        "At every evaluation the 15th, 50th and 85th percentile of what each unit's activation takes is measured over 500 test examples, with the statistics of those examples. Movement is how far a percentile went since the evaluation before, in units of the unit's spread from the 15th to the 85th, averaged over percentiles, units and the course.",
      ],
      values: contest.perSeed { seed in
        guard let with = movement(with[seed]), let without = movement(without[seed]) else { return nil }
        return without / with
      },
      figures: [
        Figure(
          "What a typical unit of the last hidden layer takes",
          caption:
            "Median and 15th to 85th percentile over examples, with the first seed: the unit whose spread is the median of all at the first evaluation.",
          x: plan.stepAxis, y: Axis("Input of the unit"), plot: .ribbons(ribbons))
      ],
      tables: [
        NumberTable(
          "Movement between evaluations, mean over seeds", columns: ["side", "movement in spreads"],
          rows: sides.map { contender, results in
            let values = results.compactMap { movement($0) }
            return [
              .text(contender.name), .number(values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)),
            ]
          }), contest.ratesTable(evidence),
      ],
      notes: ["Each side trains at its own best step size; a larger step moves more."])
  }
}
