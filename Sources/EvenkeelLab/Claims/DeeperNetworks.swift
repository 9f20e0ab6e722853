import Evenkeel

/// Depth at which a plain stack of layers still trains.
struct DeeperNetworks: Claim {
  let name = "deeper-networks"
  let title = "Deeper networks train"
  let question = "How deep may a plain stack of layers be before it no longer learns?"
  let rule = Rule("points of accuracy more at the greatest depth", .above(5))

  static func depths(_ plan: Plan) -> [Int] {
    switch plan.grid {
    case ...3: [2, 10, 50]
    case 4: [2, 5, 20, 50]
    case 5: [2, 5, 10, 20, 50]
    default: [2, 5, 10, 20, 30, 50]
    }
  }
  static func subject(_ plan: Plan, depth: Int) -> Subject {
    Subject(
      name: "\(depth) layers",
      network: plan.multilayer(Array(repeating: 50, count: depth - 1), ReLU()) { [BatchNorm()] })
  }

  private func contest(_ plan: Plan) -> Contest {
    plan.contest(
      Self.depths(plan).map { Self.subject(plan, depth: $0) }, rates: LogarithmicRange(1e-3, 3).grid(plan.grid))
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    let places = zip(contest.conditions, Self.depths(plan)).map { ($0, Double($1)) }
    return Findings(
      setup: [
        plan.commonSetup[0],
        "Every contender's step size is the best of \(plan.grid) from 0.001 to 3, searched again at every depth on the validation examples with a seed of its own, then measured with \(plan.seeds) other seeds.",
        "Stacks of 50 ReLU units a layer without shortcuts, He's start; layers are counted with the output's.",
      ],
      values: contest.difference(.batchNorm, .withoutNorms, over: contest.conditions.suffix(1), evidence),
      figures: [
        Figure(
          "Final accuracy over depth",
          caption: "Median over seeds with the range; each side at its own best step size.",
          x: Axis("Layers", scale: .logarithmic), y: plan.scoreAxis,
          plot: .curves(contest.contenders.map { contest.scores($0, evidence, at: places) }),
          references: [.y(100 * plan.data.chance, "guessing")])
      ], tables: [contest.ratesTable(evidence)], notes: plan.ownNetworkNote)
  }
}
