import Kernels

/// A fully connected layer for each member of an `Ensemble`: z_m = W_m x_m + b_m, W of shape `[members, units, inputs]`.
///
/// Input `[members, inputs]`, output `[members, units]`.
public struct MemberDense: Layer {
  public static let kind = "memberDense"
  /// The number of outputs of each member.
  public var units: Int
  /// How W is initialized; biases start at 0.
  public var initialization: Initialization

  /// A layer with `units` outputs a member; `outputShape(for:)` checks the options.
  public init(_ units: Int, initialization: Initialization = .automatic) {
    self.units = units
    self.initialization = initialization
  }

  public func outputShape(for input: Shape) throws -> Shape {
    guard units > 0 else { throw EvenkeelError.usage("memberDense: units is \(units); expected at least 1.") }
    guard input.rank == 2 else {
      throw EvenkeelError.usage("memberDense: expected an input of shape [members, features], got \(input).")
    }
    try initialization.validate(Self.kind)
    return [input.dimensions[0], units]
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    let (members, inputs) = (input.dimensions[0], input.featureCount)
    return [
      ParameterDescription(
        name: "weight", shape: [members, units, inputs], role: .weight,
        start: .weights(initialization, inputs: inputs, outputs: units)),
      ParameterDescription(name: "bias", shape: [members, units], role: .bias, start: .constant(0)),
    ]
  }

  public func resolved(before next: NextLayers) -> MemberDense {
    initialization == .automatic ? MemberDense(units, initialization: next.initialization ?? .glorot) : self
  }

  public func multiplyAdds(for input: Shape) -> Int? { input.count * units }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    MemberDenseOperation(members: site.input.dimensions[0], inputs: site.input.featureCount, outputs: units)
  }

  private enum CodingKeys: String, CodingKey { case units, initialization }
  public init(from decoder: any Decoder) throws {
    if let units = try? decoder.singleValueContainer().decode(Int.self) {
      self.init(units)
      return
    }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(Int.self, forKey: .units),
      initialization: try container.value(.initialization, default: .automatic))
  }
}

/// Row after row, as members have few outputs.
private struct MemberDenseOperation: LayerOperation {
  let members, inputs, outputs: Int

  var takesSlices: Bool { true }

  func forward(_ pass: ForwardPass) {
    for row in 0..<pass.rows {
      for member in 0..<members {
        let place = row * members + member
        ek_row_products(
          pass.input + place * inputs, 1, pass.parameter(0) + member * outputs * inputs,
          pass.parameter(1) + member * outputs, inputs, outputs, pass.output + place * outputs)
      }
    }
  }

  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    ek_members_product_backward(
      pass.outputGradient, pass.parameter(0), pass.rows, members, inputs, outputs, inputGradient)
  }

  var gradientBlocks: Int { members }

  func parameterGradients(_ pass: BackwardPass, block: Int) {
    ek_members_product_gradient(
      pass.input, pass.outputGradient, pass.rows, members, inputs, outputs, block,
      pass.parameterGradient(0) + block * outputs * inputs, pass.parameterGradient(1) + block * outputs)
  }
}
