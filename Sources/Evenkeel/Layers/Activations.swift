import Glibc
import Kernels

/// A function of one value that the kernels implement, with its parameter.
package struct Activation: Hashable, Sendable {
  package let kernel: ek_activation
  package var slope: Float = 0

  static let identity = Activation(kernel: EK_IDENTITY)

  /// Whether the derivative is taken from the input rather than from the output.
  var readsInput: Bool { ek_activation_reads_x(kernel) != 0 }
  /// Whether batch norm, which can recompute the function's input, needs the output in its backward.
  var fusedReadsOutput: Bool { ek_activation_reads_y(kernel) != 0 }
}

/// g′ and g″ at a point.
package typealias ActivationDerivatives = (_ x: Double) -> (first: Double, second: Double)

/// A layer that applies one function g to every value. A batch norm before it computes it in its own sweeps.
protocol ActivationLayer: Layer {
  var activation: Activation { get }
  /// g′(x) and g″(x); at a kink, those from the left.
  func derivatives(at x: Double) -> (first: Double, second: Double)
}

/// Every activation, with its default options; raw values are the kinds of layer that files name.
public enum ActivationKind: String, Codable, CaseIterable, Sendable {
  /// max(0, x).
  case relu
  /// x, but 0.01 x below 0.
  case leakyRelu
  /// x, but eˣ − 1 below 0.
  case elu
  /// x Φ(x), with the normal distribution's Φ.
  case gelu
  /// x / (1 + e⁻ˣ).
  case silu
  /// 1 / (1 + e⁻ˣ).
  case sigmoid
  /// The hyperbolic tangent.
  case tanh
  /// ln(1 + eˣ).
  case softplus
  /// x tanh(ln(1 + eˣ)).
  case mish

  /// The names that `init(named:)` takes.
  public static var names: [String] { allCases.map(\.rawValue) }

  /// The activation of this name.
  /// - Throws: `EvenkeelError` with code `usage` that lists `names` if `name` is not one of them.
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
    case .mish: Mish()
    }
  }
}

extension Layer {
  /// The function that the layer applies to every value; nil for layers that are not activations.
  package var activationFunction: Activation? { asActivation?.activation }
  /// The derivatives of that function; nil for layers that are not activations.
  package var activationDerivatives: ActivationDerivatives? { asActivation?.derivatives(at:) }
  private var asActivation: (any ActivationLayer)? { self as? any ActivationLayer }
}

extension ActivationLayer {
  public var initializationBefore: Initialization? { .he }
  public func outputLength(of length: Int, for input: Shape) -> Int? { length }
  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    ActivationOperation(activation: activation)
  }
}

/// max(0, x). Weights before it use He initialization.
public struct ReLU: ActivationLayer {
  public static let kind = "relu"
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_RELU) }
  func derivatives(at x: Double) -> (first: Double, second: Double) { (x > 0 ? 1 : 0, 0) }
}

/// x where it is positive, slope · x elsewhere (Maas et al. 2013).
public struct LeakyReLU: ActivationLayer {
  public static let kind = "leakyRelu"
  /// The slope for x below 0; must be positive.
  public var slope: Double
  /// The default slope of 0.01 is PyTorch's.
  public init(slope: Double = 0.01) { self.slope = slope }
  var activation: Activation { Activation(kernel: EK_LEAKY_RELU, slope: Float(slope)) }
  func derivatives(at x: Double) -> (first: Double, second: Double) { (x > 0 ? 1 : Double(Float(slope)), 0) }

  public func outputShape(for input: Shape) throws -> Shape {
    guard slope.isFinite, slope > 0 else {
      throw EvenkeelError.usage("leakyRelu: slope is \(slope); expected a number above 0.")
    }
    return input
  }

  private enum CodingKeys: String, CodingKey { case slope }
  public init(from decoder: any Decoder) throws {
    self.init()
    slope = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .slope) ?? slope
  }
}

/// x where it is positive, alpha · (eˣ − 1) elsewhere (Clevert et al. 2016).
public struct ELU: ActivationLayer {
  public static let kind = "elu"
  /// The limit of −y for very negative x; must be positive.
  public var alpha: Double
  /// The default alpha of 1 is PyTorch's.
  public init(alpha: Double = 1) { self.alpha = alpha }
  var activation: Activation { Activation(kernel: EK_ELU, slope: Float(alpha)) }
  func derivatives(at x: Double) -> (first: Double, second: Double) {
    let y = Double(Float(alpha)) * exp(x)
    return x > 0 ? (1, 0) : (y, y)
  }

  public func outputShape(for input: Shape) throws -> Shape {
    guard alpha.isFinite, alpha > 0 else {
      throw EvenkeelError.usage("elu: alpha is \(alpha); expected a number above 0.")
    }
    return input
  }

  private enum CodingKeys: String, CodingKey { case alpha }
  public init(from decoder: any Decoder) throws {
    self.init()
    alpha = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .alpha) ?? alpha
  }
}

/// x · Φ(x) with the normal distribution function Φ (Hendrycks and Gimpel 2016), not its tanh approximation.
public struct GELU: ActivationLayer {
  public static let kind = "gelu"
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_GELU) }
  /// With the density φ: g′ = Φ + x φ, g″ = (2 − x²) φ.
  func derivatives(at x: Double) -> (first: Double, second: Double) {
    let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    return (erfc(-x / 2.0.squareRoot()) / 2 + x * density, (2 - x * x) * density)
  }
}

/// x · sigmoid(x) (Elfwing et al. 2017), also called swish.
public struct SiLU: ActivationLayer {
  public static let kind = "silu"
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_SILU) }
  /// With s = sigmoid(x): g′ = s (1 + x (1 − s)), g″ = s (1 − s) (2 + x (1 − 2 s)).
  func derivatives(at x: Double) -> (first: Double, second: Double) {
    let (s, rest) = sigmoid(x)
    return (s * (1 + x * rest), s * rest * (2 + x * (rest - s)))
  }
}

/// 1 / (1 + e⁻ˣ). Weights before it use Glorot initialization.
public struct Sigmoid: ActivationLayer {
  public static let kind = "sigmoid"
  public var initializationBefore: Initialization? { .glorot }
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_SIGMOID) }
  func derivatives(at x: Double) -> (first: Double, second: Double) {
    let (s, rest) = sigmoid(x)
    return (s * rest, s * rest * (rest - s))
  }
}

/// The hyperbolic tangent. Weights before it use Glorot initialization.
public struct Tanh: ActivationLayer {
  public static let kind = "tanh"
  public var initializationBefore: Initialization? { .glorot }
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_TANH) }
  func derivatives(at x: Double) -> (first: Double, second: Double) {
    let first = 1 / (cosh(x) * cosh(x))
    return (first, -2 * tanh(x) * first)
  }
}

/// log(1 + eˣ).
public struct Softplus: ActivationLayer {
  public static let kind = "softplus"
  public var initializationBefore: Initialization? { .leCun }
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_SOFTPLUS) }
  func derivatives(at x: Double) -> (first: Double, second: Double) {
    let (s, rest) = sigmoid(x)
    return (s, s * rest)
  }
}

/// x · tanh(softplus(x)) (Misra 2019).
public struct Mish: ActivationLayer {
  public static let kind = "mish"
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_MISH) }
  /// With s = sigmoid(x), t = tanh(softplus(x)): g′ = t + x (1 − t²) s, g″ = (1 − t²) s (2 + x (1 − s − 2 t s)).
  func derivatives(at x: Double) -> (first: Double, second: Double) {
    let (s, rest) = sigmoid(x)
    let softplus = max(0, x) + log1p(exp(-abs(x)))
    let t = tanh(softplus)
    let slope = s / (cosh(softplus) * cosh(softplus))
    return (t + x * slope, slope * (2 + x * (rest - 2 * t * s)))
  }
}

/// 1 / (1 + e⁻ˣ) and 1 minus it, each to full precision.
private func sigmoid(_ x: Double) -> (s: Double, rest: Double) { (1 / (1 + exp(-x)), 1 / (1 + exp(x))) }

/// An activation on its own, without a batch norm before it.
struct ActivationOperation: LayerOperation {
  let activation: Activation

  var backwardReads: BackwardReads { activation.readsInput ? .input : .output }
  var worksInPlace: Bool { !activation.readsInput }
  var backwardWorksInPlace: Bool { true }
  var takesSlices: Bool { true }

  func forward(_ pass: ForwardPass) {
    ek_activation_forward(
      pass.input, pass.rows * pass.inputLength, activation.kernel, activation.slope, pass.output)
  }

  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    ek_activation_backward(
      pass.input, pass.output, pass.outputGradient, pass.rows * pass.inputLength, activation.kernel, activation.slope,
      inputGradient)
  }
}
