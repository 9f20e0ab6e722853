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
    Contest(
      Self.depths(plan).flatMap { depth in
        let subject = Self.subject(plan, depth: depth)
        return subject.sides.map {
          Contest.Arm(
            contender: $0.contender, condition: subject.name, trial: plan.trial($0.network),
            rates: LogarithmicRange(1e-3, 3).grid(plan.grid))
        }
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    let depths = Self.depths(plan)
    return Findings(
      setup: [
        plan.commonSetup[0],
        "Every contender's step size is the best of \(plan.grid) from 0.001 to 3, searched separately at every depth on the validation examples with a seed of its own, then measured with \(plan.seeds) other seeds.",
        "Stacks of 50 ReLU units a layer without shortcuts, He's start; layers are counted with the output's.",
      ],
      values: contest.difference("batch norm", "without", over: ["\(depths.last!) layers"], evidence),
      figures: [
        Figure(
          "Final accuracy over depth",
          caption: "Median over seeds with the range; each side at its own best step size.",
          x: Axis("Layers", scale: .logarithmic), y: plan.scoreAxis,
          plot: .curves(
            ["batch norm", "without"].map { name in
              contest.scores(
                name, evidence, at: depths.map { ("\($0) layers", Double($0)) }, name: name, side: side(name))
            }), references: [.y(100 * plan.data.chance, "guessing")])
      ], tables: [contest.ratesTable(evidence)], notes: plan.ownNetworkNote)
  }
}
