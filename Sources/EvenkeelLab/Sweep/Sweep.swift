import Evenkeel

/// Learning rates and initial scales tried on several sides, each at the same places.
package struct Sweep: Hashable, Codable, Sendable {
  /// How the places are laid out.
  package enum Layout: String, Codable, Sendable {
    /// Quasi-random: places fill the ranges evenly whatever their number.
    case random
    /// Rows and columns.
    case grid
  }

  /// The network with norms of any kind.
  package var network: Network
  /// What replaces the norms; one side each.
  package var normalizations: [Normalization]
  package var learningRate: LogarithmicRange
  package var initialScale: LogarithmicRange
  /// The total number of trials, divided evenly among the sides, at most `mostTrials`.
  package var trials: Int
  package var layout: Layout
  /// What trials are judged by; nil for accuracy or R².
  package var metric: Metric?
  package var method: Trial.Method
  package var batchSize: Int
  package var steps: Int
  package var evaluations: Int
  package var seed: UInt64

  package init(
    network: Network, normalizations: [Normalization] = [.batch, .none], learningRate: LogarithmicRange,
    initialScale: LogarithmicRange, trials: Int, layout: Layout = .random, metric: Metric? = nil,
    method: Trial.Method = .gradientDescent,
    batchSize: Int = 60, steps: Int = 2_000, evaluations: Int = 4, seed: UInt64 = 1
  ) {
    (self.network, self.normalizations, self.learningRate) = (network, normalizations, learningRate)
    (self.initialScale, self.trials, self.layout, self.method) = (initialScale, trials, layout, method)
    self.metric = metric
    (self.batchSize, self.steps, self.evaluations, self.seed) = (batchSize, steps, evaluations, seed)
  }

  /// The largest number of trials in a sweep.
  package static let mostTrials = 1_000_000

  /// One place of the ranges.
  package struct Place: Hashable, Codable, Sendable {
    package let learningRate: Double
    package let initialScale: Double
  }

  /// The places, the same for every side. A grid has at most as many as requested.
  package var places: [Place] {
    let count = max(1, trials / max(1, normalizations.count))
    switch layout {
    case .grid:
      let (columns, rows) = gridSize(count)
      return initialScale.grid(rows).flatMap { scale in
        learningRate.grid(columns).map { Place(learningRate: $0, initialScale: scale) }
      }
    case .random:
      // Roberts' sequence of the plastic number, 1.3247…: low discrepancy in two dimensions at every length.
      var random = RandomNumbers(RandomKey(seed: seed))
      let start = (random.uniform(), random.uniform())
      return (1...count).map { index in
        Place(
          learningRate: rounded(learningRate.value(at: fraction(start.0 + Double(index) * 0.754_877_666_246_692_7))),
          initialScale: rounded(initialScale.value(at: fraction(start.1 + Double(index) * 0.569_840_290_998_053_2))))
      }
    }
  }

  private func fraction(_ value: Double) -> Double { value - value.rounded(.down) }

  private func gridSize(_ count: Int) -> (columns: Int, rows: Int) {
    if initialScale.low == initialScale.high { return (count, 1) }
    if learningRate.low == learningRate.high { return (1, count) }
    let rows = max(1, Int(Double(count).squareRoot()))
    return (count / rows, rows)
  }

  /// The trials of one side, in the order of `places`, judged on the validation examples: the best of many on the test examples
  /// would be the luckiest.
  package func trials(of normalization: Normalization, on data: DataDescription) throws -> [Trial] {
    let network = try network.compared(by: normalization)
    return places.map {
      Trial(
        network: network, data: data.fingerprint, evaluatedOn: .validation, metric: metric, method: method,
        learningRate: $0.learningRate, batchSize: batchSize,
        steps: steps, evaluations: evaluations, initialScale: $0.initialScale, seed: seed)
    }
  }
}
