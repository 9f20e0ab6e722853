import Evenkeel

/// Hoffer et al. 2017: statistics of parts of a large batch.
struct GhostBatches: Claim {
  let name = "ghost-batches"
  let title = "Ghost batches close the large-batch gap"
  let question = "If a large batch is normalized in parts of 128 examples, does it generalize as a small batch does?"
  let rule = Rule("points of accuracy more than the large batch without ghost batches", .above(0.1))

  private static let smallBatch = Contender("small batch", .other(0))
  private static let largeBatch = Contender("large batch", .other(1))
  private static let ghostBatches = Contender("large, ghost 128", .with)
  private static let small = 128

  /// 4,096 as in the paper, or the power of two that makes at least four steps per epoch.
  private func large(_ plan: Plan) -> Int {
    var size = 4_096
    while size > 256, size > plan.data.trainingCount / 4 { size /= 2 }
    return size
  }
  private func network(_ plan: Plan) -> Network {
    plan.network ?? plan.multilayer(Array(repeating: 512, count: 5), ReLU()) { [BatchNorm()] }
  }

  private func contest(_ plan: Plan) -> Contest {
    let (network, large) = (network(plan), large(plan))
    let ghost = network.changingNorms { $0.ghostBatch = Self.small }
    func arm(_ contender: Contender, _ network: Network, batchSize: Int) -> Contest.Arm {
      // The same number of epochs.
      var trial = plan.trial(network, steps: max(4, plan.steps * Self.small / batchSize), batchSize: batchSize)
      (trial.method, trial.weightDecay) = (.momentum, 1e-4)
      return Contest.Arm(
        contender: contender, condition: .only, trial: trial, rates: LogarithmicRange(0.01, 1).grid(plan.grid))
    }
    return Contest(
      [
        arm(Self.smallBatch, network, batchSize: Self.small), arm(Self.largeBatch, network, batchSize: large),
        arm(Self.ghostBatches, ghost, batchSize: large),
      ], seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    let gap = contest.difference(Self.smallBatch, Self.largeBatch, evidence)
    let interval = Bootstrap.interval(of: gap)
    let mean = gap.reduce(0, +) / Double(max(1, gap.count))
    return Findings(
      setup: [
        plan.dataSentence
          + (" Momentum 0.9, weight decay 0.0001, the same number of epochs for every batch size: \(plan.steps) steps of \(Self.small), \(max(4, plan.steps * Self.small / large(plan))) of \(large(plan))."),
        plan.networkSentence([
          Subject(name: plan.network == nil ? "after Hoffer et al." : "your network", network: network(plan))
        ]),
        "Every contender's step size is the best of \(plan.grid) from 0.01 to 1 on the validation examples, instead of the paper's rule, which scales it with the root of the batch size; then it is measured with \(plan.seeds) other seeds. There is no schedule.",
      ], values: contest.difference(Self.ghostBatches, Self.largeBatch, evidence),
      figures: [
        Figure(
          "Final accuracy", caption: "Mean over seeds with its 95 % interval.", x: plan.scoreAxis, y: Axis("Contender"),
          plot: .intervals(
            contest.arms.map { arm in
              let scores = contest.results(arm, evidence).compactMap { $0.map { 100 * $0.score } }
              let interval = Bootstrap.interval(of: scores)
              return Interval(
                arm.contender.name, name: arm.contender.name, side: arm.contender.side,
                value: scores.isEmpty ? .nan : scores.reduce(0, +) / Double(scores.count),
                low: interval?.lowerBound, high: interval?.upperBound)
            }))
      ],
      tables: [
        NumberTable(
          "Final score", columns: ["contender", "batch", "steps", "score (%)"],
          rows: contest.arms.map {
            [
              .text($0.contender.name), .number(Double($0.trial.batchSize)), .number(Double($0.trial.steps)),
              contest.meanScore($0, evidence),
            ]
          }), contest.ratesTable(evidence),
      ],
      notes: interval.map {
        [
          "The gap that there is to close: \(NumberText.page.short(mean)) points of accuracy, 95 % interval \(NumberText.page.short($0.lowerBound)) to \(NumberText.page.short($0.upperBound))."
        ]
      } ?? [])
  }
}
