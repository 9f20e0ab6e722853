import Glibc
import Kernels

/// How gradients change parameters. γ, β, biases and weights are all updated alike; only weight decay tells them apart.
public struct Optimizer: Hashable, Sendable {
  let kind: ek_optimizer_kind
  /// The step size before the schedule's factor.
  public var learningRate: Double
  let momentum: Double
  let decay1: Double
  let decay2: Double
  let epsilon: Double
  /// Added to the gradient of weights as decay · w, but for AdamW, which takes it from the weight itself. Never acts on
  /// biases, γ or β.
  public var weightDecay: Double

  private init(
    _ kind: ek_optimizer_kind, _ learningRate: Double, momentum: Double = 0, decay1: Double = 0, decay2: Double = 0,
    epsilon: Double = 1e-8, weightDecay: Double
  ) {
    self.kind = kind
    self.learningRate = learningRate
    self.momentum = momentum
    self.decay1 = decay1
    self.decay2 = decay2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// p ← p − r g.
  public static func gradientDescent(learningRate: Double, weightDecay: Double = 0) -> Optimizer {
    Optimizer(EK_GRADIENT_DESCENT, learningRate, weightDecay: weightDecay)
  }
  /// v ← m v + g, p ← p − r v (PyTorch's form).
  public static func momentum(learningRate: Double, momentum: Double = 0.9, weightDecay: Double = 0) -> Optimizer {
    Optimizer(EK_MOMENTUM, learningRate, momentum: momentum, weightDecay: weightDecay)
  }
  /// v ← m v + g, p ← p − r (g + m v).
  public static func nesterov(learningRate: Double, momentum: Double = 0.9, weightDecay: Double = 0) -> Optimizer {
    Optimizer(EK_NESTEROV, learningRate, momentum: momentum, weightDecay: weightDecay)
  }
  /// s ← d s + (1 − d) g², p ← p − r g / (√s + ε) (Tieleman and Hinton 2012).
  public static func rmsProp(
    learningRate: Double, decay: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(EK_RMSPROP, learningRate, decay2: decay, epsilon: epsilon, weightDecay: weightDecay)
  }
  /// Adam (Kingma and Ba 2015).
  public static func adam(
    learningRate: Double = 0.001, decay1: Double = 0.9, decay2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(EK_ADAM, learningRate, decay1: decay1, decay2: decay2, epsilon: epsilon, weightDecay: weightDecay)
  }
  /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
  public static func adamW(
    learningRate: Double = 0.001, decay1: Double = 0.9, decay2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0.01
  ) -> Optimizer {
    Optimizer(EK_ADAMW, learningRate, decay1: decay1, decay2: decay2, epsilon: epsilon, weightDecay: weightDecay)
  }

  var isAdam: Bool { kind == EK_ADAM || kind == EK_ADAMW }
  /// Whether a first (momentum) and a second (mean square) state are kept for each parameter.
  var keepsFirst: Bool { kind == EK_MOMENTUM || kind == EK_NESTEROV || isAdam }
  var keepsSecond: Bool { kind == EK_RMSPROP || isAdam }

  /// Checks every number; `Trainer.fit` does so too.
  /// - Throws: `EvenkeelError` with code `usage` for a number out of range.
  public func validate() throws {
    guard learningRate.isFinite, learningRate > 0 else {
      throw EvenkeelError.usage("The learning rate is \(learningRate); expected a number above 0.")
    }
    guard weightDecay.isFinite, weightDecay >= 0 else {
      throw EvenkeelError.usage("The weight decay is \(weightDecay); expected 0 or more.")
    }
    for share in [momentum, decay1, decay2] where !(0..<1).contains(share) {
      throw EvenkeelError.usage("The optimizer's momentum or decay is \(share); expected 0 or more and less than 1.")
    }
    guard epsilon.isFinite, epsilon > 0 else {
      throw EvenkeelError.usage("The optimizer's epsilon is \(epsilon); expected a number above 0.")
    }
  }

  /// The kernel's settings for step `step` (from 1).
  func settings(step: Int, factor: Double, gradientScale: Double, decayed: Int) -> ek_optimizer {
    ek_optimizer(
      kind: kind, learning_rate: learningRate * factor, momentum: momentum, decay1: decay1, decay2: decay2,
      epsilon: epsilon, correction1: isAdam ? 1 - pow(decay1, Double(step)) : 1,
      correction2: isAdam ? 1 - pow(decay2, Double(step)) : 1, weight_decay: weightDecay, decayed: decayed,
      gradient_scale: gradientScale)
  }

  public static func == (left: Optimizer, right: Optimizer) -> Bool { left.fields == right.fields }
  public func hash(into hasher: inout Hasher) { hasher.combine(fields) }
  /// Kind and numbers in one line.
  var summary: String {
    let kinds = ["gradient descent", "momentum", "Nesterov", "RMSProp", "Adam", "AdamW"]
    return
      "\(kinds[Int(kind.rawValue)]), learning rate \(learningRate), momentum \(momentum), decays \(decay1) and \(decay2), epsilon \(epsilon), weight decay \(weightDecay)"
  }

  private var fields: [Double] {
    [Double(kind.rawValue), learningRate, momentum, decay1, decay2, epsilon, weightDecay]
  }
}
