import Evenkeel

/// A dense layer whose weights are a direction and a length per unit: w = g v / |v| (Salimans and Kingma 2016).
///
/// v, g and the bias are learned; the layer makes W in its scratch memory and lets the operation of `dense` do the
/// rest, whatever it is: the precision is that of the run. Names and shapes are those of PyTorch's
/// `torch.nn.utils.weight_norm`.
public struct WeightNorm: Layer {
  public static let kind = "exampleWeightNorm"

  /// The layer that is wrapped: units, bias and initialization.
  public var dense: Dense

  /// Weight normalization of `dense`. In a network file: `exampleWeightNorm: {dense: 100}`.
  public init(_ dense: Dense) { self.dense = dense }

  public func outputShape(for input: Shape) throws -> Shape { try dense.outputShape(for: input) }

  /// What `dense` leaves open: a bias or none, and how weights start.
  public func resolved(before next: NextLayers) -> WeightNorm { WeightNorm(dense.resolved(before: next)) }

  /// v starts as the weights of `dense` would, and g at the length that v has then on average, so that W starts like
  /// them.
  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    let units = dense.units
    let inner = try dense.parameters(for: input)
    let deviation = dense.initialization.deviation(inputs: input.count, outputs: units)
    let length = Float(deviation * Double(input.count).squareRoot())
    return [
      ParameterDescription(name: "weight_v", shape: inner[0].shape, role: .weight, start: inner[0].start),
      ParameterDescription(name: "weight_g", shape: [units, 1], role: .scale, start: .constant(length)),
    ] + inner.dropFirst()
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    WeightNormOperation(
      units: dense.units, inputs: site.input.count, hasBias: try dense.parameters(for: site.input).count > 1,
      inner: try dense.makeOperation(for: site.inner()))
  }
}

/// Makes W before the inner operation runs forward, and takes its gradient apart after it has run backward.
///
/// Scratch: W and the bias, their gradients, and then that of the inner operation.
private struct WeightNormOperation: LayerOperation {
  let units: Int
  let inputs: Int
  let hasBias: Bool
  let inner: any LayerOperation

  /// W and the bias; each part of scratch begins at a multiple of 64 bytes.
  private var innerCount: Int { (units * inputs + (hasBias ? units : 0) + 15) / 16 * 16 }
  private var offsets: [Int] { hasBias ? [0, units * inputs] : [0] }

  var backwardReads: BackwardReads { inner.backwardReads }
  var scratchCount: Int { 2 * innerCount + inner.scratchCount }
  var sliceScratchCount: Int { inner.sliceScratchCount }
  var workspaceCount: Int { inner.workspaceCount }

  func forward(_ pass: ForwardPass) throws {
    let (v, g, w) = (pass.parameter(0), pass.parameter(1), pass.scratch)
    for unit in 0..<units {
      let row = unit * inputs..<(unit + 1) * inputs
      let inverse = inverseLength(v, row)
      for i in row { w[i] = Float(Double(g[unit]) * inverse * Double(v[i])) }
    }
    if hasBias { (w + units * inputs).update(from: pass.parameter(2), count: units) }
    try inner.runForward(pass.inner(parameters: w, offsets: offsets, scratch: pass.scratch + 2 * innerCount))
  }

  /// With v̂ = v / |v| and the gradient dW: dg = dW · v̂ and dv = g / |v| (dW − dg v̂).
  func backward(_ pass: BackwardPass) throws {
    let dw = pass.scratch + innerCount
    try inner.runBackward(
      pass.inner(parameters: pass.scratch, offsets: offsets, gradients: dw, scratch: pass.scratch + 2 * innerCount))
    let (v, g) = (pass.parameter(0), pass.parameter(1))
    let (dv, dg) = (pass.parameterGradient(0), pass.parameterGradient(1))
    for unit in 0..<units {
      let row = unit * inputs..<(unit + 1) * inputs
      let inverse = inverseLength(v, row)
      let along = row.reduce(0) { $0 + Double(dw[$1]) * Double(v[$1]) } * inverse
      dg[unit] = Float(along)
      for i in row { dv[i] = Float(Double(g[unit]) * inverse * (Double(dw[i]) - along * inverse * Double(v[i]))) }
    }
    if hasBias { pass.parameterGradient(2).update(from: dw + units * inputs, count: units) }
  }

  /// 1 / |v| of one unit; 0 where v is.
  private func inverseLength(_ v: UnsafePointer<Float>, _ row: Range<Int>) -> Double {
    let square = row.reduce(0) { $0 + Double(v[$1]) * Double(v[$1]) }
    return square > 0 ? 1 / square.squareRoot() : 0
  }
}
