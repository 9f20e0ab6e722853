import Kernels

/// The beginning of several networks that share their weights and are trained together: each member sees its input through a
/// scale of its own, s_m ∘ x (TabM-mini, Gorishniy, Kotelnikov and Babenko 2024, after BatchEnsemble, Wen et al. 2020).
///
/// Input `[features]`, output `[members, features]`; an input `[members, features]`, of members that were told apart before, keeps
/// its shape, as with the scales before and after each shared layer of the full TabM. `Dense` layers that follow share their
/// weights among the members, batch norms take their statistics over examples and members, or over each member's own after a
/// `Reshape` to `[members · features]` and before one back. The network ends with a `MemberDense`. Training minimizes the mean of the
/// members' losses; predictions are means of their probabilities, or values.
public struct Ensemble: Layer {
  public static let kind = "ensemble"
  /// How the scales start.
  public enum Start: String, Hashable, Codable, CaseIterable, Sendable {
    /// 1 or −1 at random: members that differ from the beginning. For inputs that are numbers.
    case signs
    /// Normal with mean 0 and deviation 1. For inputs that are embeddings.
    case normal
    /// 1. For all scales but the first.
    case ones
  }
  /// The number of members.
  public var members: Int
  /// How the scales start.
  public var start: Start

  /// A layer with these options; `outputShape(for:)` checks them.
  public init(members: Int, start: Start = .signs) {
    self.members = members
    self.start = start
  }

  public func outputShape(for input: Shape) throws -> Shape {
    guard (1...1024).contains(members) else {
      throw EvenkeelError.usage("ensemble: members is \(members); expected 1 to 1024.")
    }
    guard input.rank == 1 || input.rank == 2 && input.dimensions[0] == members else {
      throw EvenkeelError.usage(
        "ensemble: expected an input of shape [features] or [\(members), features], got \(input).")
    }
    return [members, input.featureCount]
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    let start: InitialValue =
      switch start {
      case .signs: .signs
      case .normal: .normal(deviation: 1)
      case .ones: .constant(1)
      }
    return [
      ParameterDescription(name: "weight", shape: [members, input.featureCount], role: .embedding, start: start)
    ]
  }

  public var traits: LayerTraits { [.members, .passesThrough] }

  public func multiplyAdds(for input: Shape) -> Int? { members * input.featureCount }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    MemberScale(members: members, width: site.input.featureCount, isShared: site.input.rank == 1)
  }

  private enum CodingKeys: String, CodingKey { case members, start }
  public init(from decoder: any Decoder) throws {
    if let members = try? decoder.singleValueContainer().decode(Int.self) {
      self.init(members: members)
      return
    }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      members: try container.decode(Int.self, forKey: .members), start: try container.choice(.start, default: .signs))
  }
}

private struct MemberScale: LayerOperation {
  let members, width: Int
  let isShared: Bool

  var takesSlices: Bool { true }

  func forward(_ pass: ForwardPass) {
    ek_members_scale(pass.input, pass.parameter(0), pass.rows, members, width, isShared ? 1 : 0, pass.output)
  }

  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    ek_members_scale_backward(
      pass.outputGradient, pass.parameter(0), pass.rows, members, width, isShared ? 1 : 0, inputGradient)
  }

  var gradientBlocks: Int { members }

  func parameterGradients(_ pass: BackwardPass, block: Int) {
    ek_members_scale_gradient(
      pass.input, pass.outputGradient, pass.rows, members, width, isShared ? 1 : 0, block,
      pass.parameterGradient(0) + block * width)
  }
}
