import Kernels

/// The quantity that training minimizes. Each is the mean over the batch, as in PyTorch's default.
public struct Loss: Hashable, Codable, Sendable {
  package enum Kind: String, Codable { case softmaxCrossEntropy, sigmoidCrossEntropy, meanSquaredError, huber }
  package let kind: Kind
  /// The smoothed share of softmax cross-entropy, the delta of Huber's loss.
  package let parameter: Double

  /// −log of the softmax probability of the right class. The network gives logits, one per class.
  public static let softmaxCrossEntropy = Loss(kind: .softmaxCrossEntropy, parameter: 0)
  /// Softmax cross-entropy with the share `labelSmoothing` of the target moved evenly over all classes (Szegedy et al. 2016).
  public static func softmaxCrossEntropy(labelSmoothing: Double) -> Loss {
    Loss(kind: .softmaxCrossEntropy, parameter: labelSmoothing)
  }
  /// Cross-entropy of independent probabilities. Two classes with one output, or values in [0, 1].
  public static let sigmoidCrossEntropy = Loss(kind: .sigmoidCrossEntropy, parameter: 0)
  /// (y − t)², averaged over outputs and examples.
  public static let meanSquaredError = Loss(kind: .meanSquaredError, parameter: 0)
  /// e²/2 where |e| ≤ delta, delta (|e| − delta/2) beyond (Huber 1964), averaged over outputs and examples.
  public static func huber(delta: Double = 1) -> Loss { Loss(kind: .huber, parameter: delta) }

  var isRegression: Bool { kind == .meanSquaredError || kind == .huber }

  /// - Throws: `EvenkeelError` with code `usage` for a parameter out of range.
  func validate() throws {
    if kind == .softmaxCrossEntropy, !(0..<1).contains(parameter) {
      throw EvenkeelError.usage("Label smoothing is \(parameter); expected 0 or more and less than 1.")
    }
    if kind == .huber, !(parameter.isFinite && parameter > 0) {
      throw EvenkeelError.usage("Huber's delta is \(parameter); expected a number above 0.")
    }
  }

  /// The result of a batch: sums over its examples.
  package struct Sums {
    package var loss = 0.0
    /// Over examples, each by its weight.
    var correct = 0.0
    var squaredError = 0.0
    var examples = 0
    /// Σ w over the examples.
    var weight = 0.0

    /// Turns the sums of one example into those of one with this weight.
    mutating func weigh(_ weight: Double) {
      loss *= weight
      correct *= weight
      squaredError *= weight
      self.weight *= weight
    }

    static func += (left: inout Sums, right: Sums) {
      left.loss += right.loss
      left.correct += right.correct
      left.squaredError += right.squaredError
      left.examples += right.examples
      left.weight += right.weight
    }
  }

  /// Sums of the loss over `rows` examples, and the gradient of its mean if `gradient` is given.
  /// - Parameter weights: The weight of each example, nil for 1; the mean is then Σ w l / Σ w.
  package func evaluate(
    _ outputs: UnsafePointer<Float>, rows: Int, width: Int, targets: BatchTargets,
    weights: UnsafePointer<Float>? = nil, gradient: UnsafeMutablePointer<Float>?
  ) -> Sums {
    if let sums = targets.sums { ek_target_sums(outputs, targets.values, weights, rows, width, sums) }
    guard let weights else {
      return evaluate(outputs, rows: rows, width: width, targets, scale: Float(1 / Double(rows)), gradient)
    }
    var sums = Sums()
    let total = BatchWeights(weights: weights).total(rows)
    for row in 0..<rows {
      let weight = Double(weights[row])
      var own = evaluate(
        outputs + row * width, rows: 1, width: width, targets.advanced(by: row, width: width),
        scale: total > 0 ? Float(weight / total) : 0, gradient.map { $0 + row * width })
      own.weigh(weight)
      sums += own
    }
    return sums
  }

  private func evaluate(
    _ outputs: UnsafePointer<Float>, rows: Int, width: Int, _ targets: BatchTargets, scale: Float,
    _ gradient: UnsafeMutablePointer<Float>?
  ) -> Sums {
    var sums = Sums()
    sums.examples = rows
    sums.weight = Double(rows)
    let count = rows * width
    switch kind {
    case .softmaxCrossEntropy:
      var correct = 0
      sums.loss = ek_softmax_cross_entropy(
        outputs, targets.labels, rows, width, Float(parameter), scale, gradient, &correct)
      sums.correct = Double(correct)
    case .sigmoidCrossEntropy:
      sums.loss =
        ek_sigmoid_cross_entropy(outputs, targets.values, count, scale / Float(width), gradient) / Double(width)
      sums.correct = Double(
        (0..<rows).count { row in
          (row * width..<(row + 1) * width).allSatisfy { (outputs[$0] > 0) == (targets.values[$0] > 0.5) }
        })
    case .meanSquaredError:
      sums.squaredError = ek_squared_error(outputs, targets.values, count, scale / Float(width), gradient)
      sums.loss = sums.squaredError / Double(width)
    case .huber:
      sums.squaredError = ek_squared_error(outputs, targets.values, count, 0, nil)
      sums.loss =
        ek_huber(outputs, targets.values, count, Float(parameter), scale / Float(width), gradient) / Double(width)
    }
    return sums
  }
}

/// The targets of one batch, in the form that the loss reads.
package struct BatchTargets {
  package let labels: UnsafePointer<Int32>
  package let values: UnsafePointer<Float>
  /// The sums that `TargetBuffer` keeps of each target; nil if it keeps none.
  let sums: UnsafeMutablePointer<Double>?

  /// Those from example `row` on.
  func advanced(by row: Int, width: Int) -> BatchTargets {
    BatchTargets(labels: labels + row, values: values + row * width, sums: nil)
  }
}
