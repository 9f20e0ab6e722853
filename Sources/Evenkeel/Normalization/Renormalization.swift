import Kernels

/// Batch renormalization (Ioffe 2017): x̂ = (x − μ_B) / σ_B · r + d, with r = σ_B / σ limited to 1/r_max … r_max and
/// d = (μ_B − μ) / σ limited to −d_max … d_max. μ and σ are the running averages of the previous batches.
///
/// If neither is limited, x̂ is (x − μ) / σ, which is what prediction computes, so that training and prediction see the
/// same network: this helps if batches are small or their examples similar. r and d are constants for the gradient,
/// which goes through μ_B and σ_B as in batch norm. σ is √(σ² + ε) with the variance that `BatchNorm.runningVariance`
/// selects, σ_B the same with the batch's: the paper averages deviations; here the variance is averaged, because
/// prediction divides by its root. The averages are updated after the batch; the first batch, which has none yet, has r
/// = 1 and d = 0.
///
/// The limits grow linearly from batch norm's, r_max = 1 and d_max = 0, between `rampFrom` and `rampTo`, counted in
/// batches that the layer's running statistics have seen: a resumed run needs nothing else. The paper's runs end at
/// r_max = 3 and d_max = 5, with ramps from step 5,000 to 40,000 and 25,000.
///
/// Keras calls it `renorm`, TensorFlow 1 `renorm` with `renorm_clipping: {rmax, rmin, dmax}`; PyTorch does not have it.
public struct Renormalization: Hashable, Sendable {
  /// r_max, at least 1. 1 leaves r at 1.
  public var maximumRatio: Double
  /// d_max, in running deviations, at least 0. 0 leaves d at 0.
  public var maximumOffset: Double
  /// The number of batches after which the limits start to move from 1 and 0.
  public var rampFrom: Int
  /// The number of batches after which they reach their final values.
  public var rampTo: Int

  /// Limits, and the batches over which they are approached; `BatchNorm.outputShape(for:)` checks them.
  public init(maximumRatio: Double = 3, maximumOffset: Double = 5, rampFrom: Int = 0, rampTo: Int = 1000) {
    self.maximumRatio = maximumRatio
    self.maximumOffset = maximumOffset
    self.rampFrom = rampFrom
    self.rampTo = rampTo
  }

  func validate() throws {
    guard maximumRatio.isFinite, maximumRatio >= 1 else {
      throw EvenkeelError.usage("batchNorm: renormalization: maximumRatio is \(maximumRatio); expected 1 or more.")
    }
    guard maximumOffset.isFinite, maximumOffset >= 0 else {
      throw EvenkeelError.usage("batchNorm: renormalization: maximumOffset is \(maximumOffset); expected 0 or more.")
    }
    guard rampFrom >= 0 else {
      throw EvenkeelError.usage("batchNorm: renormalization: rampFrom is \(rampFrom); expected 0 or more.")
    }
    guard rampTo >= rampFrom else {
      throw EvenkeelError.usage(
        "batchNorm: renormalization: rampTo is \(rampTo); expected at least rampFrom, which is \(rampFrom).")
    }
  }

  /// r_max and d_max after this many batches.
  func limits(after batches: Int) -> (ratio: Double, offset: Double) {
    let progress =
      batches >= rampTo
      ? 1 : batches <= rampFrom ? 0 : Double(batches - rampFrom) / (Double(rampTo) - Double(rampFrom))
    return (1 + (maximumRatio - 1) * progress, maximumOffset * progress)
  }
}

extension Renormalization: Codable {
  private enum CodingKeys: String, CodingKey, CaseIterable { case maximumRatio, maximumOffset, rampFrom, rampTo }

  public init(from decoder: any Decoder) throws {
    try decoder.requireNoOtherKeys(than: CodingKeys.allCases, in: "batchNorm: renormalization")
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init()
    maximumRatio = try container.value(.maximumRatio, default: maximumRatio)
    maximumOffset = try container.value(.maximumOffset, default: maximumOffset)
    rampFrom = try container.value(.rampFrom, default: rampFrom)
    rampTo = try container.value(.rampTo, default: rampTo)
  }
}

/// r and d of every feature, and the scale and shift that result: γ (x̂ r + d) + β = (γ r) x̂ + (β + γ d), so that the
/// kernels of batch norm can do renormalization.
struct RenormalizedParameters {
  let features: Int
  let ratio, offset, scale, shift: UnsafeMutablePointer<Float>

  /// `4 * features` floats at `start`.
  init(at start: UnsafeMutablePointer<Float>, features: Int) {
    self.features = features
    ratio = start
    offset = start + features
    scale = start + 2 * features
    shift = start + 3 * features
  }

  /// - Parameters:
  ///   - batch: The statistics of the batch.
  ///   - running: The averages before the batch.
  ///   - scale: γ, nil for 1.
  ///   - shift: β, nil for 0.
  func compute(
    _ batch: ek_batch_statistics, against running: RunningStatisticsView, _ options: Renormalization, epsilon: Double,
    scale: UnsafePointer<Float>?, shift: UnsafePointer<Float>?
  ) {
    let seen = running.batchCount.pointee
    let limits = options.limits(after: seen)
    for feature in 0..<features {
      let deviation = (Double(running.variance[feature]) + epsilon).squareRoot()
      var (r, d) = (1.0, 0.0)
      if seen > 0, deviation > 0 {
        let mean = Double(batch.mean_high[feature]) + Double(batch.mean_low[feature])
        r = (Double(batch.variance[feature]) + epsilon).squareRoot() / deviation
        r = min(max(r, 1 / limits.ratio), limits.ratio)
        d = (mean - Double(running.mean[feature])) / deviation
        d = min(max(d, -limits.offset), limits.offset)
      }
      let gain = Double(scale?[feature] ?? 1)
      ratio[feature] = Float(r)
      offset[feature] = Float(d)
      self.scale[feature] = Float(gain * r)
      self.shift[feature] = Float(Double(shift?[feature] ?? 0) + gain * d)
    }
  }
}
