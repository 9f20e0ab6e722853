import Glibc
import Kernels

/// Which average of the weights over training is returned instead of the last weights.
///
/// An average is often better than any of its terms, as the last steps wander around the minimum. No batch ever had the
/// statistics of its batch norms: `Trainer` recalibrates them on up to 10,000 training examples, without augmentation
/// (as `Model.recalibrate(on:)`, except that frozen norms are not changed).
public enum WeightAveraging: Hashable, Codable, Sendable {
  /// An exponential average over steps, debiased: step t enters with (1 − d)/(1 − dᵗ), so that it averages only weights
  /// that training went through, and the start counts no more than any other step.
  ///
  /// PyTorch's `AveragedModel` with `get_ema_multi_avg_fn(d)` and Keras's `use_ema` start from the first weights
  /// instead, which then keep the weight dᵗ.
  case exponential(decay: Double)
  /// The mean of the weights at the end of each epoch from this one on, counted from 1 (SWA, Izmailov et al. 2018):
  /// PyTorch's `AveragedModel` with `update_parameters` after each epoch from `swa_start` on.
  case uniform(fromEpoch: Int)

  /// - Throws: `EvenkeelError` with code `usage` for a number out of range.
  package func validate(epochs: Int) throws {
    switch self {
    case .exponential(let decay):
      guard decay > 0, decay < 1 else {
        throw EvenkeelError.usage(
          "The decay of the averaged weights is \(decay); expected more than 0 and less than 1.")
      }
    case .uniform(let epoch):
      guard (1...epochs).contains(epoch) else {
        throw EvenkeelError.usage(
          "Weights cannot be averaged from epoch \(epoch) on; expected 1 to \(epochs), the number of epochs.")
      }
    }
  }

  var summary: String {
    switch self {
    case .exponential(let decay): "exponential with decay \(decay)"
    case .uniform(let epoch): "uniform from epoch \(epoch) on"
    }
  }
}

/// The averaged weights of a training run in progress.
final class AveragedWeights {
  /// The number of examples on which the norms of averaged weights are recalibrated.
  static let recalibrationExamples = 10_000

  let averaging: WeightAveraging
  let values: AlignedFloats
  /// The number of averaged weights.
  var count = 0

  init(_ averaging: WeightAveraging, count: Int) {
    self.averaging = averaging
    values = AlignedFloats(count: count)
  }

  /// Call after every step.
  func noteStep(_ parameters: AlignedFloats, threads: Int) {
    guard case .exponential(let decay) = averaging else { return }
    take(parameters, share: (1 - decay) / (1 - pow(decay, Double(count + 1))), threads: threads)
  }

  /// Call after every epoch, counted from 1.
  func noteEpoch(_ epoch: Int, _ parameters: AlignedFloats, threads: Int) {
    guard case .uniform(let first) = averaging, epoch >= first else { return }
    take(parameters, share: 1 / Double(count + 1), threads: threads)
  }

  private func take(_ parameters: AlignedFloats, share: Double, threads: Int) {
    count += 1
    guard count > 1 else { return values.start.update(from: parameters.start, count: values.count) }
    ek_average(values.start, parameters.start, values.count, Float(share), Int32(threads))
  }
}
