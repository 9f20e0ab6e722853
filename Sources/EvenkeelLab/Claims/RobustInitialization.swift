import Evenkeel

/// The scale of the first weights matters less.
struct RobustInitialization: Claim {
  let name = "robust-initialization"
  let title = "Batch norm makes networks robust to their initialization"
  let question = "How much accuracy is lost where weights start far too small or far too large?"
  let rule = Rule("points of accuracy more, averaged over initial scales from 0.001 to 10", .above(5))

  private func scales(_ plan: Plan) -> [Double] { LogarithmicRange(1e-3, 10).grid(plan.grid < 5 ? 5 : 9) }
  private func condition(_ scale: Double) -> String { "× \(NumberText.plain.short(scale))" }

  private func contest(_ plan: Plan) -> Contest {
    Contest(
      scales(plan).flatMap { scale in
        plan.subject.sides.map { side in
          var trial = plan.trial(side.network)
          trial.initialScale = scale
          return Contest.Arm(contender: side.contender, condition: condition(scale), trial: trial, rates: plan.rates)
        }
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    let places = scales(plan).map { (condition($0), $0) }
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence([plan.subject]),
        "Weights start at the usual scale times a factor. Step sizes are searched separately at every factor, so that a side can compensate for its start.",
      ],
      values: contest.difference("batch norm", "without", over: places.map(\.0), evidence),
      figures: [
        Figure(
          "Final accuracy over the scale of the first weights",
          caption: "Median over seeds with the range; at every scale each side at its own best step size.",
          x: Axis("Initial scale, in units of the usual one", scale: .logarithmic), y: plan.scoreAxis,
          plot: .curves(
            ["batch norm", "without"].map {
              contest.scores($0, evidence, at: places, name: $0, side: side($0))
            }))
      ], tables: [contest.ratesTable(evidence)])
  }
}
