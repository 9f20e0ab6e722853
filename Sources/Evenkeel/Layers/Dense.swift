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
    guard (1...2).contains(input.rank), input.count > 0 else {
      throw EvenkeelError.usage(
        "dense: expected an input of shape [features] or [positions, features], got \(input); put a flatten before it.")
    }
    try initialization.validate(Self.kind)
    return Shape(input.dimensions.dropLast() + [units])
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    let weight = ParameterDescription(
      name: "weight", shape: [units, input.featureCount], role: .weight,
      start: .weights(initialization, inputs: input.featureCount, outputs: units))
    guard bias == .present else { return [weight] }
    return [weight, ParameterDescription(name: "bias", shape: [units], role: .bias, start: .constant(0))]
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    switch site.precision {
    case .float32: return DenseOperation(hasBias: bias == .present, site: site)
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
