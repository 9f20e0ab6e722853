import Kernels

/// A function of one value that a kernel knows, with its parameter.
package struct Activation: Hashable, Sendable {
  package let kernel: ek_activation
  package var slope: Float = 0

  static let identity = Activation(kernel: EK_IDENTITY)

  /// Whether the derivative is taken from the input rather than from the output.
  var readsInput: Bool { kernel == EK_GELU || kernel == EK_SILU }
  /// Whether batch norm, which can compute the function's input again, needs the output in its backward.
  var fusedReadsOutput: Bool {
    kernel == EK_ELU || kernel == EK_SIGMOID || kernel == EK_TANH || kernel == EK_SOFTPLUS
  }

  package static func == (left: Activation, right: Activation) -> Bool {
    left.kernel == right.kernel && left.slope == right.slope
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(kernel.rawValue)
    hasher.combine(slope)
  }
}

/// A layer that applies one function to every value. Batch norm before it takes it into its own sweeps.
protocol ActivationLayer: Layer {
  var activation: Activation { get }
}

extension Layer {
  /// The function that the layer applies to every value; nil for layers that are no activation.
  package var activationFunction: Activation? { (self as? any ActivationLayer)?.activation }
}

extension ActivationLayer {
  public var initializationBefore: Initialization? { .he }
  public func outputLength(of length: Int, for input: Shape) -> Int? { length }
  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    ActivationOperation(activation: activation)
  }
}

/// max(0, x). Weights before it start after He.
public struct ReLU: ActivationLayer {
  public static let kind = "relu"
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_RELU) }
}

/// x where it is positive, slope · x elsewhere (Maas et al. 2013).
public struct LeakyReLU: ActivationLayer {
  public static let kind = "leakyRelu"
  /// The slope below 0, above 0 itself.
  public var slope: Double
  /// A slope of 0.01 as in PyTorch by default.
  public init(slope: Double = 0.01) { self.slope = slope }
  var activation: Activation { Activation(kernel: EK_LEAKY_RELU, slope: Float(slope)) }

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
  /// What −y tends to for very negative x, above 0.
  public var alpha: Double
  /// An alpha of 1 as in PyTorch by default.
  public init(alpha: Double = 1) { self.alpha = alpha }
  var activation: Activation { Activation(kernel: EK_ELU, slope: Float(alpha)) }

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
}

/// x · sigmoid(x) (Elfwing et al. 2017), also called swish.
public struct SiLU: ActivationLayer {
  public static let kind = "silu"
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_SILU) }
}

/// 1 / (1 + e⁻ˣ). Weights before it start after Glorot.
public struct Sigmoid: ActivationLayer {
  public static let kind = "sigmoid"
  public var initializationBefore: Initialization? { .glorot }
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_SIGMOID) }
}

/// The hyperbolic tangent. Weights before it start after Glorot.
public struct Tanh: ActivationLayer {
  public static let kind = "tanh"
  public var initializationBefore: Initialization? { .glorot }
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_TANH) }
}

/// log(1 + eˣ).
public struct Softplus: ActivationLayer {
  public static let kind = "softplus"
  public var initializationBefore: Initialization? { .leCun }
  /// A layer without options.
  public init() {}
  var activation: Activation { Activation(kernel: EK_SOFTPLUS) }
}

/// An activation on its own, without batch norm in front.
struct ActivationOperation: LayerOperation {
  let activation: Activation

  var backwardReads: BackwardReads { activation.readsInput ? .input : .output }
  var worksInPlace: Bool { !activation.readsInput }
  var backwardWorksInPlace: Bool { true }

  func forward(_ pass: ForwardPass) {
    ek_activation_forward(
      pass.input, pass.rows * pass.inputLength, activation.kernel, activation.slope, pass.output, Int32(pass.threads))
  }

  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    ek_activation_backward(
      pass.input, pass.output, pass.outputGradient, pass.rows * pass.inputLength, activation.kernel, activation.slope,
      inputGradient, Int32(pass.threads))
  }
}
