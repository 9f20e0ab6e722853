import Evenkeel

/// A bias before a norm is subtracted again with the mean.
struct BiasRedundant: Claim {
  let name = "bias-redundant"
  let title = "The bias is redundant"
  let question = "Does a bias before a batch norm change anything?"
  let rule = Rule("points of accuracy more with a bias", .within(0.5))

  private static let without = Contender("without bias", .with)
  private static let with = Contender("with bias", .with)
  private static let noNorm = Contender("no norm", .without)

  private func contest(_ plan: Plan) -> Contest {
    let biased = plan.multilayer([100, 100, 100], ReLU(), bias: .present) { [BatchNorm()] }
    func arm(_ contender: Contender, _ network: Network, follows: Contender? = nil) -> Contest.Arm {
      Contest.Arm(
        contender: contender, condition: .only, trial: plan.trial(network, probes: [.biases]), rates: plan.rates,
        follows: follows)
    }
    return Contest(
      [
        arm(Self.without, plan.reluNet.network), arm(Self.with, biased, follows: Self.without),
        arm(Self.noNorm, biased.withoutNormalization()),
      ], seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    func mean(_ arm: Contest.Arm, _ measure: Measure) -> NumberTable.Cell {
      let values = contest.results(arm, evidence).compactMap { $0?.measures[measure]?.last }
      return values.isEmpty ? .text("none") : .number(values.reduce(0, +) / Double(values.count))
    }
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence([plan.reluNet]),
        "With a bias, the step size is the one found without it, so that only the bias differs.",
        "Biases start at 0, and gradient descent moves them by their gradients alone: how far they have come after the last step is the sum of their gradients times the step size. A norm's is 0 but for rounding.",
      ],
      values: contest.difference(Self.with, Self.without, evidence),
      figures: [
        Figure(
          "Final accuracy with a bias in front of the norm and without",
          caption: "Mean over seeds with its 95 % interval.", x: plan.scoreAxis, y: Axis("Contender"),
          plot: .intervals(
            contest.arms.map { arm in
              let scores = contest.results(arm, evidence).compactMap { $0.map { 100 * $0.score } }
              let interval = Bootstrap.interval(of: scores)
              return Interval(
                arm.contender.name, name: arm.contender == Self.noNorm ? "without norm" : "batch norm",
                side: arm.contender.side,
                value: scores.isEmpty ? .nan : scores.reduce(0, +) / Double(scores.count),
                low: interval?.lowerBound, high: interval?.upperBound)
            }))
      ],
      tables: [
        NumberTable(
          "After the last step",
          columns: ["contender", "score (%)", "biases, root mean square", "weights' change, root mean square"],
          rows: contest.arms.map {
            [
              .text($0.contender.name), contest.meanScore($0, evidence), mean($0, .biases), mean($0, .weightsChange),
            ]
          }), contest.ratesTable(evidence),
      ], notes: plan.ownNetworkNote)
  }
}
