import Primitives

/// A convolution by oneDNN: y = x ∗ W + b; dW = x ∗ dy, db = Σ dy, dx = dy ∗ Wᵀ.
///
/// In bfloat16, x, W and dy are rounded and their products summed in float32; the rounded x is kept for the backward.
struct ConvolutionOperation: LayerOperation {
  private let primitives: PerRowCount<ConvolutionPrimitive>
  private let hasBias: Bool
  private let precision: Precision
  /// Floats for the rounded gradient of the output; the primitive's memory follows it.
  private let gradientCount: Int
  private let primitiveCount: Int
  let scratchCount: Int

  init(_ filter: ConvolutionSpec, site: LayerSite) throws {
    let windows = try ek_windows(filter.windows, kind: filter.kind, groups: filter.groups, site: site)
    let hasBias = filter.bias == .present
    self.hasBias = hasBias
    precision = site.precision
    primitives = PerRowCount { rows in
      var windows = windows
      windows.rows = Int64(rows)
      return try ConvolutionPrimitive(windows, hasBias: hasBias, kind: filter.kind, site: site)
    }
    let isRounded = precision == .bfloat16
    scratchCount = isRounded ? BFloat16.floats(holding: site.maximumRows * site.input.count) : 0
    gradientCount =
      isRounded && site.purpose == .training ? BFloat16.floats(holding: site.maximumRows * site.output.count) : 0
    primitiveCount = try primitives(site.maximumRows).scratchBytes / MemoryLayout<Float>.stride
  }

  var workspaceCount: Int { gradientCount + primitiveCount }
  var backwardReads: BackwardReads { precision == .float32 ? .input : [] }

  func forward(_ pass: ForwardPass) throws {
    let primitive = try primitives(pass.rows)
    let workspace = primitive.memory(at: pass.workspace + gradientCount, holding: primitiveCount)
    try primitive.pack(pass, workspace)
    let input = precision.operand(pass.input, pass.rows * pass.inputLength, rounded: pass.scratch)
    try primitive.check(
      ek_convolution_forward(
        primitive.handle, input, primitive.packed.start, hasBias ? pass.parameter(1) : nil, pass.output, workspace))
  }

  func backward(_ pass: BackwardPass) throws {
    let primitive = try primitives(pass.rows)
    let workspace = primitive.memory(at: pass.workspace + gradientCount, holding: primitiveCount)
    let gradient = precision.operand(
      pass.outputGradient, pass.rows * pass.outputLength, rounded: pass.workspace)
    // Does nothing after a forward with the same parameters.
    try primitive.pack(pass.forward, workspace)
    try primitive.check(
      ek_convolution_backward(
        primitive.handle, precision == .float32 ? pass.input : UnsafePointer(pass.scratch), gradient,
        primitive.packed.start,
        pass.parameterGradient(0), hasBias ? pass.parameterGradient(1) : nil, pass.inputGradient, workspace))
  }
}

/// A convolution for one number of rows, and its weights in the layout that oneDNN asks for.
private final class ConvolutionPrimitive: Primitive {
  private(set) lazy var packed = AlignedFloats(bytes: ek_convolution_packed_bytes(handle))

  init(_ windows: ek_windows, hasBias: Bool, kind: String, site: LayerSite) throws {
    var windows = windows
    try super.init(
      "Layer \(site.name) (\(kind))",
      make: {
        ek_convolution_create(
          &windows, hasBias ? 1 : 0, site.purpose == .training ? 1 : 0, site.precision == .bfloat16 ? 1 : 0, $0)
      },
      scratchBytes: { ek_convolution_workspace_bytes($0) }, destroy: { ek_convolution_destroy($0) })
  }

  /// Brings the packed weights up to date.
  func pack(_ pass: ForwardPass, _ workspace: UnsafeMutableRawPointer) throws {
    try check(ek_convolution_pack(handle, pass.parameter(0), packed.start, workspace))
  }
}
