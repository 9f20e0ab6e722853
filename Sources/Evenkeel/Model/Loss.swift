import Kernels

/// The quantity that training minimizes. Each is the mean over the batch, as in PyTorch's default.
public struct Loss: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case softmaxCrossEntropy(labelSmoothing: Double)
    case sigmoidCrossEntropy
    case meanSquaredError
    case huber(delta: Double)
  }
  package let kind: Kind

  /// −log of the softmax probability of the right class. The network gives logits, one per class.
  public static let softmaxCrossEntropy = softmaxCrossEntropy(labelSmoothing: 0)
  /// Softmax cross-entropy with the share `labelSmoothing` of the target moved evenly over all classes (Szegedy et al. 2016).
  public static func softmaxCrossEntropy(labelSmoothing: Double) -> Loss {
    Loss(kind: .softmaxCrossEntropy(labelSmoothing: labelSmoothing))
  }
  /// Cross-entropy of independent probabilities. Two classes with one output, or values in [0, 1].
  public static let sigmoidCrossEntropy = Loss(kind: .sigmoidCrossEntropy)
  /// (y − t)², averaged over outputs and examples.
  public static let meanSquaredError = Loss(kind: .meanSquaredError)
  /// e²/2 where |e| ≤ delta, delta (|e| − delta/2) beyond (Huber 1964), averaged over outputs and examples.
  public static func huber(delta: Double = 1) -> Loss { Loss(kind: .huber(delta: delta)) }

  package var isRegression: Bool {
    switch kind {
    case .meanSquaredError, .huber: true
    case .softmaxCrossEntropy, .sigmoidCrossEntropy: false
    }
  }

  /// Whether the network gives logits of classes that exclude each other.
  package var isSoftmax: Bool {
    if case .softmaxCrossEntropy = kind { return true }
    return false
  }

  /// - Throws: `EvenkeelError` with code `usage` for a parameter out of range.
  func validate() throws {
    switch kind {
    case .softmaxCrossEntropy(let smoothing):
      guard (0..<1).contains(smoothing) else {
        throw EvenkeelError.usage("Label smoothing is \(smoothing); expected 0 or more and less than 1.")
      }
    case .huber(let delta):
      guard delta.isFinite, delta > 0 else {
        throw EvenkeelError.usage("Huber's delta is \(delta); expected a number above 0.")
      }
    case .sigmoidCrossEntropy, .meanSquaredError: break
    }
  }

  /// The result of a batch: sums over its examples.
  package struct Sums: Sendable, BitwiseCopyable {
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

    /// The means over the members of each example.
    fileprivate func perExample(members: Int) -> Sums {
      guard members > 1 else { return self }
      var means = self
      means.weigh(1 / Double(members))
      means.examples /= members
      return means
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
    return evaluate(
      outputs, 0..<rows, width: width, targets, weights, total: BatchWeights(weights: weights).total(rows), gradient)
  }

  /// The same of some of the examples, where the weights of all add up to `total`; the sums of targets are not touched.
  func evaluate(
    _ outputs: UnsafePointer<Float>, _ rows: Range<Int>, width: Int, _ targets: BatchTargets,
    _ weights: UnsafePointer<Float>?, total: Double, _ gradient: UnsafeMutablePointer<Float>?
  ) -> Sums {
    let (start, members) = (rows.lowerBound, targets.members)
    let length = members * width
    guard let weights else {
      return evaluate(
        outputs + start * length, rows: rows.count * members, width: width, targets.advanced(by: start, width: width),
        scale: Float(1 / (total * Double(members))), gradient.map { $0 + start * length }
      ).perExample(members: members)
    }
    var sums = Sums()
    for row in rows {
      let weight = Double(weights[row])
      var own = evaluate(
        outputs + row * length, rows: members, width: width, targets.advanced(by: row, width: width),
        scale: total > 0 ? Float(weight / (total * Double(members))) : 0, gradient.map { $0 + row * length }
      ).perExample(members: members)
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
    case .softmaxCrossEntropy(let smoothing):
      var correct = 0
      sums.loss = ek_softmax_cross_entropy(
        outputs, targets.labels, rows, width, Float(smoothing), scale, gradient, &correct)
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
    case .huber(let delta):
      sums.squaredError = ek_squared_error(outputs, targets.values, count, 0, nil)
      sums.loss =
        ek_huber(outputs, targets.values, count, Float(delta), scale / Float(width), gradient) / Double(width)
    }
    return sums
  }
}

extension Loss: Codable {
  private enum CodingKeys: String, CodingKey { case kind, parameter }
  private enum Name: String, Codable { case softmaxCrossEntropy, sigmoidCrossEntropy, meanSquaredError, huber }

  /// Reads a name and a parameter: the share that is smoothed, or Huber's delta.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let parameter = try container.decode(Double.self, forKey: .parameter)
    switch try container.decode(Name.self, forKey: .kind) {
    case .softmaxCrossEntropy: self = .softmaxCrossEntropy(labelSmoothing: parameter)
    case .sigmoidCrossEntropy: self = .sigmoidCrossEntropy
    case .meanSquaredError: self = .meanSquaredError
    case .huber: self = .huber(delta: parameter)
    }
  }

  /// Writes a name and a parameter, 0 where there is none.
  public func encode(to encoder: any Encoder) throws {
    let (name, parameter): (Name, Double) =
      switch kind {
      case .softmaxCrossEntropy(let smoothing): (.softmaxCrossEntropy, smoothing)
      case .sigmoidCrossEntropy: (.sigmoidCrossEntropy, 0)
      case .meanSquaredError: (.meanSquaredError, 0)
      case .huber(let delta): (.huber, delta)
      }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .kind)
    try container.encode(parameter, forKey: .parameter)
  }
}

/// The targets of one batch, in the form that the loss reads.
package struct BatchTargets {
  package let labels: UnsafePointer<Int32>
  package let values: UnsafePointer<Float>
  /// How often each comes, one after the other: once for each member of an ensemble, whose losses are averaged.
  let members: Int
  /// The sums that `TargetBuffer` keeps of each target; nil if it keeps none.
  let sums: UnsafeMutablePointer<Double>?

  /// Those from example `row` on.
  func advanced(by row: Int, width: Int) -> BatchTargets {
    BatchTargets(
      labels: labels + row * members, values: values + row * members * width, members: members, sums: nil)
  }
}
