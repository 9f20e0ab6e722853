import Evenkeel
import Glibc

/// Bjorck et al. 2018: the benefit of batch norm is a larger step size.
struct LargerLearningRate: Claim {
  let name = "larger-learning-rate"
  let title = "A larger learning rate is what it buys"
  let question = "What is the largest step size that still learns, with batch norm and without, over depth?"
  let rule = Rule("times the largest step size that learns", .above(2), isRatio: true)

  private func depths(_ plan: Plan) -> [Int] { plan.grid <= 3 ? [3, 10] : [3, 6, 12, 20] }
  /// Factors of two, or of four in small plans.
  private func rates(_ plan: Plan) -> [Double] {
    let step = plan.grid <= 4 ? 2 : 1
    return stride(from: -9, through: 7, by: step).map { pow(2, Double($0)) }
  }

  private func trial(_ plan: Plan, _ network: Network, _ rate: Double, _ seed: Int) -> Trial {
    var trial = plan.trial(network)
    (trial.learningRate, trial.seed) = (rate, UInt64(seed))
    return trial
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] {
    depths(plan).flatMap { depth in
      DeeperNetworks.subject(plan, depth: depth).sides.flatMap { side in
        (1...plan.seeds).flatMap { seed in rates(plan).map { trial(plan, side.network, $0, seed) } }
      }
    }
  }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let (depths, rates) = (depths(plan), rates(plan))
    /// depth, side, seed: the largest step size that learns; nil before all trials have ended.
    var largest = [[[Double?]]](repeating: [[], []], count: depths.count)
    var smallRates: [[NumberTable.Cell]] = []
    for (index, depth) in depths.enumerated() {
      let sides = DeeperNetworks.subject(plan, depth: depth).sides
      /// side, seed, rate
      let scores = sides.map { side in
        (1...plan.seeds).map { seed in
          rates.map { rate in evidence[trial(plan, side.network, rate, seed)].map { $0.isDiverged ? -1 : $0.score } }
        }
      }
      for seed in 0..<plan.seeds {
        let all = scores.flatMap { $0[seed] }
        let best = all.contains { $0 == nil } ? nil : all.compactMap(\.self).max()
        for side in 0..<2 {
          // One that never learns counts with a step size below all others.
          largest[index][side].append(
            best.map { best in
              let least = (best + plan.data.chance) / 2
              return rates.indices.last { scores[side][seed][$0]! >= least }.map { rates[$0] } ?? rates[0] / 2
            })
        }
      }
      smallRates += Self.rowsAtSmallRate(depth, rates, scores)
    }
    let values = (0..<plan.seeds).compactMap { seed -> Double? in
      var sum = 0.0
      for index in depths.indices {
        guard let with = largest[index][0][seed], let without = largest[index][1][seed] else { return nil }
        sum += log(with / without)
      }
      return exp(sum / Double(depths.count))
    }
    return Findings(
      setup: [
        plan.commonSetup[0],
        "Stacks of 50 ReLU units a layer, He's start. \(rates.count) step sizes from \(NumberText.plain.short(rates[0])) to \(NumberText.plain.short(rates.last!)), each with \(plan.seeds) seeds. A step size learns if the score ends at least half-way from guessing to the best of both sides with the same seed and depth. Over depths the ratio is the geometric mean.",
        "If a larger step size were all, both sides would do the same at one small step size; the table shows that too.",
      ], values: values,
      figures: [
        Figure(
          "The largest step size that learns", caption: "Median over seeds with the range.", x: Axis("Layers"),
          y: Axis("Step size", scale: .logarithmic),
          plot: .curves(
            [Contender.batchNorm, .withoutNorms].enumerated().map { side, contender in
              Curve(
                contender.name, side: contender.side, x: depths.map { Double($0) },
                seeds: (0..<plan.seeds).map { seed in depths.indices.map { largest[$0][side][seed] ?? .nan } },
                isMarked: true)
            }))
      ],
      tables: [
        NumberTable(
          "Both at the step size that is best without",
          columns: ["layers", "step size", "batch norm (%)", "without (%)"],
          rows: smallRates)
      ], notes: plan.ownNetworkNote)
  }

  private static func rowsAtSmallRate(
    _ depth: Int, _ rates: [Double], _ scores: [[[Double?]]]
  ) -> [[NumberTable.Cell]] {
    func mean(_ side: Int, _ rate: Int) -> Double? {
      let values = scores[side].compactMap { $0[rate] }
      return values.count < scores[side].count ? nil : values.reduce(0) { $0 + max(0, $1) } / Double(values.count)
    }
    guard let best = rates.indices.filter({ mean(1, $0) != nil }).max(by: { mean(1, $0)! < mean(1, $1)! }),
      let with = mean(0, best)
    else { return [] }
    return [[.number(Double(depth)), .number(rates[best]), .number(100 * with), .number(100 * mean(1, best)!)]]
  }
}
