import Evenkeel

/// Without γ and β a sigmoid would be held in its linear part (Ioffe and Szegedy 2015, §3).
struct ScaleAndShift: Claim {
  let name = "scale-and-shift"
  let title = "γ and β are needed"
  let question = "What is lost if the norm's output is not scaled and shifted again before a sigmoid?"
  let rule = Rule("points of accuracy more with γ and β", .above(0.5))

  private static let with = Contender("with γ and β", .with)
  private static let without = Contender("without γ and β", .other(0))

  private func contest(_ plan: Plan) -> Contest {
    let without = plan.multilayer([100, 100, 100], Sigmoid(), start: .normal(0.1)) {
      [BatchNorm(scale: false, shift: false)]
    }
    return Contest(
      [(Self.with, plan.paperNet.network), (Self.without, without)].map {
        Contest.Arm(
          contender: $0.0, condition: .only,
          trial: plan.trial($0.1, evaluations: plan.courseEvaluations, probes: [.inputs]), rates: plan.rates)
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence([plan.paperNet]),
        "The linear part: the share of what the last hidden layer's sigmoids take that lies between −1 and 1, on test examples after the last step.",
      ],
      values: contest.difference(Self.with, Self.without, evidence),
      figures: [
        Figure(
          "Accuracy while training", caption: "Median over seeds with the range.", x: plan.stepAxis, y: plan.scoreAxis,
          plot: .curves(contest.arms.map { contest.course($0, evidence) }))
      ],
      tables: [
        NumberTable(
          "After the last step", columns: ["contender", "score (%)", "in the linear part (%)"],
          rows: contest.arms.map { arm in
            let shares = contest.results(arm, evidence).compactMap { $0?.measures[.linearPart]?.last }
            return [
              .text(arm.contender.name), contest.meanScore(arm, evidence),
              .number(shares.isEmpty ? nil : 100 * shares.reduce(0, +) / Double(shares.count)),
            ]
          }), contest.ratesTable(evidence),
      ], notes: plan.ownNetworkNote)
  }
}
