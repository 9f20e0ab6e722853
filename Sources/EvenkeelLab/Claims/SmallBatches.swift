import Evenkeel

/// Statistics of few examples are noise (Wu and He 2018).
struct SmallBatches: Claim {
  let name = "small-batches"
  let title = "Small batches break it"
  let question =
    "How much is lost as batches become small, with batch norm and with norms that do not look across a batch?"
  let rule = Rule(
    "points of accuracy more that batch norm loses from the largest batch to 2 than layer norm does", .above(1))

  private static let layerNorm = Contender("layer norm", .other(1))
  private static let contenders: [(contender: Contender, norm: Normalization)] = [
    (.batchNorm, .batch), (Contender("batch renormalization", .other(0)), .renorm), (layerNorm, .layer),
    (Contender("group norm", .other(2)), .group(groups: nil)), (.withoutNorms, .none),
  ]

  private func sizes(_ plan: Plan) -> [Int] {
    switch plan.grid {
    case ...3: [2, 8, 32]
    case ...5: [2, 4, 8, 32]
    default: [2, 4, 8, 16, 32, 64]
    }
  }
  private func condition(_ size: Int) -> Condition { Condition("batch \(size)") }

  private func contest(_ plan: Plan) throws -> Contest {
    let most = sizes(plan).last!
    return Contest(
      try sizes(plan).flatMap { size in
        try Self.contenders.map { contender, norm in
          // The same number of examples for every size.
          Contest.Arm(
            contender: contender, condition: condition(size),
            trial: plan.trial(
              try plan.subject.network.normalized(by: norm), steps: max(1, plan.steps / 2 * most / size),
              batchSize: size),
            rates: LogarithmicRange(0.003, 3).grid(plan.grid))
        }
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) throws -> [Trial] { try contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) throws -> Findings {
    let contest = try contest(plan)
    let sizes = sizes(plan)
    func loss(_ contender: Contender, _ seed: Int) -> Double? {
      let ends = [sizes.last!, 2].map { contest.results(contest.arm(contender, condition($0)), evidence)[seed]?.score }
      guard let large = ends[0], let small = ends[1] else { return nil }
      return 100 * (large - small)
    }
    let places = sizes.map { (condition($0), Double($0)) }
    return Findings(
      setup: [
        plan.dataSentence + " Gradient descent without momentum.", plan.networkSentence([plan.subject]),
        "Every batch size sees \(plan.steps / 2 * sizes.last!) examples, so small batches make more steps. Every contender's step size is searched again at every batch size, the best of \(plan.grid) from 0.003 to 3 on the validation examples; then it is measured with \(plan.seeds) other seeds.",
      ],
      values: contest.perSeed { seed in
        guard let batch = loss(.batchNorm, seed), let layer = loss(Self.layerNorm, seed) else { return nil }
        return batch - layer
      },
      figures: [
        Figure(
          "Final accuracy over the batch size",
          caption: "Median over seeds with the range; prediction with running averages where there are any.",
          x: Axis("Examples in a batch", scale: .logarithmic), y: plan.scoreAxis,
          plot: .curves(contest.contenders.map { contest.scores($0, evidence, at: places) }))
      ],
      tables: [
        NumberTable(
          "Final score (%)", columns: ["contender"] + contest.conditions.map(\.name),
          rows: contest.contenders.map { contender in
            [.text(contender.name)]
              + contest.conditions.map { contest.meanScore(contest.arm(contender, $0), evidence) }
          }), contest.ratesTable(evidence),
      ])
  }
}
