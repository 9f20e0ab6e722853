import Evenkeel
import Kernels

/// a = g(z): ȧ = g′(z) ż, dż = g′(z) dȧ + g″(z) da ż. For ReLU and its relatives g″ is 0 except at the kink, where it
/// is taken as 0.
final class ActivationStep: LinearStep {
  private let activation: Activation
  private let derivatives: ActivationDerivatives
  private let hasTangentInput: Bool
  private let y, slope, curvature, yTangent, dx, dxTangent: AlignedFloats
  private var xTangent: UnsafeMutablePointer<Float>?
  private var dy: UnsafeMutablePointer<Float>!

  init(
    _ activation: Activation, _ derivatives: @escaping ActivationDerivatives, _ site: LayerSite, hasTangentInput: Bool
  ) {
    self.activation = activation
    self.derivatives = derivatives
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
    ek_activation_forward(x, y.count, activation.kernel, activation.slope, y.start)
    let (firsts, seconds, derivatives) = (slope.start, curvature.start, derivatives)
    for index in 0..<slope.count {
      let (first, second) = derivatives(Double(x[index]))
      firsts[index] = Float(first)
      seconds[index] = Float(second)
    }
    return y.start
  }

  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    self.dy = dy
    guard hasTangentInput else { return nil }
    return product(dy, slope, dx)
  }

  func forwardTangent(_ tangent: UnsafeMutablePointer<Float>?, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    xTangent = tangent
    guard let tangent else { return nil }
    return product(tangent, slope, yTangent)
  }

  func backwardTangent(_ tangent: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    guard let xTangent else { return nil }
    let (result, first, second, dy) = (dxTangent.start, slope.start, curvature.start, dy!)
    for index in 0..<dxTangent.count {
      result[index] = tangent[index] * first[index] + dy[index] * xTangent[index] * second[index]
    }
    return result
  }

  private func product(
    _ a: UnsafeMutablePointer<Float>, _ b: AlignedFloats, _ result: AlignedFloats
  ) -> UnsafeMutablePointer<Float> {
    let (b, c) = (b.start, result.start)
    for index in 0..<result.count { c[index] = a[index] * b[index] }
    return c
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
  private let path: String
  private var dy: UnsafeMutablePointer<Float>!

  init(_ options: BatchNorm, _ site: LayerSite, _ layout: ParameterLayout, hasTangentInput: Bool) throws {
    self.options = options
    self.hasTangentInput = hasTangentInput
    offsets = layout.offsets[site.name] ?? []
    path = site.name
    // An option that this step does not know would be ignored silently.
    let known = BatchNorm(
      epsilon: options.epsilon, averaging: options.averaging, debiased: options.debiased,
      runningVariance: options.runningVariance, scale: options.scale, shift: options.shift,
      initialScale: options.initialScale, frozen: options.frozen)
    guard options == known else {
      throw EvenkeelError.usage(
        "Layer \(site.name) (batchNorm): second derivatives are known only for plain batch norm, so there is no Hessian."
      )
    }
    let count = site.maximumRows * site.input.count
    let features = site.input.featureCount
    guard count > features || options.frozen else {
      throw NormFailure.oneValue.error(site.name, BatchNorm.kind)
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
      n: n.start, n_tangent: nTangent.start, mean: doubles, s: doubles + features, sum_dz: doubles + 2 * features,
      sum_dz_n: doubles + 3 * features, k: doubles + 4 * features, sums: doubles + 5 * features)
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
      let running = RunningStatisticsView(at.point.buffers(of: path), features: norm.features)
      for feature in 0..<norm.features {
        norm.mean[feature] = Double(running.mean[feature])
        norm.s[feature] = ek_inverse_deviation(Double(running.variance[feature]), options.epsilon)
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
      scale(at.gradient)?[feature] = Float(norm.sum_dz_n[feature])
      shift(at.gradient)?[feature] = Float(norm.sum_dz[feature])
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
