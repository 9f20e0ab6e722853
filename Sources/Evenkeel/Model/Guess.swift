/// How well it does to know only the training targets: always their most frequent class, or their mean.
public struct Guess: Hashable, Sendable {
  /// The class that is always said; nil for a regression.
  public let label: String?
  /// The share of examples that are of this class; nil for a regression.
  public let accuracy: Double?
  /// The root of the mean squared error of always saying the mean, over all targets, in their units; nil for classes.
  public let rootMeanSquaredError: Double?

  /// What always saying the most frequent class, or the mean, of `training` gives on `part`.
  /// - Parameters:
  ///   - training: Whose targets are known.
  ///   - part: On what is guessed.
  /// - Returns: nil without targets, or examples.
  public init?(from training: Dataset, on part: Dataset) {
    func mean(_ data: Dataset, _ value: (Int) -> Double) -> Double {
      var (sum, total) = (0.0, 0.0)
      for index in 0..<data.count {
        let weight = Double(data.weight(index))
        sum += weight * value(index)
        total += weight
      }
      return sum / total
    }
    guard !training.isEmpty, !part.isEmpty else { return nil }
    switch (training.targets, part.targets) {
    case (.classes(let known, let labels), .classes(let classes, _)):
      var rows = [Double](repeating: 0, count: labels.count)
      for (index, label) in known.enumerated() where label >= 0 {
        rows[Int(label)] += Double(training.weight(index))
      }
      guard let best = rows.indices.max(by: { rows[$0] < rows[$1] }) else { return nil }
      label = labels[best]
      accuracy = mean(part) { classes[$0] == Int32(best) ? 1 : 0 }
      rootMeanSquaredError = nil
    case (.values(let known, let names), .values(let values, let others)) where names.count == others.count:
      (label, accuracy) = (nil, nil)
      let width = names.count
      let squares = (0..<width).map { target in
        let center = mean(training) { known[$0 * width + target] }
        return mean(part) { index in
          let error = values[index * width + target] - center
          return error * error
        }
      }
      rootMeanSquaredError = (squares.reduce(0, +) / Double(width)).squareRoot()
    default: return nil
    }
  }
}
