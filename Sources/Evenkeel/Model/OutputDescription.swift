import Glibc
import Kernels

/// What a trained model's outputs mean.
public struct OutputDescription: Hashable, Codable, Sendable {
  /// The quantity that training minimized.
  public let loss: Loss
  /// The names of the classes in the order of the outputs; empty for a regression.
  public let classLabels: [String]
  /// The names of the predicted values; empty for a classifier.
  public let targetNames: [String]
  /// Regression targets are learned as (t − mean) / deviation, with a mean and deviation per target; a constant one has
  /// deviation 1.
  package let targetMean: [Double]
  package let targetDeviation: [Double]
  /// What the outputs of a classifier are divided by before they become probabilities; nil for 1. See `Model.calibrate`.
  public package(set) var temperature: Double?
  /// The probability from which on the second of two classes is predicted; nil for the more probable class. See
  /// `Model.chooseThreshold`.
  public internal(set) var threshold: Double?

  /// Turns outputs into probabilities or values in the targets' units; `outputs` may be changed.
  func interpret(
    _ outputs: UnsafeMutablePointer<Float>, rows: Int, width: Int, into result: UnsafeMutablePointer<Double>
  ) {
    switch loss.kind {
    case .softmaxCrossEntropy: ek_softmax(outputs, rows, width, outputs)
    case .sigmoidCrossEntropy: ek_activation_forward(outputs, rows * width, EK_SIGMOID, 0, outputs)
    case .meanSquaredError, .huber: break
    }
    for index in 0..<rows * width {
      let value = Double(outputs[index])
      result[index] = loss.isRegression ? value * targetDeviation[index % width] + targetMean[index % width] : value
    }
  }

  /// Replaces the outputs of members, `rows` × `members` × `width`, by outputs that mean the mean of their probabilities, or
  /// values: `rows` × `width`.
  /// - Parameter kind: What the outputs were trained for; nil for plain ones, before training.
  static func mergeMembers(
    _ outputs: UnsafeMutablePointer<Float>, rows: Int, members: Int, width: Int, kind: Loss.Kind?
  ) {
    guard members > 1 else { return }
    switch kind {
    case .softmaxCrossEntropy: ek_softmax(outputs, rows * members, width, outputs)
    case .sigmoidCrossEntropy: ek_activation_forward(outputs, rows * members * width, EK_SIGMOID, 0, outputs)
    case .meanSquaredError, .huber, nil: break
    }
    for row in 0..<rows {
      for index in 0..<width {
        let mean =
          (0..<members).reduce(0) { $0 + Double(outputs[(row * members + $1) * width + index]) } / Double(members)
        outputs[row * width + index] =
          switch kind {
          case .softmaxCrossEntropy: Float(log(max(mean, leastProbability)))
          case .sigmoidCrossEntropy:
            Float(log(max(mean, leastProbability)) - log(max(1 - mean, leastProbability)))
          case .meanSquaredError, .huber, nil: Float(mean)
          }
      }
    }
  }

  /// The least that a mean of members' probabilities counts as, so that it has a logit.
  package static let leastProbability = 1e-30

  /// The output that is interpreted as `prediction`.
  func raw(_ prediction: Double, output index: Int) -> Float {
    let least = 1e-37
    return switch loss.kind {
    case .softmaxCrossEntropy: Float(log(max(prediction, least)))
    case .sigmoidCrossEntropy: Float(log(max(prediction, least)) - log(max(1 - prediction, least)))
    case .meanSquaredError, .huber: Float((prediction - targetMean[index]) / targetDeviation[index])
    }
  }

  /// A predicted value as text: with the digits of a float, or of a double for a target so far from 0, relative to its
  /// deviation, that a float could not tell predictions apart.
  public func text(_ value: Double, output index: Int) -> String {
    guard loss.isRegression else { return "\(Float(value))" }
    let isFar = abs(targetMean[index]) > 1024 * targetDeviation[index] || !Float(value).isFinite
    return isFar ? "\(value)" : "\(Float(value))"
  }

  /// Describes the outputs of a model of another program; a description that does not fit the network is an error when it is stored.
  package init(
    loss: Loss, classLabels: [String] = [], targetNames: [String] = [], targetMean: [Double] = [],
    targetDeviation: [Double] = []
  ) {
    (self.loss, self.classLabels, self.targetNames) = (loss, classLabels, targetNames)
    (self.targetMean, self.targetDeviation) = (targetMean, targetDeviation)
  }

  /// Describes the outputs of training on `dataset` with `loss`, for a network with `width` outputs.
  /// - Throws: `EvenkeelError` with code `usage` if loss, targets and outputs do not fit.
  package init(loss: Loss, dataset: Dataset, width: Int) throws {
    self.loss = loss
    switch dataset.targets {
    case .none: throw EvenkeelError.data("The training data has no targets.")
    case .classes(_, let labels):
      guard !loss.isRegression else {
        throw EvenkeelError.usage("The targets are classes; use a cross-entropy, not a loss for values.")
      }
      guard labels.count >= 2 else {
        throw EvenkeelError.data("The targets have \(labels.count) class; expected at least 2.")
      }
      let expected = Self.outputs(loss, classes: labels.count, width: width)
      guard width == expected else {
        throw EvenkeelError.usage("The network has \(width) outputs; expected \(expected) for \(labels.count) classes.")
      }
      classLabels = labels
      targetNames = []
      (targetMean, targetDeviation) = ([], [])
    case .values(let values, let names):
      guard !loss.isSoftmax else {
        throw EvenkeelError.usage("The targets are values; use meanSquaredError or huber, not softmaxCrossEntropy.")
      }
      guard width == names.count else {
        throw EvenkeelError.usage("The network has \(width) outputs; expected \(names.count), one per target.")
      }
      classLabels = []
      targetNames = names
      guard loss.isRegression else {
        guard values.allSatisfy({ (0...1).contains($0) }) else {
          throw EvenkeelError.data("sigmoidCrossEntropy needs targets from 0 to 1.")
        }
        (targetMean, targetDeviation) = ([], [])
        return
      }
      let moments = names.indices.map { Self.moments(values, of: $0, width: width) }
      targetMean = moments.map(\.mean)
      targetDeviation = moments.map(\.deviation)
    }
  }
}

extension OutputDescription {
  /// Describes the outputs of a network that another program trained: classes before their softmax or sigmoid, or values as they are;
  /// nil if neither is named.
  /// - Throws: `EvenkeelError` with code `usage` if the names do not fit a network with `width` outputs.
  init?(classes: [String], values: [String], width: Int) throws {
    guard !classes.isEmpty || !values.isEmpty else { return nil }
    loss =
      classes.isEmpty ? .meanSquaredError : width == 1 ? .sigmoidCrossEntropy : .softmaxCrossEntropy
    (classLabels, targetNames) = (classes, values)
    targetMean = values.map { _ in 0 }
    targetDeviation = values.map { _ in 1 }
    do { try validate(width: width) } catch {
      let names = classes.isEmpty ? "\(values.count) values" : "\(classes.count) classes"
      throw EvenkeelError.usage(
        "The network has \(width) \(width == 1 ? "output" : "outputs"), which are no \(names) of different names.")
    }
  }

  /// Mean and deviation of one target, computed from differences from its first value in units of the largest, so that
  /// neither its distance from 0 nor its size costs digits.
  private static func moments(_ values: [Double], of target: Int, width: Int) -> (mean: Double, deviation: Double) {
    let count = Double(max(values.count / width, 1))
    let own = stride(from: target, to: values.count, by: width)
    let first = values.isEmpty ? 0 : values[target]
    let largest = own.reduce(0) { max($0, abs(values[$1] - first)) }
    guard largest > 0 else { return (first, 1) }
    let share = own.reduce(0) { $0 + (values[$1] - first) / largest } / count
    let variance = own.reduce(0) { sum, index in
      let difference = (values[index] - first) / largest - share
      return sum + difference * difference
    }
    return (first + share * largest, (variance / count).squareRoot() * largest)
  }

  private enum CodingKeys: String, CodingKey {
    case loss, classLabels, targetNames, targetMean, targetDeviation, temperature, threshold
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    loss = try container.decode(Loss.self, forKey: .loss)
    classLabels = try container.decode([String].self, forKey: .classLabels)
    let names = try container.decode([String].self, forKey: .targetNames)
    targetNames = names
    let count = loss.isRegression ? names.count : 0
    // Older files, from before targets had separate moments, have one number for all of them, a float.
    func numbers(_ key: CodingKeys) throws -> [Double] {
      if let one = try? container.decode(Float.self, forKey: key) {
        return Array(repeating: Double(one), count: count)
      }
      return try container.decode([Double].self, forKey: key)
    }
    (targetMean, targetDeviation) = (try numbers(.targetMean), try numbers(.targetDeviation))
    temperature = try container.decodeIfPresent(Double.self, forKey: .temperature)
    threshold = try container.decodeIfPresent(Double.self, forKey: .threshold)
  }

  /// The number of outputs that a network must have: one per class, or one for two classes.
  private static func outputs(_ loss: Loss, classes: Int, width: Int) -> Int {
    loss.kind == .sigmoidCrossEntropy && classes == 2 && width == 1 ? 1 : classes
  }

  /// Checks a description that was read from a file.
  /// - Throws: `EvenkeelError` with code `data` if it is inconsistent or does not fit a network with `width` outputs.
  func validate(width: Int) throws {
    try loss.validate()
    let fits =
      classLabels.isEmpty
      ? !loss.isSoftmax && targetNames.count == width
      : !loss.isRegression && targetNames.isEmpty && classLabels.count > 1
        && Set(classLabels).count == classLabels.count
        && width == Self.outputs(loss, classes: classLabels.count, width: width)
    let count = loss.isRegression ? width : 0
    guard fits, targetMean.count == count, targetDeviation.count == count,
      (targetMean + targetDeviation).allSatisfy(\.isFinite), targetDeviation.allSatisfy({ $0 > 0 })
    else {
      throw EvenkeelError.data("the stored description of the outputs does not fit a network with \(width).")
    }
    if let temperature, classLabels.isEmpty || !(temperature.isFinite && temperature > 0) {
      throw EvenkeelError.data(
        "the stored temperature of the outputs is \(temperature); expected classes and more than 0.")
    }
    if let threshold, classLabels.count != 2 || !(0...1).contains(threshold) {
      throw EvenkeelError.data("the stored threshold is \(threshold); expected two classes and a probability.")
    }
  }
}
