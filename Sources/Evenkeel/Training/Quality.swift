import Kernels

/// How well a model does on a set of examples, each by its weight.
public struct Quality: Hashable, Codable, Sendable {
  /// The mean loss, in the standardized units of the target for a regression.
  public let loss: Double
  /// The share of examples whose most probable class is the right one; nil for a regression.
  public let accuracy: Double?
  /// The root of the mean squared error in the target's units; nil for a classifier.
  public let rootMeanSquaredError: Double?
  /// The number of examples.
  public let count: Int

  init(_ sums: Loss.Sums, output: OutputDescription, width: Int) {
    loss = sums.loss / sums.weight
    count = sums.examples
    accuracy = output.loss.isRegression ? nil : sums.correct / sums.weight
    rootMeanSquaredError =
      output.loss.isRegression
      ? (sums.squaredError / (sums.weight * Double(width))).squareRoot() * Double(output.targetDeviation) : nil
  }
}

/// What of a training its model's statistics depend on.
public struct TrainingSummary: Hashable, Codable, Sendable {
  /// Examples over which norms take statistics together in a full mini-batch, ghost batches aside: those of a part where the
  /// parts of `Trainer.accumulating` have statistics of their own; fewer than asked for where the data had fewer.
  public let batchSize: Int
  /// The decay of weights.
  public let weightDecay: Double
}

/// What a trained model's outputs mean.
public struct OutputDescription: Hashable, Codable, Sendable {
  /// What was made small.
  public let loss: Loss
  /// The names of the classes in the order of the outputs; empty for a regression.
  public let classLabels: [String]
  /// The names of the predicted values; empty for a classifier.
  public let targetNames: [String]
  /// Regression targets are learned as (t − mean) / deviation.
  let targetMean: Float
  let targetDeviation: Float

  /// Turns outputs into probabilities or values in the target's units.
  func interpret(
    _ outputs: UnsafePointer<Float>, rows: Int, width: Int, into result: UnsafeMutablePointer<Float>
  ) {
    switch loss.kind {
    case .softmaxCrossEntropy: ek_softmax(outputs, rows, width, result)
    case .sigmoidCrossEntropy: ek_activation_forward(outputs, rows * width, EK_SIGMOID, 0, result, 1)
    case .meanSquaredError, .huber:
      for index in 0..<rows * width { result[index] = outputs[index] * targetDeviation + targetMean }
    }
  }

  /// Describes what training on `dataset` with `loss` is to give, for a network with `width` outputs.
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
      (targetMean, targetDeviation) = (0, 1)
    case .values(let values, let names):
      guard loss.kind != .softmaxCrossEntropy else {
        throw EvenkeelError.usage("The targets are values; use meanSquaredError or huber, not softmaxCrossEntropy.")
      }
      guard width == names.count else {
        throw EvenkeelError.usage("The network has \(width) outputs; expected \(names.count), one a target.")
      }
      classLabels = []
      targetNames = names
      guard loss.isRegression else {
        guard values.allSatisfy({ (0...1).contains($0) }) else {
          throw EvenkeelError.data("sigmoidCrossEntropy needs targets from 0 to 1.")
        }
        (targetMean, targetDeviation) = (0, 1)
        return
      }
      let mean = values.reduce(0) { $0 + Double($1) } / Double(max(values.count, 1))
      let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(max(values.count, 1))
      targetMean = Float(mean)
      targetDeviation = variance > 0 ? Float(variance.squareRoot()) : 1
    }
  }
}

extension OutputDescription {
  /// The outputs that a network with `width` of them must have: one a class, or one for two.
  private static func outputs(_ loss: Loss, classes: Int, width: Int) -> Int {
    loss.kind == .sigmoidCrossEntropy && classes == 2 && width == 1 ? 1 : classes
  }

  /// Checks a description that was read from a file.
  /// - Throws: `EvenkeelError` with code `data` if it does not fit itself or a network with `width` outputs.
  func validate(width: Int) throws {
    try loss.validate()
    let fits =
      classLabels.isEmpty
      ? loss.kind != .softmaxCrossEntropy && targetNames.count == width
      : !loss.isRegression && targetNames.isEmpty && classLabels.count > 1
        && Set(classLabels).count == classLabels.count
        && width == Self.outputs(loss, classes: classLabels.count, width: width)
    guard fits, targetMean.isFinite, targetDeviation.isFinite, targetDeviation > 0 else {
      throw EvenkeelError.data("the stored description of the outputs does not fit a network with \(width).")
    }
  }
}

/// All targets of a data set in the form that the loss reads, and the room for one batch of them.
package final class TargetBuffer {
  let width: Int
  private var labels: [Int32] = []
  private var values: [Float] = []
  private let batchLabels: UnsafeMutablePointer<Int32>
  private let batchValues: AlignedFloats
  private let capacity: Int

  /// - Parameter batch: The largest batch that `gather` will be asked for.
  package init(_ dataset: Dataset, output: OutputDescription, width: Int, batch: Int = 1) throws {
    self.width = width
    capacity = batch
    batchLabels = .allocate(capacity: batch)
    try Machine.requireMemory(
      dataset.count * (output.loss.kind == .softmaxCrossEntropy ? 1 : width) * MemoryLayout<Float>.stride,
      for: "Keeping the targets of \(dataset.count) examples")
    batchValues = AlignedFloats(count: batch * width)
    switch dataset.targets {
    case .none: throw EvenkeelError.data("The data has no targets.")
    case .classes(let indices, let classes):
      guard !output.loss.isRegression else {
        throw EvenkeelError.data("The targets are classes; the model predicts values.")
      }
      // Labels are matched by name: another file may know other classes.
      let known = Dictionary(uniqueKeysWithValues: output.classLabels.enumerated().map { ($1, Int32($0)) })
      let map = classes.map { known[$0] ?? -1 }
      labels = indices.map { $0 < 0 ? -1 : map[Int($0)] }
      if let row = labels.firstIndex(of: -1) {
        let name = indices[row] < 0 ? "unknown" : classes[Int(indices[row])]
        throw EvenkeelError.data("Example \(row) is of the class \"\(name)\", which training never saw.")
      }
      if output.loss.kind == .sigmoidCrossEntropy {
        values =
          width == 1
          ? labels.map { Float($0) }
          : labels.flatMap { label in
            (0..<width).map { Int32($0) == label ? 1 : 0 }
          }
      }
    case .values(let targets, let names):
      guard output.classLabels.isEmpty else {
        throw EvenkeelError.data("The targets are values; the model predicts classes.")
      }
      guard names.count == width else {
        throw EvenkeelError.data("The data has \(names.count) targets; the model predicts \(width).")
      }
      values = targets.map { ($0 - output.targetMean) / output.targetDeviation }
    }
  }

  deinit { batchLabels.deallocate() }

  /// The targets of the examples from `start` on.
  package func batch(at start: Int) -> BatchTargets {
    BatchTargets(
      labels: labels.withUnsafeBufferPointer { $0.baseAddress.map { $0 + start } } ?? UnsafePointer(batchLabels),
      values: values.withUnsafeBufferPointer { $0.baseAddress.map { $0 + start * width } }
        ?? UnsafePointer(batchValues.start))
  }

  /// The targets of the examples at `positions`.
  func gather(_ positions: UnsafeBufferPointer<Int32>) -> BatchTargets {
    precondition(positions.count <= capacity)
    for (row, position) in positions.enumerated() {
      if !labels.isEmpty { batchLabels[row] = labels[Int(position)] }
      guard !values.isEmpty else { continue }
      for output in 0..<width { batchValues.start[row * width + output] = values[Int(position) * width + output] }
    }
    return BatchTargets(labels: UnsafePointer(batchLabels), values: UnsafePointer(batchValues.start))
  }
}
