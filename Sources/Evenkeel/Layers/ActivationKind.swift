/// An activation with its default options; raw values are the kinds of layer that files name.
public enum ActivationKind: String, Codable, CaseIterable, Sendable {
  case relu, leakyRelu, elu, gelu, silu, sigmoid, tanh, softplus

  /// The names that `init(named:)` takes.
  public static var names: [String] { allCases.map(\.rawValue) }

  /// The activation of this name.
  /// - Throws: `EvenkeelError` with code `usage` that lists `names` if `name` is none.
  public init(named name: String) throws {
    guard let kind = ActivationKind(rawValue: name) else {
      throw EvenkeelError.usage("\"\(name)\" is not an activation; expected \(Self.names.alternatives).")
    }
    self = kind
  }

  /// A layer of this kind.
  public var layer: any Layer {
    switch self {
    case .relu: ReLU()
    case .leakyRelu: LeakyReLU()
    case .elu: ELU()
    case .gelu: GELU()
    case .silu: SiLU()
    case .sigmoid: Sigmoid()
    case .tanh: Tanh()
    case .softplus: Softplus()
    }
  }
}
