import Evenkeel
import Kernels

/// The engine's operation of a layer, run on arbitrary operands.
struct LayerCall {
  private let operation: any LayerOperation
  private let inputLength, outputLength: Int
  /// Where the layer's parameters start.
  let offsets: [Int]
  private let scratch, sliceScratch, workspace: AlignedFloats
  private let places: LayerPlaces
  /// The one slice, of all rows.
  private let bounds: Bounds

  init(_ layer: any Layer, _ site: LayerSite, _ layout: ParameterLayout) throws {
    operation = try layer.makeOperation(for: site)
    inputLength = site.input.count
    outputLength = site.output.count
    offsets = layout.offsets[site.name] ?? []
    places = layout.places(of: site.name)
    bounds = Bounds(rows: site.maximumRows)
    scratch = AlignedFloats(count: operation.scratchCount)
    sliceScratch = AlignedFloats(count: operation.sliceScratchCount)
    workspace = AlignedFloats(count: operation.workspaceCount)
  }

  func forward(
    _ x: UnsafeMutablePointer<Float>, _ parameters: ModelState, _ y: UnsafeMutablePointer<Float>, _ at: Linearization
  ) throws {
    try operation.forward(prepared(x, y, parameters, at))
  }

  func backward(
    _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ parameters: ModelState,
    _ dy: UnsafeMutablePointer<Float>, _ dx: UnsafeMutablePointer<Float>?, _ gradients: AlignedFloats,
    _ at: Linearization
  ) throws {
    let pass = BackwardPass(
      try prepared(x, y, parameters, at), outputGradient: dy, inputGradient: dx, gradients: gradients.start)
    try operation.backward(pass)
    for block in 0..<operation.gradientBlocks { try operation.parameterGradients(pass, block: block) }
  }

  /// A pass for which the operation has derived what it needs from these parameters.
  private func prepared(
    _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ parameters: ModelState, _ at: Linearization
  ) throws -> ForwardPass {
    let pass = ForwardPass(
      purpose: .training, rows: at.rows, inputLength: inputLength, outputLength: outputLength, input: UnsafePointer(x),
      output: y, scratch: scratch.start, sliceScratch: sliceScratch.start, workspace: workspace.start,
      slices: bounds.view, memory: parameters.memory(places))
    for block in 0..<operation.preparationBlocks(pass) { try operation.prepare(pass, block: block) }
    return pass
  }
}

/// The bounds of a batch that is not cut.
private final class Bounds {
  private let rows: UnsafeMutablePointer<Int>
  var view: SliceBounds { SliceBounds(rows, count: 1) }

  init(rows count: Int) {
    rows = .allocate(capacity: 2)
    (rows[0], rows[1]) = (0, count)
  }

  deinit { rows.deallocate() }
}

/// A layer that is linear in its input and in its weights, separately: dense layers and convolutions. With y = W x + b
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
      ek_add(yTangent.start, other.start, yTangent.count, yTangent.start, Int32(at.threads))
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
    ek_add(target, other.start, dxTangent.count, target, Int32(at.threads))
    let product = at.product.start + weight.lowerBound
    ek_add(product, at.part.start + weight.lowerBound, weight.count, product, Int32(at.threads))
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
