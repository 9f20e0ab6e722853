import Kernels

/// The memory of one set of batch statistics and of the sums they are computed from.
final class BatchStatisticsStorage {
  private let floats: AlignedFloats
  let view: ek_batch_statistics
  let scratch: UnsafeMutablePointer<Double>

  init(features: Int, rows: Int) {
    let sums = ek_batch_norm_scratch(rows, features)
    floats = AlignedFloats(count: 2 * sums + 4 * features)
    scratch = UnsafeMutableRawPointer(floats.start).assumingMemoryBound(to: Double.self)
    view = ek_batch_statistics(at: floats.start + 2 * sums, features: features)
  }

  var byteCount: Int { floats.count * MemoryLayout<Float>.stride }
}

extension ek_batch_statistics {
  /// Four rows of `features` floats at `start`.
  init(at start: UnsafeMutablePointer<Float>, features: Int) {
    self.init(
      mean_high: start, mean_low: start + features, variance: start + 2 * features,
      inverse_deviation: start + 3 * features)
  }
}
