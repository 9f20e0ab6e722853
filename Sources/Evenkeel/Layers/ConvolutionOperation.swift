import Kernels
import Primitives

/// A convolution by oneDNN's direct algorithm: y = x ∗ W + b; dW = x ∗ dy, db = Σ dy, dx = dy ∗ Wᵀ.
///
/// In bfloat16, x, W and dy are rounded and their products summed in float32.
struct ConvolutionOperation: LayerOperation {
  private let primitives: PrimitivesByRows
  private let gradient: ConvolutionGradient?
  /// The weights in the order that oneDNN asks for.
  private let packed: AlignedFloats
  private let hasBias: Bool
  private let precision: Precision
  /// Floats for a rounded operand; a primitive's workspace follows it.
  private let operandCount: Int
  private let outputs: Int
  let workspaceCount: Int

  /// - Throws: `EvenkeelError` with code `internal` if oneDNN refuses it.
  init(_ filter: ConvolutionSpec, windows: ek_windows, site: LayerSite) throws {
    let hasBias = filter.bias == .present
    self.hasBias = hasBias
    precision = site.precision
    outputs = site.output.featureCount
    let isTraining = site.purpose == .training
    let wantsInputGradient = isTraining && site.wantsInputGradient
    primitives = try PrimitivesByRows(largest: site.maximumSlice, members: site.members) { rows, like in
      var windows = windows
      windows.rows = Int64(rows)
      return try Primitive(
        "Layer \(site.name) (\(filter.kind))",
        make: {
          ek_convolution_create(
            &windows, hasBias ? 1 : 0, wantsInputGradient ? 1 : 0, site.precision == .bfloat16 ? 1 : 0,
            Int32(site.members),
            like?.handle, $0)
        },
        workspaceBytes: { ek_convolution_workspace_bytes($0) }, destroy: { ek_convolution_destroy($0) })
    }
    packed = AlignedFloats(bytes: ek_convolution_packed_bytes(primitives.first.handle))
    operandCount =
      precision == .float32
      ? 0 : BFloat16.floats(holding: site.maximumSlice * max(site.input.count, isTraining ? site.output.count : 0))
    gradient = isTraining ? try ConvolutionGradient(filter, windows: windows, site: site) : nil
    workspaceCount = max(operandCount + primitives.workspaceCount, gradient?.workspaceCount ?? 0)
  }

  var takesSlices: Bool { true }
  /// Gradients of the bias, then of the weights.
  var sliceScratchCount: Int { gradient.map { biasCount + ($0.leavesParts ? $0.partCount : 0) } ?? 0 }
  var addsSliceScratch: Bool { gradient?.leavesParts ?? false }
  private var biasCount: Int { hasBias ? GradientParts.biasCount(outputs: outputs) : 0 }

  func preparationBlocks(_ pass: ForwardPass) -> Int { 1 }

  func prepare(_ pass: ForwardPass, block: Int) throws {
    let primitive = primitives.first
    try primitive.check(
      ek_convolution_pack(
        primitive.handle, Int32(pass.member), pass.parameter(0), packed.start,
        primitive.workspace(pass.workspace + operandCount, member: pass.member)))
  }

  func forward(_ pass: ForwardPass) throws {
    let primitive = try primitives(pass.rows)
    let input = precision.operand(pass.input, pass.rows * pass.inputLength, rounded: pass.workspace)
    try primitive.check(
      ek_convolution_forward(
        primitive.handle, Int32(pass.member), input, packed.start, hasBias ? pass.parameter(1) : nil, pass.output,
        primitive.workspace(pass.workspace + operandCount, member: pass.member)))
  }

  func backward(_ pass: BackwardPass) throws {
    if hasBias { pass.leaveBiasGradient(outputs: outputs) }
    if let gradient, gradient.leavesParts { try gradient.addPart(pass, to: pass.sliceScratch + biasCount) }
    guard let inputGradient = pass.inputGradient else { return }
    let primitive = try primitives(pass.rows)
    let gradient = precision.operand(
      pass.outputGradient, pass.rows * pass.outputLength, rounded: pass.workspace)
    try primitive.check(
      ek_convolution_backward_input(
        primitive.handle, Int32(pass.forward.member), gradient, packed.start, inputGradient,
        primitive.workspace(pass.workspace + operandCount, member: pass.forward.member)))
  }

  var gradientBlocks: Int { gradient?.blocks ?? 0 }

  func gatherRows(_ pass: BackwardPass) throws {
    try pass.gatherRows(backwardReads)
    try pass.sumSlices(count: sliceScratchCount)
  }

  func gradientStart(ofBlock block: Int, parameter: Int) -> Int? {
    guard let gradient, !gradient.leavesParts else { return nil }
    // The first block has the whole bias.
    return parameter == 0 ? gradient.start(ofBlock: block) : block == 0 ? 0 : outputs
  }

  func parameterGradients(_ pass: BackwardPass, block: Int) throws {
    guard let gradient else { return }
    try gradient.compute(pass, block: block, partsAt: biasCount)
    if hasBias, block == 0 {
      pass.parameterGradient(1).update(from: pass.mergeSlices(at: 0, count: outputs), count: outputs)
    }
  }
}

extension ConvolutionSpec {
  /// The operation by the algorithm that suits these windows.
  func operation(for site: LayerSite) throws -> any LayerOperation {
    let windows = try ek_windows(windows, kind: kind, groups: groups, rows: site.maximumSlice, site: site)
    // A prediction of one small image would wait for the weights, of which there are four times as many.
    let suits =
      ek_winograd_suits([windows]) != 0
      && (site.purpose == .training || windows.out_height * windows.out_width > 16)
    return suits
      ? try WinogradOperation(self, windows: windows, site: site)
      : try ConvolutionOperation(self, windows: windows, site: site)
  }
}
