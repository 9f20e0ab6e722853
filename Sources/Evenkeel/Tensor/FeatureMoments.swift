import Kernels

/// Mean and variance of every feature over rows that come in batches, merged in order and in double, so that the sizes
/// of the batches affect only rounding (Chan, Golub and LeVeque 1979).
public struct FeatureMoments: Sendable {
  /// The number of values of each feature so far, Σ w and Σ w² over them; values of weight 0 do not count.
  private var rows = 0
  private(set) var weight = 0.0
  private var squaresOfWeights = 0.0
  private(set) var means: [Double]
  private var squares: [Double]

  /// The moments of no values yet.
  package init(features: Int) {
    means = Array(repeating: 0, count: features)
    squares = means
  }

  /// The number of features.
  public var features: Int { means.count }
  /// The number m of values of each feature that the moments stand for: Σ w, or, for fractional weights, Kish's
  /// (Σ w)² / Σ w², which is then larger.
  public var count: Double { max(weight, weight * weight / squaresOfWeights) }
  /// The mean of a feature.
  public func mean(_ feature: Int) -> Double { means[feature] }
  /// The variance of a feature over m, not m − 1.
  public func variance(_ feature: Int) -> Double { weight > 0 ? squares[feature] / weight : 0 }
  /// The deviation of a feature over m − 1.
  func sampleDeviation(_ feature: Int) -> Double { weight > 1 ? (squares[feature] / (weight - 1)).squareRoot() : 0 }
  /// Whether there is a variance.
  var isEnough: Bool { rows > 1 }

  /// Resets to no values.
  mutating func reset() {
    (rows, weight, squaresOfWeights) = (0, 0, 0)
    for feature in means.indices { (means[feature], squares[feature]) = (0, 0) }
  }

  /// Adds `rows` rows of values.
  /// - Returns: The first feature that is not finite, or −1.
  mutating func merge(
    _ x: UnsafePointer<Float>, rows: Int, _ memory: BatchStatisticsStorage, threads: Int
  ) -> Int {
    let weight = Self.measure(x, rows: rows, nil, features: features, memory, threads: threads)
    return merge(memory.scratch, weight)
  }

  /// How much a batch counts: its rows of weight above 0, Σ w and Σ w² over them.
  struct BatchWeight: BitwiseCopyable {
    let rows: Int
    let total, squares: Double

    init(rows: Int) { (self.rows, total, squares) = (rows, Double(rows), Double(rows)) }

    init(_ weights: RowWeights) { (rows, total, squares) = (weights.rows, weights.view.total, weights.squares) }
  }

  /// The moments of a batch, in the scratch of `memory`; nothing is there if the weight is 0.
  static func measure(
    _ x: UnsafePointer<Float>, rows: Int, _ weights: RowWeights?, features: Int, _ memory: BatchStatisticsStorage,
    threads: Int
  ) -> BatchWeight {
    if var view = weights?.view {
      if view.total > 0 { ek_slice_weighted_moments(x, &view, features, memory.scratch) }
    } else {
      ek_moments_of(x, rows, features, memory.scratch, Int32(threads))
    }
    return weights.map { BatchWeight($0) } ?? BatchWeight(rows: rows)
  }

  /// Adds the moments of a batch; if one is not finite, nothing.
  /// - Returns: As above.
  mutating func merge(_ moments: UnsafePointer<Double>, _ batch: BatchWeight) -> Int {
    guard batch.total > 0 else { return -1 }
    let weight = batch.total
    let squares = moments + ek_slice_second(features)
    if let bad = (0..<features).first(where: { !moments[$0].isFinite || !squares[$0].isFinite }) { return bad }
    merge(weight: weight, mean: { moments[$0] }, variance: { squares[$0] / weight })
    rows += batch.rows
    squaresOfWeights += batch.squares
    return -1
  }

  /// Adds values of this weight with these means and variances over m.
  mutating func merge(_ batch: ek_batch_statistics, weight added: Double) {
    merge(
      weight: added, mean: { Double(batch.mean_high[$0]) + Double(batch.mean_low[$0]) },
      variance: { Double(batch.variance[$0]) })
  }

  /// Adds values of this weight with these means and variances over m.
  mutating func merge(
    weight added: Double, mean: (Int) -> Double, variance: (Int) -> Double = { _ in 0 }
  ) {
    let total = weight + added
    for feature in means.indices {
      let difference = mean(feature) - means[feature]
      means[feature] += difference * (added / total)
      squares[feature] += variance(feature) * added + difference * difference * (weight * added / total)
    }
    weight = total
  }
}
