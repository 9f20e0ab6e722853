import Glibc
import Kernels

/// How batch statistics are combined into the averages that prediction uses.
public enum Averaging: Hashable, Sendable {
  /// Exponentially weighted: running ← decay · running + (1 − decay) · batch. `decay` is the weight of past batches.
  ///
  /// PyTorch's `momentum` is 1 − decay (its default 0.1 is `decay: 0.9`); Keras's and ONNX's `momentum` is decay.
  case exponential(decay: Double)
  /// The mean of all batches' statistics, each with the same weight (PyTorch's `momentum=None`).
  case cumulative
}

/// Which variance is averaged.
public enum RunningVariance: String, Hashable, Codable, CaseIterable, Sendable {
  /// Times m / (m − 1), as in the inference step of the original paper and in PyTorch.
  case unbiased
  /// The batch's own, divided by m, as in Keras and ONNX.
  case population

  /// The factor on the variance of a batch of `count` values.
  func correction(count: Double) -> Double { self == .unbiased ? count / (count - 1) : 1 }
}

/// The averages of one batch norm, as read from a model.
public struct RunningStatistics: Hashable, Sendable {
  /// One per feature.
  public let mean: [Float]
  /// One per feature.
  public let variance: [Float]
  /// The number of batches that were averaged; PyTorch's `num_batches_tracked`.
  public let batchCount: Int
}

/// Where a model keeps the averages of one batch norm, its buffers: per feature a mean and a variance, and a count of batches.
package struct RunningStatisticsView {
  package let features: Int
  package let mean: UnsafeMutablePointer<Float>
  package let variance: UnsafeMutablePointer<Float>
  let batchCount: UnsafeMutablePointer<Int>

  /// PyTorch's names. Before the first batch, a layer predicts with mean 0 and variance 1. Files from before PyTorch
  /// 0.4.1 have no count: their statistics come from at least one batch.
  static func buffers(features: Int) -> [BufferDescription] {
    [
      BufferDescription(name: "running_mean", shape: [features], start: 0),
      BufferDescription(name: "running_var", shape: [features], start: 1, minimum: 0),
      BufferDescription(count: "num_batches_tracked", whenMissing: 1),
    ]
  }

  /// The buffers that `buffers(features:)` describes.
  package init(_ buffers: LayerBuffers, features: Int) {
    self.features = features
    mean = buffers.values(0)
    variance = buffers.values(1)
    batchCount = buffers.count(2)
  }

  /// Hands the averages to the kernels as the statistics to normalize with.
  func copy(to statistics: ek_batch_statistics, epsilon: Double) {
    // Without a branch, as this is much of what a prediction of one row takes.
    for feature in 0..<features {
      statistics.mean_high[feature] = mean[feature]
      statistics.mean_low[feature] = 0
      statistics.variance[feature] = variance[feature]
      statistics.inverse_deviation[feature] = Float(ek_inverse_deviation(Double(variance[feature]), epsilon))
    }
  }

  /// Folds the statistics of one batch into the averages.
  ///
  /// A partial batch of m out of M examples counts as m/M of a step: the weight of the past is decay^(m/M). With
  /// debiasing, the debiased value itself is kept: the batch's weight is then (1 − d) / (1 − d^t), which is 1 for the
  /// first batch (Kingma and Ba 2015, §3).
  /// - Parameters:
  ///   - count: The number of values m behind each feature's statistics; see `RowWeights.count`.
  ///   - share: m/M, 1 for a full batch.
  func fold(_ batch: ek_batch_statistics, count: Double, share: Double, options: BatchNorm) {
    batchCount.pointee += 1
    let weight = options.weight(ofBatch: batchCount.pointee, share: share)
    let correction = options.runningVariance.correction(count: count)
    for feature in 0..<features {
      let batchMean = Double(batch.mean_high[feature]) + Double(batch.mean_low[feature])
      let batchVariance = Double(batch.variance[feature]) * correction
      mean[feature] = Float(Double(mean[feature]) + weight * (batchMean - Double(mean[feature])))
      variance[feature] = Float(Double(variance[feature]) + weight * (batchVariance - Double(variance[feature])))
    }
  }
}

extension BatchNorm {
  /// The weight with which batch number `count` (from 1) enters the averages.
  func weight(ofBatch count: Int, share: Double) -> Double {
    switch averaging {
    case .cumulative: return 1 / Double(count)
    case .exponential(let decay):
      let past = pow(decay, share)
      guard debiased else { return 1 - past }
      let total = 1 - pow(decay, Double(count - 1) + share)
      return total > 0 ? (1 - past) / total : 1 / Double(count)
    }
  }
}

/// Statistics to normalize with that an operation keeps in memory of its own.
final class PreparedStatistics: @unchecked Sendable {
  private let memory: AlignedFloats
  let view: ek_batch_statistics

  init(features: Int) {
    memory = AlignedFloats(count: 4 * features)
    view = ek_batch_statistics(at: memory.start, features: features)
  }
}
