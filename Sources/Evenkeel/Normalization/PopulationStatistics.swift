import Kernels

/// Mean and variance of every feature of one norm's input over rows that come in batches, merged in order and in double, so
/// that the sizes of the batches matter to rounding alone (Chan, Golub and LeVeque 1979).
final class PopulationStatistics {
  let features: Int
  /// Values of each feature so far, Σ w and Σ w² over them; those of weight 0 are none.
  private var rows = 0
  private var weight = 0.0, squaresOfWeights = 0.0
  private let memory: AlignedFloats
  private let mean: UnsafeMutablePointer<Double>
  private let squares: UnsafeMutablePointer<Double>
  private let scratch: UnsafeMutablePointer<Double>
  private let batch: ek_batch_statistics

  /// - Parameter rows: The most that `merge` will be given.
  init(features: Int, rows: Int) {
    self.features = features
    memory = AlignedFloats(count: 2 * (2 * features + ek_batch_norm_scratch(rows, features)) + 4 * features)
    // The sums come first: they are read by whole cache lines.
    scratch = UnsafeMutableRawPointer(memory.start).assumingMemoryBound(to: Double.self)
    mean = scratch + ek_batch_norm_scratch(rows, features)
    squares = mean + features
    batch = ek_batch_statistics(
      at: UnsafeMutableRawPointer(squares + features).assumingMemoryBound(to: Float.self), features: features)
  }

  var byteCount: Int { memory.count * MemoryLayout<Float>.stride }

  /// Whether there is a variance.
  var isEnough: Bool { rows > 1 }
  /// The number of values that the statistics stand for, as `RowWeights.count` has it.
  var count: Double { max(weight, weight * weight / squaresOfWeights) }

  func reset() {
    (rows, weight, squaresOfWeights) = (0, 0, 0)
    mean.update(repeating: 0, count: 2 * features)
  }

  /// Takes in `rows` rows of `features` values.
  /// - Returns: The first feature that is not finite, or −1.
  func merge(_ x: UnsafePointer<Float>, rows: Int, threads: Int) -> Int {
    let bad = ek_merge_statistics(x, rows, features, weight, mean, squares, scratch, Int32(threads))
    self.rows += rows
    weight += Double(rows)
    squaresOfWeights += Double(rows)
    return bad
  }

  /// Takes in rows that count by their weights.
  /// - Returns: As above.
  func merge(_ x: UnsafePointer<Float>, _ weights: RowWeights, threads: Int) -> Int {
    var view = weights.view
    guard view.total > 0 else { return -1 }
    let bad = ek_weighted_statistics_of(x, &view, features, 0, batch, scratch, Int32(threads))
    guard bad < 0 else { return bad }
    let total = weight + view.total
    for feature in 0..<features {
      let difference = Double(batch.mean_high[feature]) + Double(batch.mean_low[feature]) - mean[feature]
      mean[feature] += difference * (view.total / total)
      squares[feature] +=
        Double(batch.variance[feature]) * view.total + difference * difference * (weight * view.total / total)
    }
    rows += weights.rows
    weight = total
    squaresOfWeights += weights.squares
    return -1
  }

  /// The mean and the variance over m of a feature.
  func moments(_ feature: Int) -> (mean: Double, variance: Double) { (mean[feature], squares[feature] / weight) }
}
