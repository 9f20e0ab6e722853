import Evenkeel
import Glibc

/// A function of one value with its derivative.
struct ReferenceFunction {
  let value: (Double) -> Double
  let derivative: (Double) -> Double
  /// Where the derivative jumps at 0.
  var hasKink: Bool
  /// The kernel's relative error in units of u. GELU's comes from the fit of the normal distribution (5 u), its
  /// polynomial and two exponentials.
  var relativeError: Double

  /// The function of an activation layer; nil for other layers. Kernels take slopes as Float.
  init?(_ layer: any Layer) {
    func sigmoid(_ x: Double) -> Double { x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)) }
    func normal(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
    switch layer {
    case is ReLU: self.init(value: { max(0, $0) }, derivative: { $0 > 0 ? 1 : 0 }, hasKink: true)
    case let layer as LeakyReLU:
      let slope = Double(Float(layer.slope))
      self.init(value: { $0 > 0 ? $0 : slope * $0 }, derivative: { $0 > 0 ? 1 : slope }, hasKink: true)
    case let layer as ELU:
      let alpha = Double(Float(layer.alpha))
      self.init(
        value: { $0 > 0 ? $0 : alpha * expm1($0) }, derivative: { $0 > 0 ? 1 : alpha * exp($0) },
        hasKink: alpha != 1)
    case is GELU:
      self.init(
        value: { $0 * normal($0) },
        derivative: { normal($0) + $0 * exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() }, relativeError: 12)
    case is SiLU:
      self.init(value: { $0 * sigmoid($0) }, derivative: { sigmoid($0) * (1 + $0 * sigmoid(-$0)) })
    case is Sigmoid: self.init(value: sigmoid, derivative: { sigmoid($0) * sigmoid(-$0) })
    case is Tanh: self.init(value: tanh, derivative: { 1 / (cosh($0) * cosh($0)) })
    case is Softplus: self.init(value: { max(0, $0) + log1p(exp(-abs($0))) }, derivative: sigmoid)
    case is Mish:
      func softplus(_ x: Double) -> Double { max(0, x) + log1p(exp(-abs(x))) }
      self.init(
        value: { $0 * tanh(softplus($0)) },
        derivative: { tanh(softplus($0)) + $0 * sigmoid($0) / (cosh(softplus($0)) * cosh(softplus($0))) })
    default: return nil
    }
  }

  private init(
    value: @escaping (Double) -> Double, derivative: @escaping (Double) -> Double, hasKink: Bool = false,
    relativeError: Double = 8
  ) {
    self.value = value
    self.derivative = derivative
    self.hasKink = hasKink
    self.relativeError = relativeError
  }

  /// g(x). No second derivative exceeds 1, so what the first order leaves out is below the square of the argument's error.
  func apply(_ x: Bounded) -> Bounded {
    let y = value(x.value)
    let slope = abs(derivative(x.value)) + (hasKink && abs(x.value) <= x.error ? 1 : 0)
    let evaluation = Bounded(0.0, error: relativeError * Bounded.u * abs(y) + x.error * x.error)
    return Bounded(y, variance: slope * slope * x.variance + evaluation.variance)
  }

  /// g'(x), evaluated with an absolute error of 32 u: kernels take it from y, whose last digit 1 − y², y (1 − y) and,
  /// for SiLU, x (1 − s) with x up to 17 enlarge.
  func slope(_ x: Bounded) -> Bounded {
    let evaluation = Bounded(0.0, error: hasKink && abs(x.value) <= x.error ? 1 : 32 * Bounded.u)
    return Bounded(derivative(x.value), variance: x.variance + evaluation.variance)
  }
}

/// y = g(x), dx = dy g'(x).
final class ReferenceActivation: ReferenceLayer {
  private let function: ReferenceFunction
  private var x = Matrix(0, 0, [Bounded]())

  init(_ function: ReferenceFunction) { self.function = function }

  override func forward(_ x: Matrix, training: Bool) -> Matrix {
    self.x = x
    return Matrix(x.rows, x.columns, x.values.map { function.apply($0) })
  }

  override func backward(_ dy: Matrix) -> Matrix {
    Matrix(dy.rows, dy.columns, zip(dy.values, x.values).map { $0 * function.slope($1) })
  }
}
