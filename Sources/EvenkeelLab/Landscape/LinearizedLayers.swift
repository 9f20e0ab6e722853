import Evenkeel
import Glibc
import Kernels

/// a = g(z): ȧ = g′(z) ż, dż = g′(z) dȧ + g″(z) da ż. Of ReLU and its kin g″ is 0 but at the kink, where it is taken as 0.
final class ActivationStep: LinearStep {
  private let activation: Activation
  private let hasTangentInput: Bool
  private let y, slope, curvature, yTangent, dx, dxTangent: AlignedFloats
  private var xTangent: UnsafeMutablePointer<Float>?
  private var dy: UnsafeMutablePointer<Float>!

  init(_ activation: Activation, _ site: LayerSite, hasTangentInput: Bool) {
    self.activation = activation
    self.hasTangentInput = hasTangentInput
    let count = site.maximumRows * site.input.count
    let inner = hasTangentInput ? count : 0
    y = AlignedFloats(count: count)
    slope = AlignedFloats(count: inner)
    curvature = AlignedFloats(count: inner)
    yTangent = AlignedFloats(count: inner)
    dx = AlignedFloats(count: inner)
    dxTangent = AlignedFloats(count: inner)
  }

  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float> {
    ek_activation_forward(x, y.count, activation.kernel, activation.slope, y.start, Int32(at.threads))
    for index in 0..<slope.count {
      let (first, second) = activation.derivatives(at: Double(x[index]))
      slope.start[index] = Float(first)
      curvature.start[index] = Float(second)
    }
    return y.start
  }

  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    self.dy = dy
    guard hasTangentInput else { return nil }
    for index in 0..<dx.count { dx.start[index] = dy[index] * slope.start[index] }
    return dx.start
  }

  func forwardTangent(_ tangent: UnsafeMutablePointer<Float>?, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    xTangent = tangent
    guard let tangent else { return nil }
    for index in 0..<yTangent.count { yTangent.start[index] = tangent[index] * slope.start[index] }
    return yTangent.start
  }

  func backwardTangent(_ tangent: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    guard let xTangent else { return nil }
    for index in 0..<dxTangent.count {
      dxTangent.start[index] =
        tangent[index] * slope.start[index] + dy[index] * xTangent[index] * curvature.start[index]
    }
    return dxTangent.start
  }
}

extension Activation {
  /// g′(x) and g″(x).
  func derivatives(at x: Double) -> (first: Double, second: Double) {
    let slope = Double(slope)
    switch kernel {
    case EK_RELU: return (x > 0 ? 1 : 0, 0)
    case EK_LEAKY_RELU: return (x > 0 ? 1 : slope, 0)
    case EK_ELU: return x > 0 ? (1, 0) : (slope * exp(x), slope * exp(x))
    case EK_GELU:
      // g′ = Φ + x φ, g″ = (2 − x²) φ.
      let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
      return (erfc(-x / 2.0.squareRoot()) / 2 + x * density, (2 - x * x) * density)
    case EK_SILU:
      // With s = sigmoid(x): g′ = s (1 + x (1 − s)), g″ = s (1 − s) (2 + x (1 − 2 s)).
      let s = 1 / (1 + exp(-x))
      let rest = 1 / (1 + exp(x))
      return (s * (1 + x * rest), s * rest * (2 + x * (rest - s)))
    case EK_SIGMOID:
      let s = 1 / (1 + exp(-x))
      let rest = 1 / (1 + exp(x))
      return (s * rest, s * rest * (rest - s))
    case EK_TANH:
      let y = tanh(x)
      let first = 1 / (cosh(x) * cosh(x))
      return (first, -2 * y * first)
    case EK_SOFTPLUS:
      let s = 1 / (1 + exp(-x))
      let rest = 1 / (1 + exp(x))
      return (s, s * rest)
    default: return (1, 0)
    }
  }
}

/// Batch norm, through μ and σ²; see `ek_norm_point` for the formulae.
final class NormStep: LinearStep {
  private let options: BatchNorm
  private let hasTangentInput: Bool
  private let offsets: [Int]
  private let doubles: UnsafeMutablePointer<Double>
  private var norm: ek_norm_point
  private let y, n, nTangent, yTangent, dx, dxTangent: AlignedFloats
  private let statistics: Int
  private var dy: UnsafeMutablePointer<Float>!

  init(_ options: BatchNorm, _ site: LayerSite, _ layout: ParameterLayout, hasTangentInput: Bool) throws {
    self.options = options
    self.hasTangentInput = hasTangentInput
    offsets = layout.offsets[site.name] ?? []
    statistics = layout.statisticsIndex[site.name]!
    let count = site.maximumRows * site.input.count
    let features = site.input.featureCount
    guard count > features || options.frozen else {
      throw EvenkeelError.usage(
        "Layer \(site.name) (batchNorm) got one value per feature; its statistics need at least two examples.")
    }
    y = AlignedFloats(count: count)
    n = AlignedFloats(count: count)
    nTangent = AlignedFloats(count: count)
    yTangent = AlignedFloats(count: count)
    dx = AlignedFloats(count: hasTangentInput ? count : 0)
    dxTangent = AlignedFloats(count: hasTangentInput ? count : 0)
    doubles = .allocate(capacity: 7 * features)
    doubles.initialize(repeating: 0, count: 7 * features)
    norm = ek_norm_point(
      rows: count / features, features: features, epsilon: options.epsilon, frozen: options.frozen ? 1 : 0, scale: nil,
      n: n.start, n_tangent: nTangent.start, mean: doubles, s: doubles + features, dshift: doubles + 2 * features,
      dscale: doubles + 3 * features, k: doubles + 4 * features, sums: doubles + 5 * features)
  }

  deinit { doubles.deallocate() }

  private func scale(_ buffer: AlignedFloats) -> UnsafeMutablePointer<Float>? {
    options.scale ? buffer.start + offsets[0] : nil
  }

  private func shift(_ buffer: AlignedFloats) -> UnsafeMutablePointer<Float>? {
    options.shift ? buffer.start + offsets[options.scale ? 1 : 0] : nil
  }

  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float> {
    norm.scale = scale(at.point.parameters).map { UnsafePointer($0) }
    if options.frozen {
      let running = at.point.statistics(statistics)
      for feature in 0..<norm.features {
        norm.mean[feature] = Double(running.mean[feature])
        norm.s[feature] = 1 / (Double(running.variance[feature]) + options.epsilon).squareRoot()
      }
    }
    ek_norm_point_forward(&norm, x, shift(at.point.parameters), y.start)
    return y.start
  }

  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    self.dy = dy
    let target = hasTangentInput ? dx.start : nil
    ek_norm_point_backward(&norm, dy, target)
    for feature in 0..<norm.features {
      scale(at.gradient)?[feature] = Float(norm.dscale[feature])
      shift(at.gradient)?[feature] = Float(norm.dshift[feature])
    }
    return target
  }

  func forwardTangent(_ tangent: UnsafeMutablePointer<Float>?, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    let direction = at.direction.parameters
    ek_norm_point_forward_tangent(&norm, tangent, scale(direction), shift(direction), yTangent.start)
    return yTangent.start
  }

  func backwardTangent(_ tangent: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    let target = hasTangentInput ? dxTangent.start : nil
    ek_norm_point_backward_tangent(
      &norm, dy, tangent, scale(at.direction.parameters), shift(at.product), scale(at.product), target)
    return target
  }
}

/// The largest value of each window; tangents follow the place where it was, which does not move (the first of equal ones).
final class MaxPoolStep: LinearStep {
  private let hasTangentInput: Bool
  private let height, width: Windows.Axis
  private let channels: Int
  /// For each output, where in the example its value came from.
  private var sources: [Int32]
  private let inputLength, outputLength: Int
  private let y, yTangent, dx, dxTangent: AlignedFloats

  init(_ pool: MaxPool, _ site: LayerSite, hasTangentInput: Bool) throws {
    self.hasTangentInput = hasTangentInput
    (height, width) = try pool.windows.axes(of: site.input, kind: MaxPool.kind)
    channels = site.input.featureCount
    (inputLength, outputLength) = (site.input.count, site.output.count)
    let (inputs, outputs) = (site.maximumRows * inputLength, site.maximumRows * outputLength)
    sources = Array(repeating: 0, count: outputs)
    y = AlignedFloats(count: outputs)
    yTangent = AlignedFloats(count: hasTangentInput ? outputs : 0)
    dx = AlignedFloats(count: hasTangentInput ? inputs : 0)
    dxTangent = AlignedFloats(count: hasTangentInput ? inputs : 0)
  }

  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float> {
    for output in sources.indices {
      let (row, place) = (output / outputLength, output % outputLength)
      let channel = place % channels
      let (top, left) = (
        place / channels / width.output * height.stride, place / channels % width.output * width.stride
      )
      var best: Int?
      for i in 0..<height.kernel {
        let h = top + i - height.before
        guard (0..<height.extent).contains(h) else { continue }
        for j in 0..<width.kernel {
          let w = left + j - width.before
          guard (0..<width.extent).contains(w) else { continue }
          let source = (h * width.extent + w) * channels + channel
          if best == nil || x[row * inputLength + source] > x[row * inputLength + best!] { best = source }
        }
      }
      sources[output] = Int32(best!)
      y.start[output] = x[row * inputLength + best!]
    }
    return y.start
  }

  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    scatter(dy, to: dx)
  }

  func forwardTangent(_ tangent: UnsafeMutablePointer<Float>?, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    guard let tangent else { return nil }
    for output in sources.indices {
      yTangent.start[output] = tangent[output / outputLength * inputLength + Int(sources[output])]
    }
    return yTangent.start
  }

  func backwardTangent(_ tangent: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    scatter(tangent, to: dxTangent)
  }

  private func scatter(_ dy: UnsafeMutablePointer<Float>, to target: AlignedFloats) -> UnsafeMutablePointer<Float>? {
    guard hasTangentInput else { return nil }
    target.start.update(repeating: 0, count: target.count)
    for output in sources.indices {
      target.start[output / outputLength * inputLength + Int(sources[output])] += dy[output]
    }
    return target.start
  }
}
