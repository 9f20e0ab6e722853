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
    ek_moments_of(x, rows, features, memory.scratch, Int32(threads))
    let bad = merge(memory.scratch, weight: Double(rows))
    self.rows += rows
    squaresOfWeights += Double(rows)
    return bad
  }

  /// Adds weighted rows.
  /// - Returns: As above.
  mutating func merge(
    _ x: UnsafePointer<Float>, _ weights: RowWeights, _ memory: BatchStatisticsStorage
  ) -> Int {
    var view = weights.view
    guard view.total > 0 else { return -1 }
    ek_slice_weighted_moments(x, &view, features, memory.scratch)
    let bad = merge(memory.scratch, weight: view.total)
    rows += weights.rows
    squaresOfWeights += weights.squares
    return bad
  }

  /// Adds the moments of a slice; if one is not finite, nothing.
  private mutating func merge(_ moments: UnsafePointer<Double>, weight: Double) -> Int {
    let squares = moments + ek_slice_second(features)
    if let bad = (0..<features).first(where: { !moments[$0].isFinite || !squares[$0].isFinite }) { return bad }
    merge(weight: weight, mean: { moments[$0] }, variance: { squares[$0] / weight })
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
