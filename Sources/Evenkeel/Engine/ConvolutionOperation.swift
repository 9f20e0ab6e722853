import Primitives

/// A convolution by oneDNN: y = x ∗ W + b; dW = x ∗ dy, db = Σ dy, dx = dy ∗ Wᵀ.
struct ConvolutionOperation: Operation {
  private let primitives: PerRowCount<ConvolutionPrimitive>
  private let hasBias: Bool
  let workspaceCount: Int

  init(_ filter: Filter, site: LayerSite) throws {
    let windows = try ek_windows(filter.windows, kind: filter.kind, groups: filter.groups, site: site)
    let hasBias = filter.bias == .present
    self.hasBias = hasBias
    primitives = PerRowCount { rows in
      var windows = windows
      windows.rows = Int64(rows)
      return try ConvolutionPrimitive(
        windows, hasBias: hasBias, purpose: site.purpose, name: "Layer \(site.name) (\(filter.kind))")
    }
    workspaceCount = try primitives(site.maximumRows).scratchBytes / MemoryLayout<Float>.stride
  }

  func forward(_ pass: Pass) throws {
    let primitive = try primitives(pass.rows)
    let workspace = primitive.memory(at: pass.workspace, holding: workspaceCount)
    try primitive.pack(pass, workspace)
    try primitive.check(
      ek_convolution_forward(
        primitive.handle, pass.input, primitive.packed.start, hasBias ? pass.parameter(1) : nil, pass.output, workspace)
    )
  }

  func backward(_ pass: Pass) throws {
    let primitive = try primitives(pass.rows)
    let workspace = primitive.memory(at: pass.workspace, holding: workspaceCount)
    // Nothing to do behind the forward of the same parameters.
    try primitive.pack(pass, workspace)
    try primitive.check(
      ek_convolution_backward(
        primitive.handle, pass.input, pass.outputGradient!, primitive.packed.start, pass.parameterGradient(0),
        hasBias ? pass.parameterGradient(1) : nil, pass.inputGradient, workspace))
  }
}

/// A convolution for one number of rows, and its weights in the order that oneDNN asks for.
private final class ConvolutionPrimitive: Primitive {
  private(set) lazy var packed = AlignedFloats(bytes: ek_convolution_packed_bytes(handle))
  private var packedVersion: UInt64?

  init(_ windows: ek_windows, hasBias: Bool, purpose: Purpose, name: String) throws {
    var windows = windows
    try super.init(
      name,
      make: { ek_convolution_create(&windows, hasBias ? 1 : 0, purpose == .training ? 1 : 0, $0) },
      scratchBytes: { ek_convolution_workspace_bytes($0) }, destroy: { ek_convolution_destroy($0) })
  }

  /// Brings the packed weights up to date.
  func pack(_ pass: Pass, _ workspace: UnsafeMutableRawPointer) throws {
    guard packedVersion != pass.parametersVersion else { return }
    try check(ek_convolution_pack(handle, pass.parameter(0), packed.start, workspace))
    packedVersion = pass.parametersVersion
  }
}
