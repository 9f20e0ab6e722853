import Kernels

/// A fully connected layer: z = W x + b over the last axis, W of shape `[units, inputs]` as in PyTorch's `Linear`.
public struct Dense: Layer {
  public static let kind = "dense"
  /// The number of outputs.
  public var units: Int
  /// Whether b is learned.
  public var bias: Bias
  /// How W is initialized; biases start at 0.
  public var initialization: Initialization

  /// A layer with `units` outputs; `outputShape(for:)` checks the options.
  public init(_ units: Int, bias: Bias = .automatic, initialization: Initialization = .automatic) {
    self.units = units
    self.bias = bias
    self.initialization = initialization
  }

  public func outputShape(for input: Shape) throws -> Shape {
    guard units > 0 else { throw EvenkeelError.usage("dense: units is \(units); expected at least 1.") }
    guard input.rank == 1, input.count > 0 else {
      throw EvenkeelError.usage("dense: expected an input of shape [features], got \(input); put a flatten before it.")
    }
    try initialization.validate(Self.kind)
    return [units]
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    let weight = ParameterDescription(
      name: "weight", shape: [units, input.count], role: .weight,
      start: .weights(initialization, inputs: input.count, outputs: units))
    guard bias == .present else { return [weight] }
    return [weight, ParameterDescription(name: "bias", shape: [units], role: .bias, start: .constant(0))]
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    switch site.precision {
    case .float32: return DenseOperation(hasBias: bias == .present)
    case .bfloat16: return try BFloat16DenseOperation(hasBias: bias == .present, site: site)
    }
  }

  private enum CodingKeys: String, CodingKey { case units, bias, initialization }
  public init(from decoder: any Decoder) throws {
    if let units = try? decoder.singleValueContainer().decode(Int.self) {
      self.init(units)
      return
    }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(Int.self, forKey: .units),
      bias: try container.choice(.bias, default: .automatic),
      initialization: try container.value(.initialization, default: .automatic))
  }
}

extension Dense: WeightedLayer {}

/// Three matrix products: y = x Wᵀ + b; dW = dyᵀ x, db = Σ dy, dx = dy W.
struct DenseOperation: LayerOperation {
  let hasBias: Bool

  func forward(_ pass: ForwardPass) throws {
    let (rows, inputs, outputs) = (pass.rows, pass.inputLength, pass.outputLength)
    try MatrixProduct.run(
      rows, outputs, inputs, pass.input, .plain, pass.parameter(0), .transposed, pass.output)
    if hasBias { ek_add_bias(pass.output, rows, outputs, pass.parameter(1), Int32(pass.threads)) }
  }

  func backward(_ pass: BackwardPass) throws {
    let (rows, inputs, outputs) = (pass.rows, pass.inputLength, pass.outputLength)
    let gradient = pass.outputGradient
    try MatrixProduct.run(
      outputs, inputs, rows, gradient, .transposed, pass.input, .plain, pass.parameterGradient(0))
    if hasBias { ek_column_sums(gradient, rows, outputs, pass.parameterGradient(1), Int32(pass.threads)) }
    if let inputGradient = pass.inputGradient {
      try MatrixProduct.run(rows, inputs, outputs, gradient, .plain, pass.parameter(0), .plain, inputGradient)
    }
  }
}
