import Kernels

/// All targets of a data set in the form that the loss reads, and room for one batch of them.
package final class TargetBuffer {
  let width: Int
  /// How often each target comes in a batch: once for each member of an ensemble.
  private let members: Int
  private let labels: UnsafeMutableBufferPointer<Int32>
  private let values: UnsafeMutableBufferPointer<Float>
  private let batchLabels: UnsafeMutablePointer<Int32>
  private let batchValues: AlignedFloats
  private let capacity: Int
  /// Three sums per target over the evaluated examples: w e², w t and w t², as `ek_target_sums` computes them; nil if
  /// sums per target are not kept.
  private let sums: UnsafeMutablePointer<Double>?
  /// Which examples are of a class that the model does not know; empty if none is.
  private let isUnknown: [Bool]

  /// - Parameters:
  ///   - members: The members of an ensemble; 1 for a network that is none.
  ///   - batch: The largest batch that `gather` will be asked for.
  ///   - tellsTargetsApart: Whether to keep the sums per target that `Quality` needs, for a regression.
  ///   - takesUnknownClasses: Whether examples may be of classes that the model does not know; their loss has no meaning.
  package init(
    _ dataset: Dataset, output: OutputDescription, width: Int, members: Int = 1, batch: Int = 1,
    tellsTargetsApart: Bool = false,
    takesUnknownClasses: Bool = false
  ) throws {
    try Machine.requireMemory(
      // As they are made, where they are kept, and those of a batch.
      (2 * dataset.count * (output.loss.isSoftmax ? 1 : width) + batch * members * (1 + width))
        * MemoryLayout<Float>.stride,
      for: "Keeping the targets of \(dataset.count) examples")
    let (labels, values, isUnknown) = try Self.targets(
      of: dataset, for: output, width: width, takesUnknownClasses: takesUnknownClasses)
    self.isUnknown = isUnknown
    (self.width, self.members) = (width, members)
    sums = tellsTargetsApart && output.loss.isRegression ? .allocate(capacity: 3 * width) : nil
    sums?.initialize(repeating: 0, count: 3 * width)
    capacity = batch
    batchLabels = .allocate(capacity: batch * members)
    batchValues = AlignedFloats(count: batch * members * width)
    self.labels = .allocate(capacity: labels.count)
    _ = self.labels.initialize(from: labels)
    self.values = .allocate(capacity: values.count)
    _ = self.values.initialize(from: values)
  }

  /// What the loss compares every output with: labels of classes, values, or both.
  private static func targets(
    of dataset: Dataset, for output: OutputDescription, width: Int, takesUnknownClasses: Bool
  ) throws -> (labels: [Int32], values: [Float], isUnknown: [Bool]) {
    switch dataset.targets {
    case .none: throw EvenkeelError.data("The data has no targets.")
    case .classes(let indices, let classes):
      guard !output.loss.isRegression else {
        throw EvenkeelError.data("The targets are classes; the model predicts values.")
      }
      // Labels are matched by name: another file may have other classes.
      let known = Dictionary(uniqueKeysWithValues: output.classLabels.enumerated().map { ($1, Int32($0)) })
      let map = classes.map { known[$0] ?? -1 }
      var labels = indices.map { $0 < 0 ? -1 : map[Int($0)] }
      var isUnknown: [Bool] = []
      if takesUnknownClasses, labels.contains(-1) {
        isUnknown = labels.map { $0 < 0 }
        labels = labels.map { max($0, 0) }
      }
      if let row = labels.firstIndex(of: -1) {
        let name = indices[row] < 0 ? "unknown" : classes[Int(indices[row])]
        throw EvenkeelError.data(
          "Example \(row) is of the class \"\(name)\", which does not occur in the training data.")
      }
      guard output.loss.kind == .sigmoidCrossEntropy else { return (labels, [], isUnknown) }
      let values =
        width == 1
        ? labels.map { Float($0) }
        : labels.flatMap { label in
          (0..<width).map { Int32($0) == label ? 1 : 0 }
        }
      return (labels, values, isUnknown)
    case .values(let targets, let names):
      guard output.classLabels.isEmpty else {
        throw EvenkeelError.data("The targets are values; the model predicts classes.")
      }
      guard names.count == width else {
        throw EvenkeelError.data("The data has \(names.count) targets; the model predicts \(width).")
      }
      let values =
        output.loss.isRegression
        ? targets.indices.map {
          Float((targets[$0] - output.targetMean[$0 % width]) / output.targetDeviation[$0 % width])
        }
        : targets.map { Float($0) }
      if let position = values.firstIndex(where: { !$0.isFinite }) {
        throw EvenkeelError.data(
          "The target \(names[position % width]) of example \(position / width) is \(targets[position]), too far from the training targets."
        )
      }
      return ([], values, [])
    }
  }

  deinit {
    labels.deallocate()
    values.deallocate()
    batchLabels.deallocate()
    sums?.deallocate()
  }

  /// The sums over the evaluated examples.
  var targetSums: [Double]? {
    get { sums.map { Array(UnsafeBufferPointer(start: $0, count: 3 * width)) } }
    set { if let newValue { sums?.update(from: newValue, count: 3 * width) } }
  }

  /// Resets the sums.
  func clearSums() { sums?.update(repeating: 0, count: 3 * width) }

  /// Whether no example is of a class that the model knows.
  var isUnknownThroughout: Bool { !isUnknown.isEmpty && !isUnknown.contains(false) }

  /// The weights of these examples, which `weights` has for all, with 0 for those of unknown classes; nil where there are none.
  func weightsOfKnown(_ examples: Range<Int>, _ weights: BatchWeights) -> [Float]? {
    guard !isUnknown.isEmpty, isUnknown[examples].contains(true) else { return nil }
    return examples.map { isUnknown[$0] ? 0 : weights.weights?[$0 - examples.lowerBound] ?? 1 }
  }

  /// The targets of the examples from `start` on, once each.
  package func batch(at start: Int) -> BatchTargets {
    BatchTargets(
      labels: labels.baseAddress.map { UnsafePointer($0) + start } ?? UnsafePointer(batchLabels),
      values: values.baseAddress.map { UnsafePointer($0) + start * width } ?? UnsafePointer(batchValues.start),
      members: 1, sums: sums)
  }

  /// The targets of the examples at `positions`, for each member.
  func gather(_ positions: UnsafeBufferPointer<Int32>) -> BatchTargets {
    precondition(positions.count <= capacity)
    for (row, position) in positions.enumerated() {
      for place in row * members..<(row + 1) * members {
        if !labels.isEmpty { batchLabels[place] = labels[Int(position)] }
        guard !values.isEmpty else { continue }
        for output in 0..<width { batchValues.start[place * width + output] = values[Int(position) * width + output] }
      }
    }
    return BatchTargets(
      labels: UnsafePointer(batchLabels), values: UnsafePointer(batchValues.start), members: members, sums: sums)
  }
}
