import Evenkeel
import Glibc

/// One step of a network at a point of its loss surface: its value, its gradient, and the derivatives of both in a direction
/// (the R-operator of Pearlmutter 1994, "Fast exact multiplication by the Hessian").
///
/// The four functions are called in this order, the first two once a point, the others once a direction. Each returns memory
/// of its own, `rows` × the length of what it stands for. A tangent is nil where it is 0 whatever the direction: in front of
/// the first parameter. Gradients with respect to such values are not wanted.
protocol LinearStep: AnyObject {
  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float>
  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float>?
  func forwardTangent(
    _ x: UnsafeMutablePointer<Float>?, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>?
  func backwardTangent(
    _ dy: UnsafeMutablePointer<Float>, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>?
}

/// The parameters at which a network is linearised, the direction, and where derivatives go.
final class Linearization {
  let layout: ParameterLayout
  let rows: Int
  let threads: Int
  /// w, and w with its biases at 0: what layers that are linear in their input multiply a tangent with.
  let point: ModelState
  let pointWithoutBias: ModelState
  /// v.
  let direction: ModelState
  /// ∇L(w) and H v.
  let gradient: AlignedFloats
  let product: AlignedFloats
  /// Room for a part of `product`.
  let part: AlignedFloats

  init(_ surface: LossSurface) {
    layout = surface.layout
    rows = surface.rows
    threads = surface.threads
    point = ModelState(copying: surface.state)
    pointWithoutBias = ModelState(copying: surface.state)
    direction = ModelState(copying: surface.state)
    gradient = AlignedFloats(count: layout.count)
    product = AlignedFloats(count: layout.count)
    part = AlignedFloats(count: layout.count)
  }

  func move(to values: [Float]) {
    point.parameters.start.update(from: values, count: layout.count)
    pointWithoutBias.parameters.start.update(from: values, count: layout.count)
    for entry in layout.entries where entry.description.role == .bias {
      (pointWithoutBias.parameters.start + entry.offset).update(repeating: 0, count: entry.count)
    }
    point.noteChange()
    pointWithoutBias.noteChange()
  }

  func turn(to values: [Float]) {
    direction.parameters.start.update(from: values, count: layout.count)
    direction.noteChange()
  }
}

/// Steps one after the other; in a residual block what the shortcut gives is added.
final class LinearSequence: LinearStep {
  private let steps: [any LinearStep]
  private let shortcut: LinearSequence?
  private let sums: [AlignedFloats]

  /// - Parameter shortcut: Given with the lengths of one input and one output example.
  init(_ steps: [any LinearStep], shortcut: (LinearSequence, inputs: Int, outputs: Int)? = nil, rows: Int = 0) {
    self.steps = steps
    self.shortcut = shortcut?.0
    // y, dx and their tangents.
    sums =
      shortcut.map { [$0.outputs, $0.inputs, $0.outputs, $0.inputs].map { AlignedFloats(count: rows * $0) } } ?? []
  }

  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float> {
    let y = try steps.reduce(x) { try $1.forward($0, at) }
    return try shortcut.map { add(y, try $0.forward(x, at), 0)! } ?? y
  }

  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float>? {
    let dx = try back(dy) { try $0.backward($1, at) }
    return try shortcut.map { add(dx, try $0.backward(dy, at), 1) } ?? dx
  }

  func forwardTangent(
    _ x: UnsafeMutablePointer<Float>?, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>? {
    let y = try steps.reduce(x) { try $1.forwardTangent($0, at) }
    return try shortcut.map { add(y, try $0.forwardTangent(x, at), 2) } ?? y
  }

  func backwardTangent(
    _ dy: UnsafeMutablePointer<Float>, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>? {
    let dx = try back(dy) { try $0.backwardTangent($1, at) }
    return try shortcut.map { add(dx, try $0.backwardTangent(dy, at), 3) } ?? dx
  }

  /// From the last step to the first that gives a gradient.
  private func back(
    _ dy: UnsafeMutablePointer<Float>,
    _ body: (any LinearStep, UnsafeMutablePointer<Float>) throws -> UnsafeMutablePointer<Float>?
  ) rethrows -> UnsafeMutablePointer<Float>? {
    var gradient: UnsafeMutablePointer<Float>? = dy
    for step in steps.reversed() {
      guard let given = gradient else { return nil }
      gradient = try body(step, given)
    }
    return gradient
  }

  private func add(
    _ a: UnsafeMutablePointer<Float>?, _ b: UnsafeMutablePointer<Float>?, _ place: Int
  ) -> UnsafeMutablePointer<Float>? {
    guard let a, let b else { return a ?? b }
    let sum = sums[place]
    for index in 0..<sum.count { sum.start[index] = a[index] + b[index] }
    return sum.start
  }
}

/// A layer that is linear in its input and in its weights apart: dense layers and convolutions. With y = W x + b
///
///     ẏ  = Ẇ x + ḃ + W ẋ
///     dẆ = dẏ xᵀ + dy ẋᵀ      dḃ = Σ dẏ      dẋ = Wᵀ dẏ + Ẇᵀ dy
///
/// so that each half is the layer's own forward or backward, with other operands.
final class BilinearStep: LinearStep {
  private let call: LayerCall
  private let hasTangentInput: Bool
  private let weight: Range<Int>
  private let y, yTangent, dx, dxTangent, other: AlignedFloats
  private var x: UnsafeMutablePointer<Float>!
  private var xTangent: UnsafeMutablePointer<Float>?
  private var dy: UnsafeMutablePointer<Float>!

  init(_ layer: any Layer, _ site: LayerSite, _ layout: ParameterLayout, hasTangentInput: Bool) throws {
    call = try LayerCall(layer, site, layout)
    self.hasTangentInput = hasTangentInput
    let start = call.offsets[0]
    weight = start..<start + layout.entries.first { $0.offset == start }!.count
    let (inputs, outputs) = (site.maximumRows * site.input.count, site.maximumRows * site.output.count)
    y = AlignedFloats(count: outputs)
    yTangent = AlignedFloats(count: outputs)
    dx = AlignedFloats(count: hasTangentInput ? inputs : 0)
    dxTangent = AlignedFloats(count: hasTangentInput ? inputs : 0)
    other = AlignedFloats(count: hasTangentInput ? max(inputs, outputs) : 0)
  }

  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float> {
    self.x = x
    try call.forward(x, at.point, y.start, at)
    return y.start
  }

  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float>? {
    self.dy = dy
    let target = hasTangentInput ? dx.start : nil
    try call.backward(x, y.start, at.point, dy, target, at.gradient, at)
    return target
  }

  func forwardTangent(
    _ tangent: UnsafeMutablePointer<Float>?, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>? {
    xTangent = tangent
    try call.forward(x, at.direction, yTangent.start, at)
    if let tangent {
      try call.forward(tangent, at.pointWithoutBias, other.start, at)
      for index in 0..<yTangent.count { yTangent.start[index] += other.start[index] }
    }
    return yTangent.start
  }

  func backwardTangent(
    _ tangent: UnsafeMutablePointer<Float>, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>? {
    let target = hasTangentInput ? dxTangent.start : nil
    try call.backward(x, y.start, at.point, tangent, target, at.product, at)
    guard let xTangent, let target else { return target }
    try call.backward(xTangent, y.start, at.direction, dy, other.start, at.part, at)
    for index in 0..<dxTangent.count { target[index] += other.start[index] }
    for index in weight { at.product.start[index] += at.part.start[index] }
    return target
  }
}

/// A layer that is linear and learns nothing: it does to tangents what it does to values.
final class FixedLinearStep: LinearStep {
  private let call: LayerCall
  private let hasTangentInput: Bool
  private let y, yTangent, dx, dxTangent: AlignedFloats
  private var x: UnsafeMutablePointer<Float>!

  init(_ layer: any Layer, _ site: LayerSite, _ layout: ParameterLayout, hasTangentInput: Bool) throws {
    call = try LayerCall(layer, site, layout)
    self.hasTangentInput = hasTangentInput
    let (inputs, outputs) = (site.maximumRows * site.input.count, site.maximumRows * site.output.count)
    y = AlignedFloats(count: outputs)
    yTangent = AlignedFloats(count: hasTangentInput ? outputs : 0)
    dx = AlignedFloats(count: hasTangentInput ? inputs : 0)
    dxTangent = AlignedFloats(count: hasTangentInput ? inputs : 0)
  }

  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float> {
    self.x = x
    try call.forward(x, at.point, y.start, at)
    return y.start
  }

  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float>? {
    guard hasTangentInput else { return nil }
    try call.backward(x, y.start, at.point, dy, dx.start, at.gradient, at)
    return dx.start
  }

  func forwardTangent(
    _ tangent: UnsafeMutablePointer<Float>?, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>? {
    guard let tangent else { return nil }
    try call.forward(tangent, at.point, yTangent.start, at)
    return yTangent.start
  }

  func backwardTangent(
    _ tangent: UnsafeMutablePointer<Float>, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>? {
    guard hasTangentInput else { return nil }
    try call.backward(x, y.start, at.point, tangent, dxTangent.start, at.product, at)
    return dxTangent.start
  }
}

/// The engine's operation of a layer, run on operands of one's choice.
struct LayerCall {
  private let operation: any Evenkeel.Operation
  private let inputLength, outputLength: Int
  /// Where the layer's parameters start.
  let offsets: [Int]
  private let scratch: AlignedFloats

  init(_ layer: any Layer, _ site: LayerSite, _ layout: ParameterLayout) throws {
    operation = try layer.makeOperation(for: site)
    inputLength = site.input.count
    outputLength = site.output.count
    offsets = layout.offsets[site.name] ?? []
    scratch = AlignedFloats(count: operation.scratchCount)
  }

  func forward(
    _ x: UnsafeMutablePointer<Float>, _ parameters: ModelState, _ y: UnsafeMutablePointer<Float>, _ at: Linearization
  ) throws {
    try operation.forward(pass(x, y, nil, nil, parameters, nil, at))
  }

  func backward(
    _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ parameters: ModelState,
    _ dy: UnsafeMutablePointer<Float>, _ dx: UnsafeMutablePointer<Float>?, _ gradients: AlignedFloats,
    _ at: Linearization
  ) throws {
    try operation.backward(pass(x, y, dy, dx, parameters, gradients.start, at))
  }

  private func pass(
    _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ dy: UnsafeMutablePointer<Float>?,
    _ dx: UnsafeMutablePointer<Float>?, _ parameters: ModelState, _ gradients: UnsafeMutablePointer<Float>?,
    _ at: Linearization
  ) -> Pass {
    Pass(
      rows: at.rows, inputLength: inputLength, outputLength: outputLength, input: x, output: y, outputGradient: dy,
      inputGradient: dx, scratch: scratch.start, state: parameters, parameterGradients: gradients,
      parameterOffsets: offsets, threads: at.threads)
  }
}
