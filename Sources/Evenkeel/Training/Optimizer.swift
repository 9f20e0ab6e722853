import Glibc
import Kernels

/// How gradients change parameters. γ, β, biases and weights are all updated alike, except for weight decay.
public struct Optimizer: Hashable, Codable, Sendable {
  enum Rule: Hashable, Codable, Sendable {
    case gradientDescent
    case momentum(Double)
    case nesterov(Double)
    case rmsProp(decay: Double, epsilon: Double)
    case adam(Moments)
    case adamW(Moments)
    case lion(decay1: Double, decay2: Double)
  }
  /// How Adam averages: β₁, β₂ and ε.
  struct Moments: Hashable, Codable, Sendable {
    let decay1, decay2, epsilon: Double
  }
  let rule: Rule
  /// The step size before the schedule's factor.
  public var learningRate: Double
  /// Added to the gradient of weights as decay · w, except in AdamW and Lion, which subtract it from the weight itself.
  /// Never acts on biases, γ or β.
  public var weightDecay: Double

  private init(_ rule: Rule, _ learningRate: Double, _ weightDecay: Double) {
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
  }

  /// p ← p − r g.
  public static func gradientDescent(learningRate: Double, weightDecay: Double = 0) -> Optimizer {
    Optimizer(.gradientDescent, learningRate, weightDecay)
  }
  /// v ← m v + g, p ← p − r v (PyTorch's form).
  public static func momentum(learningRate: Double, momentum: Double = 0.9, weightDecay: Double = 0) -> Optimizer {
    Optimizer(.momentum(momentum), learningRate, weightDecay)
  }
  /// v ← m v + g, p ← p − r (g + m v).
  public static func nesterov(learningRate: Double, momentum: Double = 0.9, weightDecay: Double = 0) -> Optimizer {
    Optimizer(.nesterov(momentum), learningRate, weightDecay)
  }
  /// s ← d s + (1 − d) g², p ← p − r g / (√s + ε) (Tieleman and Hinton 2012).
  public static func rmsProp(
    learningRate: Double, decay: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(.rmsProp(decay: decay, epsilon: epsilon), learningRate, weightDecay)
  }
  /// Adam (Kingma and Ba 2015).
  public static func adam(
    learningRate: Double = 0.001, decay1: Double = 0.9, decay2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(.adam(Moments(decay1: decay1, decay2: decay2, epsilon: epsilon)), learningRate, weightDecay)
  }
  /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
  public static func adamW(
    learningRate: Double = 0.001, decay1: Double = 0.9, decay2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0.01
  ) -> Optimizer {
    Optimizer(.adamW(Moments(decay1: decay1, decay2: decay2, epsilon: epsilon)), learningRate, weightDecay)
  }

  /// c ← β₁ m + (1 − β₁) g, p ← p − r (sign c + decay · p), m ← β₂ m + (1 − β₂) g (Chen et al. 2023). Every parameter
  /// moves by the learning rate, which should therefore be a third to a tenth of Adam's.
  public static func lion(
    learningRate: Double = 1e-4, decay1: Double = 0.9, decay2: Double = 0.99, weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(.lion(decay1: decay1, decay2: decay2), learningRate, weightDecay)
  }

  /// A rule as the kernel takes it, and in words.
  fileprivate struct Terms {
    let kind: ek_optimizer_kind
    let name: String
    var momentum = 0.0
    var decay1 = 0.0
    var decay2 = 0.0
    var epsilon = 1e-8
    /// Whether a first (momentum) and a second (mean square) state are kept for each parameter.
    var keepsFirst = false
    var keepsSecond = false
    /// Whether averages that start at 0 are corrected for that.
    var isCorrected = false
  }

  private var terms: Terms {
    switch rule {
    case .gradientDescent: Terms(kind: EK_GRADIENT_DESCENT, name: "gradient descent")
    case .momentum(let momentum): Terms(kind: EK_MOMENTUM, name: "momentum", momentum: momentum, keepsFirst: true)
    case .nesterov(let momentum): Terms(kind: EK_NESTEROV, name: "Nesterov", momentum: momentum, keepsFirst: true)
    case .rmsProp(let decay, let epsilon):
      Terms(kind: EK_RMSPROP, name: "RMSProp", decay2: decay, epsilon: epsilon, keepsSecond: true)
    case .adam(let moments): Terms(EK_ADAM, "Adam", moments)
    case .adamW(let moments): Terms(EK_ADAMW, "AdamW", moments)
    case .lion(let decay1, let decay2):
      Terms(kind: EK_LION, name: "Lion", decay1: decay1, decay2: decay2, keepsFirst: true)
    }
  }

  /// Whether a first (momentum) and a second (mean square) state are kept for each parameter.
  var keepsFirst: Bool { terms.keepsFirst }
  var keepsSecond: Bool { terms.keepsSecond }

  /// Checks every number; `Trainer.fit` does this too.
  /// - Throws: `EvenkeelError` with code `usage` for a number out of range.
  public func validate() throws {
    guard learningRate.isFinite, learningRate > 0 else {
      throw EvenkeelError.usage("The learning rate is \(learningRate); expected a number above 0.")
    }
    guard weightDecay.isFinite, weightDecay >= 0 else {
      throw EvenkeelError.usage("The weight decay is \(weightDecay); expected 0 or more.")
    }
    let terms = terms
    for share in [terms.momentum, terms.decay1, terms.decay2] where !(0..<1).contains(share) {
      throw EvenkeelError.usage("The optimizer's momentum or decay is \(share); expected 0 or more and less than 1.")
    }
    guard terms.epsilon.isFinite, terms.epsilon > 0 else {
      throw EvenkeelError.usage("The optimizer's epsilon is \(terms.epsilon); expected a number above 0.")
    }
  }

  /// The kernel's settings for step `step` (from 1).
  func settings(step: Int, factor: Double, gradientScale: Double, decayed: Int) -> ek_optimizer {
    let terms = terms
    return ek_optimizer(
      kind: terms.kind, learning_rate: learningRate * factor, momentum: terms.momentum, decay1: terms.decay1,
      decay2: terms.decay2, epsilon: terms.epsilon,
      correction1: terms.isCorrected ? 1 - pow(terms.decay1, Double(step)) : 1,
      correction2: terms.isCorrected ? 1 - pow(terms.decay2, Double(step)) : 1, weight_decay: weightDecay,
      decayed: decayed, gradient_scale: gradientScale)
  }

  /// The rule's name.
  var name: String { terms.name }

  /// The rule and its numbers in one line, for messages.
  var summary: String {
    let terms = terms
    return
      "\(terms.name), learning rate \(learningRate), momentum \(terms.momentum), decays \(terms.decay1) and \(terms.decay2), epsilon \(terms.epsilon), weight decay \(weightDecay)"
  }
}

extension Optimizer.Terms {
  /// The terms of Adam and AdamW.
  fileprivate init(_ kind: ek_optimizer_kind, _ name: String, _ moments: Optimizer.Moments) {
    self.init(
      kind: kind, name: name, decay1: moments.decay1, decay2: moments.decay2, epsilon: moments.epsilon,
      keepsFirst: true, keepsSecond: true, isCorrected: true)
  }
}

extension Optimizer {
  /// The optimizers by their names in commands and stored trials.
  public enum Name: String, Codable, Sendable, CaseIterable {
    /// Adam.
    case adam
    /// Adam with decoupled weight decay.
    case adamW = "adamw"
    /// Plain gradient descent.
    case gradientDescent = "sgd"
    /// Lion: steps of one size, in the direction of signs.
    case lion
    /// Gradient descent with momentum.
    case momentum
    /// Gradient descent with Nesterov's momentum.
    case nesterov
    /// RMSProp.
    case rmsProp = "rmsprop"

    /// All names, separated by commas.
    package static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
    /// Whether it has a momentum.
    package var takesMomentum: Bool { self == .momentum || self == .nesterov }
  }

  /// The optimizer with this name, with its default numbers if none are given.
  /// - Parameters:
  ///   - name: The rule.
  ///   - learningRate: The step size before the schedule's factor.
  ///   - momentum: For optimizers that take one.
  ///   - weightDecay: nil for the rule's default, which is 0 but for AdamW.
  public init(_ name: Name, learningRate: Double, momentum: Double = 0.9, weightDecay: Double? = nil) {
    self =
      switch name {
      case .adam: .adam(learningRate: learningRate)
      case .adamW: .adamW(learningRate: learningRate)
      case .gradientDescent: .gradientDescent(learningRate: learningRate)
      case .lion: .lion(learningRate: learningRate)
      case .momentum: .momentum(learningRate: learningRate, momentum: momentum)
      case .nesterov: .nesterov(learningRate: learningRate, momentum: momentum)
      case .rmsProp: .rmsProp(learningRate: learningRate)
      }
    if let weightDecay { self.weightDecay = weightDecay }
  }
}
