import Kernels
import Primitives

/// The three products of a dense layer with operands rounded to bfloat16 and sums in float32. The rounded input is kept
/// for the backward; weights are rounded once per step.
struct BFloat16DenseOperation: LayerOperation {
  private let hasBias: Bool
  private let inputs, outputs: Int
  /// The vectors of an example, which all meet the same weights.
  private let positions: Int
  /// The outputs whose gradients are computed at once: enough that bringing the inputs into order pays.
  private let outputsAtOnce: Int
  private let forwardProduct: PrimitivesByRows
  private let backwardProduct, gradient, restGradient: PrimitivesByRows?
  /// The weights as the forward asks for them, and as the gradient of the input does.
  private let packed, packedBackward: AlignedFloats
  /// Floats of workspace for the rounded gradient of the output, and for the weights' gradient of a block in oneDNN's order; a
  /// primitive's memory follows them.
  private let operandCount, sumsCount: Int
  let scratchCount: Int
  let workspaceCount: Int

  init(hasBias: Bool, site: LayerSite) throws {
    self.hasBias = hasBias
    (inputs, outputs) = (site.input.featureCount, site.output.featureCount)
    positions = site.input.count / inputs
    let isTraining = site.purpose == .training
    outputsAtOnce = min(max(64, min(outputs / 8 / 64 * 64, 128)), outputs)
    let atOnce = outputsAtOnce
    let (slice, batch, rest) = (site.maximumSlice * positions, site.maximumRows * positions, outputs % atOnce)
    forwardProduct = try Self.primitives(EK_INNER_FORWARD, rows: slice, outputs: outputs, site)
    backwardProduct =
      isTraining && site.wantsInputGradient
      ? try Self.primitives(EK_INNER_BACKWARD_INPUT, rows: slice, outputs: outputs, site) : nil
    gradient = isTraining ? try Self.primitives(EK_INNER_GRADIENT, rows: batch, outputs: atOnce, site) : nil
    restGradient =
      isTraining && rest > 0 ? try Self.primitives(EK_INNER_GRADIENT, rows: batch, outputs: rest, site) : nil
    packed = AlignedFloats(bytes: ek_inner_product_weights_bytes(forwardProduct.first.handle))
    packedBackward = AlignedFloats(bytes: backwardProduct.map { ek_inner_product_weights_bytes($0.first.handle) } ?? 0)
    scratchCount = BFloat16.floats(holding: batch * inputs)
    operandCount = isTraining ? BFloat16.floats(holding: max(slice * outputs, batch * atOnce)) : 0
    sumsCount = gradient.map { ek_inner_product_weights_bytes($0.first.handle) / MemoryLayout<Float>.stride } ?? 0
    let products = [forwardProduct, backwardProduct, gradient, restGradient].compactMap { $0?.workspaceCount }
    workspaceCount = operandCount + sumsCount + products.max()!
  }

  private static func primitives(
    _ kind: ek_inner_product_kind, rows: Int, outputs: Int, _ site: LayerSite
  ) throws -> PrimitivesByRows {
    try PrimitivesByRows(largest: rows, members: site.members) { rows, like in
      try Primitive(
        "Layer \(site.name) (dense)",
        make: {
          ek_inner_product_create(
            kind, Int64(rows), Int64(site.input.featureCount), Int64(outputs), Int32(site.members), like?.handle, $0)
        },
        workspaceBytes: { ek_inner_product_workspace_bytes($0) }, destroy: { ek_inner_product_destroy($0) })
    }
  }

  var takesSlices: Bool { true }
  /// Its rounded copy is read in place of the input.
  var backwardReads: BackwardReads { [] }

  func preparationBlocks(_ pass: ForwardPass) -> Int { backwardProduct == nil ? 1 : 2 }

  func prepare(_ pass: ForwardPass, block: Int) throws {
    let primitive = block == 0 ? forwardProduct.first : backwardProduct!.first
    try primitive.check(
      ek_inner_product_reorder(
        primitive.handle, Int32(pass.member), pass.parameter(0), block == 0 ? packed.start : packedBackward.start,
        workspace(pass, primitive)))
  }

  private func workspace(_ pass: ForwardPass, _ primitive: Primitive) -> UnsafeMutableRawPointer {
    primitive.workspace(pass.workspace + operandCount + sumsCount, member: pass.member)
  }

  func forward(_ pass: ForwardPass) throws {
    let rows = pass.rows * positions
    let primitive = try forwardProduct(rows)
    let input = BFloat16.numbers(at: pass.scratch) + pass.slices[pass.slice].lowerBound * positions * inputs
    ek_to_bfloat16(pass.input, rows * inputs, input)
    try primitive.check(
      ek_inner_product_run(
        primitive.handle, Int32(pass.member), input, packed.start, pass.output, workspace(pass, primitive)))
    if hasBias { ek_add_bias(pass.output, rows, outputs, pass.parameter(1)) }
  }

  func backward(_ pass: BackwardPass) throws {
    guard let inputGradient = pass.inputGradient, let backwardProduct else { return }
    let rows = pass.rows * positions
    let primitive = try backwardProduct(rows)
    let gradient = BFloat16.round(pass.outputGradient, rows * outputs, to: pass.workspace)
    try primitive.check(
      ek_inner_product_run(
        primitive.handle, Int32(pass.forward.member), gradient, packedBackward.start, inputGradient,
        workspace(pass.forward, primitive)))
  }

  var gradientBlocks: Int { gradient == nil ? 0 : (outputs - 1) / outputsAtOnce + 1 }

  /// The rounded inputs are in scratch.
  func gatherRows(_ pass: BackwardPass) throws {
    try pass.gatherRows([])
    try pass.forward.exchange?.gather(pass.scratch, bytesOfRow: positions * inputs * MemoryLayout<UInt16>.stride)
  }

  func gradientStart(ofBlock block: Int, parameter: Int) -> Int? {
    min(block * outputsAtOnce, outputs) * (parameter == 0 ? inputs : 1)
  }

  func parameterGradients(_ pass: BackwardPass, block: Int) throws {
    let (first, rows) = (block * outputsAtOnce, pass.rows * positions)
    let count = min(outputsAtOnce, outputs - first)
    let products = count == outputsAtOnce ? gradient! : restGradient!
    let primitive = try products(rows)
    let (rounded, values) = (BFloat16.numbers(at: pass.workspace), pass.outputGradient + first)
    if count == outputs {
      ek_to_bfloat16(values, rows * outputs, rounded)
    } else {
      for row in 0..<rows { ek_to_bfloat16(values + row * outputs, count, rounded + row * count) }
    }
    let sums = pass.workspace + operandCount
    let (member, workspace) = (Int32(pass.forward.member), workspace(pass.forward, primitive))
    try primitive.check(
      ek_inner_product_run(
        primitive.handle, member, BFloat16.numbers(at: pass.scratch), rounded, sums, workspace))
    try primitive.check(
      ek_inner_product_reorder(
        primitive.handle, member, sums, pass.parameterGradient(0) + first * inputs, workspace))
    if hasBias { ek_column_sums(values, rows, outputs, count, pass.parameterGradient(1) + first) }
  }
}
