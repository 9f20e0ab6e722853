import Kernels

/// Mean and variance of every feature of one norm's input over rows that come in batches, merged in order and in double, so
/// that the sizes of the batches matter to rounding alone (Chan, Golub and LeVeque 1979).
final class PopulationStatistics {
  let features: Int
  /// Values of each feature so far.
  private(set) var count = 0
  private let memory: AlignedFloats
  private let mean: UnsafeMutablePointer<Double>
  private let squares: UnsafeMutablePointer<Double>
  private let scratch: UnsafeMutablePointer<Double>

  /// - Parameter rows: The most that `merge` will be given.
  init(features: Int, rows: Int) {
    self.features = features
    memory = AlignedFloats(count: 2 * (2 * features + ek_batch_norm_scratch(rows, features)) + 16)
    // The sums come first: they are read by whole cache lines.
    scratch = UnsafeMutableRawPointer(memory.start).assumingMemoryBound(to: Double.self)
    mean = scratch + ek_batch_norm_scratch(rows, features)
    squares = mean + features
  }

  func reset() {
    count = 0
    mean.update(repeating: 0, count: 2 * features)
  }

  /// Takes in `rows` rows of `features` values.
  /// - Returns: The first feature that is not finite, or −1.
  func merge(_ x: UnsafePointer<Float>, rows: Int, threads: Int) -> Int {
    let bad = ek_merge_statistics(x, rows, features, Double(count), mean, squares, scratch, Int32(threads))
    count += rows
    return bad
  }

  /// The mean and the variance over m of a feature.
  func moments(_ feature: Int) -> (mean: Double, variance: Double) { (mean[feature], squares[feature] / Double(count)) }
}
