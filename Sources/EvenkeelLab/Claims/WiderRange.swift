import Evenkeel

/// More combinations of step size and initial scale work, at every depth.
struct WiderRange: Claim {
  let name = "wider-range"
  let title = "A wider range of hyperparameters works"
  let question = "Of all combinations of step size and initial scale, how many work with batch norm and without?"
  let rule = Rule("points more of the combinations work", .above(5))

  private func subjects(_ plan: Plan) -> [Subject] {
    if plan.network != nil { return [plan.subject] }
    return [3, 10].map { depth in
      Subject(
        name: "\(depth) hidden layers",
        network: plan.multilayer(Array(repeating: 100, count: depth), ReLU()) { [BatchNorm()] })
    }
  }
  private func rates(_ plan: Plan) -> [Double] { LogarithmicRange(1e-3, 10).grid(plan.grid) }
  /// Enough that 1, the usual start, is among them.
  private func scales(_ plan: Plan) -> [Double] { LogarithmicRange(0.01, 10).grid(plan.grid < 7 ? 4 : 7) }

  private func trial(_ plan: Plan, _ network: Network, _ rate: Double, _ scale: Double, seed: Int) -> Trial {
    var trial = plan.trial(network)
    (trial.learningRate, trial.initialScale, trial.seed) = (rate, scale, UInt64(seed))
    return trial
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] {
    subjects(plan).flatMap { subject in
      subject.sides.flatMap { side in
        (1...plan.seeds).flatMap { seed in
          scales(plan).flatMap { scale in
            rates(plan).map { trial(plan, side.network, $0, scale, seed: seed) }
          }
        }
      }
    }
  }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let (rates, scales) = (rates(plan), scales(plan))
    var figures: [Figure] = []
    var rows: [[NumberTable.Cell]] = []
    var gains = [[Double]](repeating: [], count: plan.seeds)
    for subject in subjects(plan) {
      /// side, seed, scale, rate
      let scores = subject.sides.map { side in
        (1...plan.seeds).map { seed in
          scales.map { scale in
            rates.map { rate -> Double? in
              evidence[trial(plan, side.network, rate, scale, seed: seed)].map { $0.isDiverged ? .nan : $0.score }
            }
          }
        }
      }
      var shares: [[Double]] = [[], []]
      for seed in 0..<plan.seeds {
        let all = scores.flatMap { $0[seed].joined() }
        guard !all.contains(where: { $0 == nil }) else { continue }
        let least = 0.95 * (all.compactMap(\.self).filter(\.isFinite).max() ?? 1)
        for side in 0..<2 {
          let works = scores[side][seed].joined().count { $0! >= least }
          shares[side].append(100 * Double(works) / Double(rates.count * scales.count))
        }
        gains[seed].append(shares[0].last! - shares[1].last!)
      }
      for (side, contender) in subject.sides.map(\.contender).enumerated() where !shares[side].isEmpty {
        let mean = shares[side].reduce(0, +) / Double(shares[side].count)
        let interval = Bootstrap.interval(of: shares[side])
        rows.append([
          .text(subject.name), .text(contender.name),
          interval.map { .estimate(mean, low: $0.lowerBound, high: $0.upperBound) } ?? .number(mean),
        ])
      }
      /// Means over the seeds that ended.
      let means = scores.map { seeds in
        scales.indices.map { row in
          rates.indices.map { column -> Double? in
            let values = seeds.compactMap { $0[row][column] }
            guard !values.isEmpty else { return nil }
            let finite = values.filter(\.isFinite)
            return finite.count * 2 <= values.count ? .nan : 100 * finite.reduce(0, +) / Double(finite.count)
          }
        }
      }
      let best = means.joined().joined().compactMap(\.self).filter(\.isFinite).max()
      figures.append(
        Figure(
          "Which settings work: \(subject.name)",
          caption:
            "Mean final score over seeds. Outlined: what reaches 95 % of the best of both sides. Where half of the seeds or more diverged nothing is shown.",
          x: Axis("Step size", scale: .logarithmic), y: Axis("Initial scale, in units of He's", scale: .logarithmic),
          plot: .heatMaps(
            zip(subject.sides, means).map { side, values in
              Surface(
                side.contender.name, side: side.contender.side, columns: rates, rows: scales, values: values)
            }, value: plan.scoreAxis, threshold: best.map { 0.95 * $0 })))
    }
    let expected = subjects(plan).count
    return Findings(
      setup: [
        plan.commonSetup[0], plan.networkSentence(subjects(plan)),
        "\(rates.count) step sizes from 0.001 to 10 by \(scales.count) initial scales from 0.01 to 10 times the usual start, the same for both sides, with \(plan.seeds) seeds. A trial works if its score reaches 95 % of the best of both sides with the same seed and depth. The effect is the difference of the shares that work, averaged over depths.",
      ],
      values: gains.filter { $0.count == expected }.map { $0.reduce(0, +) / Double(expected) }, figures: figures,
      tables: [NumberTable("Share of settings that work", columns: ["network", "side", "share (%)"], rows: rows)])
  }
}
