import Kernels
import Primitives

/// The three products of a dense layer with operands rounded to bfloat16 and sums in float32. The rounded input is kept
/// for the backward; weights are rounded once per step.
struct BFloat16DenseOperation: LayerOperation {
  private let hasBias: Bool
  private let primitives: PerRowCount<InnerProductPrimitive>
  /// Floats for the rounded gradient of the output; the primitive's memory follows it.
  private let gradientCount: Int
  private let primitiveCount: Int
  let scratchCount: Int

  init(hasBias: Bool, site: LayerSite) throws {
    self.hasBias = hasBias
    primitives = PerRowCount { rows in try InnerProductPrimitive(rows: rows, site: site) }
    scratchCount = BFloat16.floats(holding: site.maximumRows * site.input.count)
    gradientCount = site.purpose == .training ? BFloat16.floats(holding: site.maximumRows * site.output.count) : 0
    primitiveCount = try primitives(site.maximumRows).scratchBytes / MemoryLayout<Float>.stride
  }

  var workspaceCount: Int { gradientCount + primitiveCount }
  /// Its rounded copy is read in place of the input.
  var backwardReads: BackwardReads { [] }

  func forward(_ pass: ForwardPass) throws {
    let primitive = try primitives(pass.rows)
    let workspace = primitive.memory(at: pass.workspace + gradientCount, holding: primitiveCount)
    try primitive.pack(pass, workspace)
    let input = BFloat16.round(pass.input, pass.rows * pass.inputLength, to: pass.scratch)
    try primitive.check(
      ek_inner_product_forward(primitive.handle, input, primitive.packed.start, pass.output, workspace))
    if hasBias { ek_add_bias(pass.output, pass.rows, pass.outputLength, pass.parameter(1)) }
  }

  func backward(_ pass: BackwardPass) throws {
    let primitive = try primitives(pass.rows)
    let workspace = primitive.memory(at: pass.workspace + gradientCount, holding: primitiveCount)
    let gradient = BFloat16.round(
      pass.outputGradient, pass.rows * pass.outputLength, to: pass.workspace)
    try primitive.check(
      ek_inner_product_backward_weights(
        primitive.handle, BFloat16.numbers(at: pass.scratch), gradient, pass.parameterGradient(0), workspace))
    if hasBias {
      ek_column_sums(
        pass.outputGradient, pass.rows, pass.outputLength, pass.outputLength, pass.parameterGradient(1))
    }
    guard let inputGradient = pass.inputGradient else { return }
    try primitive.check(
      ek_inner_product_backward_input(
        primitive.handle, gradient, pass.parameter(0), primitive.packed.start, inputGradient, workspace))
  }
}

/// The products for one number of rows, and the weights, rounded, in the layout that oneDNN asks for.
private final class InnerProductPrimitive: Primitive {
  private(set) lazy var packed = AlignedFloats(bytes: ek_inner_product_packed_bytes(handle))

  init(rows: Int, site: LayerSite) throws {
    try super.init(
      "Layer \(site.name) (dense)",
      make: {
        ek_inner_product_create(
          Int64(rows), Int64(site.input.count), Int64(site.output.count), site.purpose == .training ? 1 : 0, $0)
      },
      scratchBytes: { ek_inner_product_workspace_bytes($0) }, destroy: { ek_inner_product_destroy($0) })
  }

  /// Brings the packed weights up to date.
  func pack(_ pass: ForwardPass, _ workspace: UnsafeMutableRawPointer) throws {
    try check(ek_inner_product_pack(handle, pass.parameter(0), packed.start, workspace))
  }
}
