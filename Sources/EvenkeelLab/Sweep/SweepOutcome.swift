import Evenkeel
import Glibc

/// What a sweep found on each side.
package struct SweepOutcome: Sendable {
  /// One side's scores.
  package struct SideOutcome: Sendable {
    package let normalization: Normalization
    /// In the order of the sweep's places; nil for a trial that diverged.
    package let scores: [Double?]
    /// The place of the best score and the score; nil if all diverged.
    package let best: (place: Sweep.Place, score: Double)?
    /// The share of trials that work.
    package let workingShare: Double
    package var divergedShare: Double { Double(scores.count { $0 == nil }) / Double(max(1, scores.count)) }
  }

  package let sweep: Sweep
  package let sides: [SideOutcome]
  /// The score of a working trial: 95 % of the best score of all sides, and more than guessing; nil if none did better
  /// than guessing.
  package let threshold: Double?

  /// - Parameter results: The results of all trials of `sweep`.
  package init(_ sweep: Sweep, on data: DataDescription, results: [Trial: TrialResult]) throws {
    self.sweep = sweep
    let places = sweep.places
    let scores = try sweep.normalizations.map { normalization in
      try sweep.trials(of: normalization, on: data).map { trial in
        results[trial].flatMap { $0.isDiverged ? nil : $0.score }
      }
    }
    let best = scores.joined().compactMap(\.self).max() ?? 0
    let least = data.aboveChance(of: sweep.metric)
    let threshold = best > least ? max(0.95 * best, least) : nil
    self.threshold = threshold
    sides = zip(sweep.normalizations, scores).map { normalization, scores in
      let best = scores.indices.filter { scores[$0] != nil }.max { scores[$0]! < scores[$1]! }
      return SideOutcome(
        normalization: normalization, scores: scores, best: best.map { (places[$0], scores[$0]!) },
        workingShare: Double(scores.count { Self.works($0, threshold) }) / Double(max(1, scores.count)))
    }
  }

  private static func works(_ score: Double?, _ threshold: Double?) -> Bool {
    guard let score, let threshold else { return false }
    return score >= threshold
  }
}

extension SweepOutcome {
  /// The rule by which a sweep of two sides is judged, place by place.
  static let rule = Rule("points more of the places work", .above(0))

  /// The sweep as a section of a report: heat maps side by side, and their summary.
  /// - Parameter command: The command that reproduces these numbers.
  package func report(on data: DataDescription, command: String) -> ClaimReport {
    let places = sweep.places
    /// One value per place: the difference of what works there.
    let gains =
      sides.count == 2 && threshold != nil
      ? places.indices.map { place in
        100 * (works(sides[0].scores[place]) - works(sides[1].scores[place]))
      } : []
    let effect = Self.rule.effect(of: gains)
    return ClaimReport(
      name: "sweep", title: "A sweep of step sizes and initial scales",
      question: "Which combinations of step size and initial scale work, and for whom?",
      setup: [
        "Data: \(data.source), \(data.trainingCount) examples to train on, \(data.testCount) to judge on. Network: \(sweep.network.summary). \(sweep.method.rawValue), batches of \(sweep.batchSize), \(sweep.steps) steps, seed \(sweep.seed).",
        "\(places.count) places, the same for every side. A trial works if it reaches 95 % of the best score of all and does better than guessing.",
      ],
      figures: [heatMaps(data)],
      tables: [
        NumberTable(
          "What was found",
          columns: ["side", "best (%)", "step size", "initial scale", "works (%)", "diverges (%)"],
          rows: sides.map {
            [
              .text($0.normalization.name), .number($0.best.map { 100 * $0.score }),
              .number($0.best?.place.learningRate),
              .number($0.best?.place.initialScale), .number(100 * $0.workingShare), .number(100 * $0.divergedShare),
            ]
          })
      ], verdict: Self.rule.verdict(effect, seeds: gains.count), effect: effect,
      rule: sides.count == 2
        ? "The effect is the share of places that work on the first side alone less that on the second alone, with its bootstrap interval over places; supported if the interval lies above 0."
        : "There are not two sides, so there is nothing to judge.",
      command: command, seeds: 1, trials: sides.reduce(0) { $0 + $1.scores.count },
      divergedTrials: sides.reduce(0) { $0 + $1.scores.count { $0 == nil } },
      notes: threshold == nil
        ? [
          "No trial did better than guessing (\(NumberText.plain.short(100 * data.aboveChance(of: sweep.metric))) %), so there is nothing to compare."
        ]
        : [])
  }

  /// A side's appearance in figures.
  private static func contender(_ normalization: Normalization, at index: Int) -> Contender {
    switch normalization {
    case .batch: Contender(normalization.name, .with)
    case .none: .withoutNorms
    default: Contender(normalization.name, .other(index))
    }
  }

  private func works(_ score: Double?) -> Double { Self.works(score, threshold) ? 1 : 0 }

  /// Places of a grid are its cells; quasi-random ones are gathered in cells by their mean.
  private func heatMaps(_ data: DataDescription) -> Figure {
    let places = sweep.places
    let side = sweep.layout == .grid ? 0 : max(2, Int((Double(places.count) / 2).squareRoot()))
    func centers(_ range: LogarithmicRange, _ values: [Double]) -> [Double] {
      if side == 0 || range.low == range.high { return Set(values).sorted() }
      return (0..<side).map { range.value(at: (Double($0) + 0.5) / Double(side)) }
    }
    let columns = centers(sweep.learningRate, places.map(\.learningRate))
    let rows = centers(sweep.initialScale, places.map(\.initialScale))
    func nearest(_ value: Double, _ values: [Double]) -> Int {
      values.indices.min { abs(log(values[$0] / value)) < abs(log(values[$1] / value)) }!
    }
    let surfaces = sides.enumerated().map { index, outcome in
      var cells = [[[Double?]]](repeating: Array(repeating: [], count: columns.count), count: rows.count)
      for (place, score) in zip(places, outcome.scores) {
        cells[nearest(place.initialScale, rows)][nearest(place.learningRate, columns)].append(score)
      }
      let contender = Self.contender(outcome.normalization, at: index)
      return Surface(
        contender.name, side: contender.side, columns: columns, rows: rows,
        values: cells.map {
          $0.map { scores -> Double? in
            guard !scores.isEmpty else { return nil }
            let finite = scores.compactMap(\.self)
            return finite.count * 2 <= scores.count ? .nan : 100 * finite.reduce(0, +) / Double(finite.count)
          }
        })
    }
    return Figure(
      "Which settings work",
      caption:
        "Final score; outlined: what reaches 95 % of the best of all. Where half of the trials or more diverged nothing is shown.",
      x: Axis("Step size", scale: .logarithmic),
      y: Axis("Initial scale, in units of the usual one", scale: .logarithmic),
      plot: .heatMaps(
        surfaces, value: Axis("Validation \(data.scoreName(of: sweep.metric))", unit: "%"),
        threshold: threshold.map { 100 * $0 }))
  }
}
