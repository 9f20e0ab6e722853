import Evenkeel
import Kernels
import Primitives

/// The Hessian H = ∇²L(w) of a loss surface at a point, as products with vectors: exact, by forward-over-reverse
/// differentiation (Pearlmutter 1994), through the statistics of every batch norm.
///
/// A product costs about two gradients and never forms H. Values and products are floats; sums over a norm's rows and over
/// losses are taken in double. Against finite differences of a Double reference's gradient a product was off by 1.3·10⁻⁷ of its
/// norm (median of 184 small networks), 4.6·10⁻⁷ at most; the tests hold it to 2·10⁻⁶.
///
/// ReLU's second derivative is taken as 0 (true except at the kink), and so is the movement of a maximum in a
/// `MaxPool`: H is then that of the piece of the surface on which the point lies.
///
/// ```swift
/// let spectrum = try Hessian(of: LossSurface(model, examples: training)).spectrum(leading: 2)
/// print(spectrum.largest[0].value / spectrum.largest[1].value)
/// ```
public final class Hessian {
  /// The surface.
  public let surface: LossSurface
  /// L(w).
  public private(set) var loss = 0.0
  /// Coordinates to which H is restricted: rows and columns of others are 0. All parameters by default.
  public var selection: [Range<Int>]
  private let at: Linearization
  private let steps: LinearSequence
  private let outputGradient, outputGradientTangent: AlignedFloats
  private var outputs: UnsafeMutablePointer<Float>!

  /// The Hessian of `surface` at `point`, by default where the model is.
  /// - Throws: `EvenkeelError` with code `usage` that names a layer whose second derivatives are not known, with code `data` if
  ///   the loss is not finite at the point.
  public init(of surface: LossSurface, at point: [Float]? = nil) throws {
    self.surface = surface
    selection = surface.ranges()
    at = try Linearization(surface)
    var builder = StepBuilder(surface)
    steps = try builder.sequence(surface.network.items)
    outputGradient = AlignedFloats(count: surface.rows * surface.width)
    outputGradientTangent = AlignedFloats(count: surface.rows * surface.width)
    try move(to: point ?? surface.point)
  }

  /// ∇L(w).
  public var gradient: [Float] { Array(at.gradient.buffer) }
  /// The number of coordinates that are selected.
  public var dimension: Int { selection.reduce(0) { $0 + $1.count } }

  /// Moves to another point of the surface.
  /// - Throws: `EvenkeelError` with code `data` if the loss is not finite there.
  public func move(to point: [Float]) throws {
    precondition(
      point.count == surface.count, "A point of this surface has \(surface.count) numbers, not \(point.count).")
    at.move(to: point)
    outputs = try steps.forward(surface.inputs.start, at)
    let sums = surface.loss.evaluate(
      outputs, rows: surface.rows, width: surface.width, targets: surface.targets, gradient: outputGradient.start)
    guard sums.loss.isFinite else { throw EvenkeelError.data("The loss is \(sums.loss) at this point of its surface.") }
    loss = sums.loss / Double(surface.rows)
    _ = try steps.backward(outputGradient.start, at)
  }

  /// H v, restricted to `selection` on both sides.
  public func times(_ v: [Float]) throws -> [Float] {
    precondition(v.count == surface.count, "A direction on this surface has \(surface.count) numbers, not \(v.count).")
    at.turn(to: selected(v))
    guard let tangent = try steps.forwardTangent(nil, at) else { return Array(repeating: 0, count: v.count) }
    surface.loss.gradientTangent(
      outputs, tangent, targets: surface.targets, rows: surface.rows, width: surface.width,
      into: outputGradientTangent.start)
    _ = try steps.backwardTangent(outputGradientTangent.start, at)
    return selected(Array(at.product.buffer))
  }

  /// `v` with unselected coordinates set to 0.
  func selected(_ v: [Float]) -> [Float] {
    var result = [Float](repeating: 0, count: v.count)
    for range in selection { result.replaceSubrange(range, with: v[range]) }
    return result
  }
}

/// Turns layers into steps.
private struct StepBuilder {
  private let layout: ParameterLayout
  private let rows: Int
  private var isInput = true
  /// Whether a parameter came before, so that the input moves with the direction.
  private var moves = false

  init(_ surface: LossSurface) {
    layout = surface.layout
    rows = surface.rows
  }

  mutating func sequence(
    _ items: [PlacedNetwork.Item], shortcut: (LinearSequence, inputs: Int, outputs: Int)? = nil
  ) throws -> LinearSequence {
    var steps: [any LinearStep] = []
    for item in items {
      switch item {
      case .block(let block):
        let (entryIsInput, entryMoves) = (isInput, moves)
        let past = try sequence(block.shortcut)
        let pastMoves = moves
        (isInput, moves) = (entryIsInput, entryMoves)
        steps.append(try sequence(block.items, shortcut: (past, block.input.count, block.output.count)))
        moves = moves || pastMoves
      case .layer(let placed):
        guard let step = try step(placed) else { continue }
        steps.append(step)
        moves = moves || !placed.parameters.isEmpty
      }
      isInput = false
    }
    return LinearSequence(steps, shortcut: shortcut, rows: rows)
  }

  /// nil where values pass unchanged.
  private mutating func step(_ placed: PlacedLayer) throws -> (any LinearStep)? {
    let site = LayerSite(
      input: placed.input, output: placed.output, name: placed.path, maximumRows: rows, purpose: .training)
    switch placed.layer {
    case let layer where layer.traits.contains(.random):
      isInput = false
      return nil
    case is Reshape: return nil
    case is Flatten where Flatten.isView(of: placed.input, isNetworkInput: isInput): return nil
    case is Flatten, is AveragePool, is GlobalAveragePool:
      return try FixedLinearStep(placed.layer, site, layout, hasTangentInput: moves)
    case let pool as MaxPool: return try MaxPoolStep(pool, site, hasTangentInput: moves)
    case is Dense, is Convolution, is DepthwiseConvolution, is Convolution1D:
      return try BilinearStep(placed.layer, site, layout, hasTangentInput: moves)
    case let norm as BatchNorm: return try NormStep(norm, site, layout, hasTangentInput: moves)
    case let layer:
      guard let activation = layer.activationFunction, let derivatives = layer.activationDerivatives else {
        throw EvenkeelError.usage(
          "Layer \(placed.path) (\(type(of: layer).kind)): its second derivatives are unknown, so there is no Hessian."
        )
      }
      return ActivationStep(activation, derivatives, site, hasTangentInput: moves)
    }
  }
}

extension Loss {
  /// The derivative of the gradient of the mean loss where the outputs move by `tangent`: H_loss · tangent. Of softmax
  /// cross-entropy it is p (ż − Σ p ż) / m, whatever the targets; of sigmoid cross-entropy p (1 − p) ż / (m · width); of the
  /// squared error 2 ż / (m · width); of Huber's loss ż / (m · width) within delta, 0 beyond.
  func gradientTangent(
    _ outputs: UnsafePointer<Float>, _ tangent: UnsafePointer<Float>, targets: BatchTargets, rows: Int, width: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    let count = rows * width
    switch kind {
    case .softmaxCrossEntropy:
      ek_softmax(outputs, rows, width, result)
      for row in 0..<rows {
        let range = row * width..<(row + 1) * width
        let mean = range.reduce(0.0) { $0 + Double(result[$1]) * Double(tangent[$1]) }
        for at in range { result[at] = Float(Double(result[at]) * (Double(tangent[at]) - mean) / Double(rows)) }
      }
    case .sigmoidCrossEntropy:
      ek_activation_forward(outputs, count, EK_SIGMOID, 0, result)
      for at in 0..<count {
        result[at] = Float(Double(result[at]) * (1 - Double(result[at])) * Double(tangent[at]) / Double(count))
      }
    case .meanSquaredError:
      for at in 0..<count { result[at] = Float(2 * Double(tangent[at]) / Double(count)) }
    case .huber(let delta):
      for at in 0..<count {
        let isQuadratic = abs(Double(outputs[at]) - Double(targets.values[at])) <= delta
        result[at] = isQuadratic ? Float(Double(tangent[at]) / Double(count)) : 0
      }
    }
  }
}
