/// How well a model does on a set of examples, each by its weight.
public struct Quality: Hashable, Codable, Sendable {
  /// The mean loss; for a regression, in standardized units of the target.
  public let loss: Double
  /// The share of examples whose most probable class is the right one; nil for a regression.
  public let accuracy: Double?
  /// The root of the mean squared error over all targets, in their units; nil for a classifier.
  public let rootMeanSquaredError: Double?
  /// How well each target of a regression is predicted; empty for a classifier.
  public let targets: [TargetQuality]
  /// The number of examples.
  public let count: Int

  /// - Parameter targetSums: As `TargetBuffer` keeps them; nil if there are none per target.
  init(_ sums: Loss.Sums, _ targetSums: [Double]?, output: OutputDescription, width: Int) {
    loss = sums.loss / sums.weight
    count = sums.examples
    accuracy = output.loss.isRegression ? nil : sums.correct / sums.weight
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
    // The largest is factored out, as squares of values far from 1 would leave the range of a double.
    let largest = targets.map(\.rootMeanSquaredError).max() ?? 0
    let shares = targets.map { largest > 0 ? $0.rootMeanSquaredError / largest : 0 }
    rootMeanSquaredError = (shares.reduce(0) { $0 + $1 * $1 } / Double(width)).squareRoot() * largest
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
