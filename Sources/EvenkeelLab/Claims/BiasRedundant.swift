import Evenkeel

/// A bias in front of a norm is subtracted again with the mean.
struct BiasRedundant: Claim {
  let name = "bias-redundant"
  let title = "The bias is redundant"
  let question = "Does a bias before a batch norm change anything?"
  let rule = Rule("points of accuracy more with a bias", .within(0.5))

  private static let names = ["without bias", "with bias"]

  private func contest(_ plan: Plan) -> Contest {
    let biased = plan.multilayer([100, 100, 100], ReLU(), bias: .present) { [BatchNorm()] }
    let networks = [plan.reluNet.network, biased, biased.withoutNormalization()]
    return Contest(
      zip(Self.names + ["no norm"], networks).map {
        Contest.Arm(
          contender: $0, condition: "", trial: plan.trial($1, probes: [.biases]), rates: plan.rates,
          follows: $0 == Self.names[1] ? Self.names[0] : nil)
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    func mean(_ contender: String, _ measure: String) -> NumberTable.Cell {
      let values = contest.results(contest.arm(contender), evidence).compactMap { $0?.measures[measure]?.last }
      return values.isEmpty ? .text("none") : .number(values.reduce(0, +) / Double(values.count))
    }
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence([plan.reluNet]),
        "With a bias, the step size is the one found without it, so that only the bias differs.",
        "Biases start at 0, and gradient descent moves them only by their gradients: how far they have moved after the last step is the sum of their gradients times the step size. Before a norm it is 0 apart from rounding.",
      ],
      values: contest.difference(Self.names[1], Self.names[0], over: [""], evidence),
      figures: [
        Figure(
          "Final accuracy with a bias in front of the norm and without",
          caption: "Mean over seeds with its 95 % interval.", x: plan.scoreAxis, y: Axis("Contender"),
          plot: .intervals(
            contest.arms.map { arm in
              let scores = contest.results(arm, evidence).compactMap { $0.map { 100 * $0.score } }
              let interval = Bootstrap.interval(of: scores)
              return Interval(
                arm.contender, name: arm.contender == "no norm" ? "without norm" : "batch norm",
                side: arm.contender == "no norm" ? .without : .with,
                value: scores.isEmpty ? .nan : scores.reduce(0, +) / Double(scores.count),
                low: interval?.lowerBound, high: interval?.upperBound)
            }))
      ],
      tables: [
        NumberTable(
          "Behind the last step",
          columns: ["contender", "score (%)", "biases, root mean square", "weights' change, root mean square"],
          rows: contest.arms.map {
            [
              .text($0.contender), contest.meanScore($0, evidence), mean($0.contender, "biases"),
              mean($0.contender, "weights' change"),
            ]
          }), contest.ratesTable(evidence),
      ], notes: plan.ownNetworkNote)
  }
}
