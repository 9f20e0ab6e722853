/// How well a model does on a set of examples, each by its weight.
public struct Quality: Hashable, Codable, Sendable {
  /// The mean loss over the examples of classes that the model knows; for a regression, in standardized units of the target.
  public let loss: Double
  /// The share of examples whose most probable class is the right one; nil for a regression.
  public let accuracy: Double?
  /// The root of the mean squared error, in the target's unit; the mean over several targets; nil for a classifier.
  public let rootMeanSquaredError: Double?
  /// How well each target of a regression is predicted; empty for a classifier.
  public let targets: [TargetQuality]
  /// The number of examples.
  public let count: Int

  /// - Parameters:
  ///   - targetSums: As `TargetBuffer` keeps them; nil if there are none per target.
  ///   - unknownWeight: Σ w over examples that `sums` leaves out, as their class is none of the model's.
  ///   - accuracy: That of a classifier that does not predict the most probable class.
  init(
    _ sums: Loss.Sums, _ targetSums: [Double]?, output: OutputDescription, width: Int, unknownWeight: Double = 0,
    accuracy: Double? = nil
  ) {
    loss = sums.loss / sums.weight
    count = sums.examples
    self.accuracy = output.loss.isRegression ? nil : accuracy ?? sums.correct / (sums.weight + unknownWeight)
    guard output.loss.isRegression, let targetSums else {
      targets = []
      rootMeanSquaredError =
        output.loss.isRegression
        ? (sums.squaredError / (sums.weight * Double(width))).squareRoot() * output.targetDeviation[0] : nil
      return
    }
    targets = (0..<width).map { index in
      let (squares, sum) = (targetSums[index], targetSums[width + index])
      let total = targetSums[2 * width + index] - sum * sum / sums.weight
      return TargetQuality(
        name: output.targetNames[index],
        rootMeanSquaredError: (squares / sums.weight).squareRoot() * output.targetDeviation[index],
        coefficientOfDetermination: total > 0 ? 1 - squares / total : nil)
    }
    rootMeanSquaredError = targets.reduce(0) { $0 + $1.rootMeanSquaredError / Double(width) }
  }
}

/// How well one target of a regression is predicted.
public struct TargetQuality: Hashable, Codable, Sendable {
  /// The target's name.
  public let name: String
  /// The root of its mean squared error, in its unit.
  public let rootMeanSquaredError: Double
  /// R²: 1 minus the ratio of the squared error to that of always predicting the target's mean over the examples; nil
  /// if the target is the same in all of them.
  public let coefficientOfDetermination: Double?
}
