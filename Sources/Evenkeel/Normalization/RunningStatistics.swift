import Glibc
import Kernels

/// How batch statistics are gathered into the averages that serve at test time.
public enum Averaging: Hashable, Sendable {
  /// Exponentially weighted: running ← decay · running + (1 − decay) · batch. `decay` is the weight of the past.
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

  /// What the variance of a batch of `count` values is multiplied with.
  func correction(count: Double) -> Double { self == .unbiased ? count / (count - 1) : 1 }
}

/// The averages of one batch-norm layer, as read from a model.
public struct RunningStatistics: Hashable, Sendable {
  /// One a feature.
  public let mean: [Float]
  /// One a feature.
  public let variance: [Float]
  /// The number of batches that were averaged; PyTorch's `num_batches_tracked`.
  public let batchCount: Int
}

/// Where a model keeps the averages of one batch-norm layer: per feature a mean and a variance, and a count of batches.
package struct RunningStatisticsView {
  package let features: Int
  package let mean: UnsafeMutablePointer<Float>
  package let variance: UnsafeMutablePointer<Float>
  let batchCount: UnsafeMutablePointer<Int>

  /// Hands the averages to the kernels as the statistics to normalize with.
  func copy(to statistics: ek_batch_statistics, epsilon: Double) {
    for feature in 0..<features {
      statistics.mean_high[feature] = mean[feature]
      statistics.mean_low[feature] = 0
      statistics.variance[feature] = variance[feature]
      statistics.inverse_deviation[feature] = Float(ek_inverse_deviation(Double(variance[feature]), epsilon))
    }
  }

  /// Folds the statistics of one batch into the averages.
  ///
  /// A partial batch of m out of M examples counts as the share m/M of a step: the weight of the past is decay^(m/M). With
  /// debiasing the value that is kept is the debiased one: the batch's weight is then (1 − d) / (1 − d^t), which is 1 for
  /// the first batch (Kingma and Ba 2015, §3).
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
