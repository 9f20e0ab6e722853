import Glibc

/// A temperature that was fitted to examples, and what it does to their log loss.
public struct Calibration: Hashable, Sendable {
  /// What outputs are divided by: above 1 it takes confidence away, below 1 it adds some.
  public let temperature: Double
  /// The number of examples that it was fitted to.
  public let count: Int
  /// Whether the temperature lowers the log loss of examples that it was not fitted to: in cross-fitting, each fifth of them with the
  /// temperature of the rest, by more on average than the standard error of that average.
  public let isGain: Bool
}

extension Model {
  /// Fits a temperature T to `validation` (Guo et al. 2017) and keeps it: probabilities are those of outputs / T from then on. The
  /// most probable class stays the same.
  ///
  /// T minimizes the log loss, which is convex in 1 / T, between 1/20 and 20. Further training forgets it.
  ///
  /// ```swift
  /// let calibration = try model.calibrate(on: validation)
  /// print(calibration.isGain, model.output?.temperature ?? 1)
  /// ```
  /// - Parameters:
  ///   - validation: Examples with classes that the model was not trained on.
  ///   - always: Whether to keep it although it is no gain (`Calibration.isGain`).
  ///   - threads: The most threads; nil for as many as pay. The result does not depend on it.
  /// - Returns: What was fitted; `output.temperature` tells whether it is kept.
  /// - Throws: `EvenkeelError`: `usage` for a model that predicts values; as `evaluate`.
  @discardableResult
  public mutating func calibrate(
    on validation: Dataset, always: Bool = false, threads: Int? = nil
  ) throws -> Calibration {
    guard let output, !output.classLabels.isEmpty else {
      throw EvenkeelError.usage("A temperature is for probabilities of classes; the model predicts values.")
    }
    self.output?.temperature = nil
    let choices = try Choices(of: self, on: validation, output, threads: threads)
    let best = choices.bestFactor()
    let calibration = Calibration(
      temperature: 1 / best, count: choices.count, isGain: choices.gainsInCrossFitting(best))
    if always || calibration.isGain { self.output?.temperature = calibration.temperature }
    return calibration
  }
}

extension OutputDescription {
  /// Divides outputs by the temperature.
  func temper(_ outputs: UnsafeMutablePointer<Float>, count: Int) {
    guard let temperature else { return }
    let factor = Float(1 / temperature)
    for index in 0..<count { outputs[index] *= factor }
  }
}

/// Outputs of a classifier for examples of classes that it knows: each a choice among logits. Classes with a sigmoid each are choices
/// of 0 and the class's logit.
private struct Choices {
  /// `width` logits a choice.
  private var logits: [Double] = []
  private let width: Int
  private var truth: [Int] = []
  private var weights: [Double] = []
  /// Choices an example.
  private let parts: Int
  private static let (least, greatest) = (1.0 / 20, 20.0)
  private static let folds = 5

  init(of model: Model, on dataset: Dataset, _ output: OutputDescription, threads: Int?) throws {
    let outputs = model.outputCount
    let isSoftmax = output.loss.isSoftmax
    (width, parts) = isSoftmax ? (outputs, 1) : (2, outputs)
    try Machine.requireMemory(8 * dataset.count * parts * (width + 2), for: "Keeping outputs to fit a temperature")
    var places = ClassPredictions(known: output.classLabels)
    let classes = places.places(of: dataset.targets)
    guard !classes.isEmpty else { throw EvenkeelError.data("The data to fit a temperature to has no classes.") }
    try model.run(dataset, Model.InferenceRun(threads: threads)) { values, start, rows, batch in
      for row in 0..<rows {
        let (own, label) = (values + row * outputs, Int(classes[start + row]))
        let weight = batch.weights.map { Double($0[row]) } ?? 1
        guard weight > 0, label < output.classLabels.count else { continue }
        if isSoftmax {
          for index in 0..<outputs { logits.append(Double(own[index])) }
          truth.append(label)
          weights.append(weight)
        } else {
          for index in 0..<outputs {
            logits += [0, Double(own[index])]
            truth.append(outputs == 1 ? label : label == index ? 1 : 0)
            weights.append(weight)
          }
        }
      }
    }
    guard !truth.isEmpty else { throw output.knowsNoClass(of: dataset.count) }
    guard logits.allSatisfy(\.isFinite) else {
      throw EvenkeelError.data("The model's outputs are not finite: its parameters or the data are out of range.")
    }
  }

  /// The number of examples.
  var count: Int { truth.count / parts }

  /// The log loss of a choice whose logits are multiplied by `factor`, and its derivatives by the factor.
  private func loss(_ choice: Int, _ factor: Double) -> (value: Double, slope: Double, curvature: Double) {
    let own = logits[choice * width..<(choice + 1) * width]
    let largest = own.max()!
    var (sum, first, second) = (0.0, 0.0, 0.0)
    for logit in own {
      let below = logit - largest
      let share = exp(factor * below)
      sum += share
      first += share * below
      second += share * below * below
    }
    let (mean, right) = (first / sum, own[own.startIndex + truth[choice]] - largest)
    return (log(sum) - factor * right, mean - right, max(second / sum - mean * mean, 0))
  }

  /// The factor 1 / T that minimizes the loss of all choices but every fifth example from `left` on: the root of the slope, which
  /// rises, by Newton's steps within an interval that holds it.
  func bestFactor(leaving left: Int? = nil) -> Double {
    func slopes(_ factor: Double) -> (slope: Double, curvature: Double) {
      var sums = (slope: 0.0, curvature: 0.0)
      for choice in truth.indices where choice / parts % Self.folds != left {
        let own = loss(choice, factor)
        sums.slope += weights[choice] * own.slope
        sums.curvature += weights[choice] * own.curvature
      }
      return sums
    }
    var (low, high) = (Self.least, Self.greatest)
    if slopes(low).slope >= 0 { return low }
    if slopes(high).slope <= 0 { return high }
    var factor = 1.0
    for _ in 0..<100 {
      let (slope, curvature) = slopes(factor)
      if slope > 0 { high = factor } else { low = factor }
      var next = factor - slope / curvature
      if !(low < next && next < high) { next = (low + high) / 2 }
      if abs(next - factor) <= 1e-12 * factor { return next }
      factor = next
    }
    return factor
  }

  /// Whether the best factor of the rest lowers the loss of each fifth, on average by more than a standard error.
  /// - Parameter best: The best factor of all.
  func gainsInCrossFitting(_ best: Double) -> Bool {
    // Without an error among the examples, the loss falls for ever.
    guard count >= 2 * Self.folds, best > Self.least, best < Self.greatest else { return false }
    let factors = (0..<Self.folds).map { bestFactor(leaving: $0) }
    var (total, sum, squares) = (0.0, 0.0, 0.0)
    for example in 0..<count {
      var gain = 0.0
      for choice in example * parts..<(example + 1) * parts {
        gain += loss(choice, 1).value - loss(choice, factors[example % Self.folds]).value
      }
      let weight = weights[example * parts]
      total += weight
      sum += weight * gain
      squares += weight * gain * gain
    }
    let mean = sum / total
    let error = (max(squares / total - mean * mean, 0) / Double(count)).squareRoot()
    return mean > error
  }
}
