import Kernels

/// Mean and variance of every feature of one norm's input over rows that come in batches, merged in order and in double, so
/// that the sizes of the batches matter to rounding alone (Chan, Golub and LeVeque 1979).
final class PopulationStatistics {
  let features: Int
  /// Values of each feature so far, of those that count; their Σ w and Σ w².
  private(set) var rows = 0
  private var total = 0.0
  private var weightSquares = 0.0
  private let memory: AlignedFloats
  private let mean: UnsafeMutablePointer<Double>
  private let squares: UnsafeMutablePointer<Double>
  private let scratch: UnsafeMutablePointer<Double>
  /// Of one batch, where examples have weights.
  private let batch: ek_batch_statistics

  /// - Parameter rows: The most that `merge` will be given.
  init(features: Int, rows: Int) {
    self.features = features
    let doubles = 2 * features + ek_batch_norm_scratch(rows, features)
    memory = AlignedFloats(count: 2 * doubles + 4 * features + 16)
    batch = ek_batch_statistics(at: memory.start + 2 * doubles, features: features)
    // The sums come first: they are read by whole cache lines.
    scratch = UnsafeMutableRawPointer(memory.start).assumingMemoryBound(to: Double.self)
    mean = scratch + ek_batch_norm_scratch(rows, features)
    squares = mean + features
  }

  func reset() {
    (rows, total, weightSquares) = (0, 0, 0)
    mean.update(repeating: 0, count: 2 * features)
  }

  /// Takes in `rows` rows of `features` values.
  /// - Returns: The first feature that is not finite, or −1.
  func merge(_ x: UnsafePointer<Float>, rows: Int, threads: Int) -> Int {
    let bad = ek_merge_statistics(x, rows, features, total, mean, squares, scratch, Int32(threads))
    self.rows += rows
    total += Double(rows)
    weightSquares += Double(rows)
    return bad
  }

  /// Takes in rows that count differently.
  func merge(_ x: UnsafePointer<Float>, _ weights: RowWeights, threads: Int) -> Int {
    guard weights.rows > 0 else { return -1 }
    var view = weights.view
    let bad = ek_weighted_statistics_of(x, &view, features, 0, batch, scratch, Int32(threads))
    guard bad < 0 else { return bad }
    let sum = total + view.total
    for feature in 0..<features {
      let difference = Double(batch.mean_high[feature]) + Double(batch.mean_low[feature]) - mean[feature]
      squares[feature] +=
        Double(batch.variance[feature]) * view.total + difference * difference * total * view.total / sum
      mean[feature] += difference * view.total / sum
    }
    rows += weights.rows
    total = sum
    weightSquares += weights.squares
    return -1
  }

  /// The number of values that the statistics stand for; see `RowWeights.count`.
  var count: Double { RowWeights.count(total: total, squares: weightSquares) }

  /// The mean and the variance over m of a feature.
  func moments(_ feature: Int) -> (mean: Double, variance: Double) { (mean[feature], squares[feature] / total) }
}
