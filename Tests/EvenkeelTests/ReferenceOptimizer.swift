import Evenkeel
import Glibc

/// An optimizer from its formula, with the state of one group of parameters.
struct ReferenceOptimizer {
  enum Kind: Sendable { case gradientDescent, momentum, nesterov, rmsProp, adam, adamW, lion }
  let kind: Kind
  let rate: Double
  /// m of momentum and Nesterov.
  var momentum = 0.9
  /// β₁, and β₂ or RMSProp's decay.
  var decays = (0.9, 0.999)
  var epsilon = 1e-8
  var weightDecay = 0.0
  private var first: [Bounded] = []
  private var second: [Bounded] = []
  private var step = 0

  init(_ kind: Kind, rate: Double, weightDecay: Double = 0) {
    self.kind = kind
    self.rate = rate
    self.weightDecay = weightDecay
    if kind == .rmsProp || kind == .lion { decays.1 = 0.99 }
  }

  /// The one to compare with.
  var real: Optimizer {
    switch kind {
    case .gradientDescent: .gradientDescent(learningRate: rate, weightDecay: weightDecay)
    case .momentum: .momentum(learningRate: rate, momentum: momentum, weightDecay: weightDecay)
    case .nesterov: .nesterov(learningRate: rate, momentum: momentum, weightDecay: weightDecay)
    case .rmsProp: .rmsProp(learningRate: rate, decay: decays.1, epsilon: epsilon, weightDecay: weightDecay)
    case .adam:
      .adam(
        learningRate: rate, decay1: decays.0, decay2: decays.1, epsilon: epsilon, weightDecay: weightDecay)
    case .adamW:
      .adamW(
        learningRate: rate, decay1: decays.0, decay2: decays.1, epsilon: epsilon, weightDecay: weightDecay)
    case .lion: .lion(learningRate: rate, decay1: decays.0, decay2: decays.1, weightDecay: weightDecay)
    }
  }

  /// One step. `factor` is the schedule's; `decayed` says whether weight decay acts on these parameters.
  mutating func update(_ p: inout [Bounded], _ gradient: [Bounded], factor: Double = 1, decayed: Bool) {
    step += 1
    if first.isEmpty { (first, second) = (gradient.map { _ in Bounded(0.0) }, gradient.map { _ in Bounded(0.0) }) }
    let decay = Bounded(rounded: decayed ? weightDecay : 0)
    let r = Bounded(rounded: rate * factor)
    let m = Bounded(rounded: momentum)
    let (d1, d2) = (Bounded(rounded: decays.0), Bounded(rounded: decays.1))
    let (rest1, rest2) = (Bounded(rounded: 1 - decays.0), Bounded(rounded: 1 - decays.1))
    let corrected = Bounded(rounded: rate * factor / (1 - pow(decays.0, Double(step))))
    let root = Bounded(rounded: 1 / (1 - pow(decays.1, Double(step))).squareRoot())
    for i in p.indices {
      var g = gradient[i]
      if kind == .adamW || kind == .lion {
        p[i] = p[i] * Bounded(rounded: 1 - rate * factor * decay.value)
      } else {
        g = g + decay * p[i]
      }
      switch kind {
      case .gradientDescent: p[i] = p[i] - r * g
      case .momentum:
        first[i] = m * first[i] + g
        p[i] = p[i] - r * first[i]
      case .nesterov:
        first[i] = m * first[i] + g
        p[i] = p[i] - r * (g + m * first[i])
      case .rmsProp:
        second[i] = d2 * second[i] + rest2 * (g * g)
        p[i] = p[i] - r * g / (second[i].squareRoot() + Bounded(rounded: epsilon))
      case .adam, .adamW:
        first[i] = d1 * first[i] + rest1 * g
        second[i] = d2 * second[i] + rest2 * (g * g)
        p[i] = p[i] - corrected * first[i] / (second[i].squareRoot() * root + Bounded(rounded: epsilon))
      case .lion:
        let c = d1 * first[i] + rest1 * g
        first[i] = d2 * first[i] + rest2 * g
        // A sign that rounding may turn is off by 2.
        let isOpen = c.error > 0 && abs(c.value) <= c.error
        p[i] = p[i] - r * Bounded(c.value > 0 ? 1 : c.value < 0 ? -1 : 0, error: isOpen ? 2 : 0)
      }
    }
  }
}
