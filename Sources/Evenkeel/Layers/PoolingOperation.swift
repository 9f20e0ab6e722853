import Kernels
import Primitives

/// Pooling by oneDNN. The gradient of a largest value goes to its position, that of a mean to the whole window.
struct PoolingOperation: LayerOperation {
  private let primitives: PerRowCount<Primitive>
  let scratchCount: Int
  /// The length of a sequence that is averaged into one mean; nil for other poolings.
  private let positions: Int?

  init(_ pool: PoolingSpec, site: LayerSite) throws {
    positions = pool.isMean && site.input.rank == 2 && site.output.rank == 1 ? site.input.dimensions[0] : nil
    let windows = try ek_windows(pool.windows, kind: pool.kind, site: site)
    primitives = PerRowCount { rows in
      var windows = windows
      windows.rows = Int64(rows)
      return try Primitive(
        "Layer \(site.name) (\(pool.kind))",
        make: {
          ek_pooling_create(
            &windows, pool.isMean ? EK_POOL_AVERAGE : EK_POOL_MAX, site.purpose == .training ? 1 : 0, $0)
        }, scratchBytes: { ek_pooling_scratch_bytes($0) }, destroy: { ek_pooling_destroy($0) })
    }
    scratchCount = try primitives(site.maximumRows).scratchBytes / MemoryLayout<Float>.stride
  }

  var backwardReads: BackwardReads { [] }

  func forward(_ pass: ForwardPass) throws {
    let primitive = try primitives(pass.rows)
    try primitive.check(
      ek_pooling_forward(
        primitive.handle, pass.input, pass.output, primitive.memory(at: pass.scratch, holding: scratchCount)))
    // The mean over the valid positions: after them there are zeros.
    if let positions, let lengths = pass.weights.lengths {
      ek_scale_by_length(pass.output, lengths, pass.rows, positions, pass.outputLength)
    }
  }

  func backward(_ pass: BackwardPass) throws {
    guard let inputGradient = pass.inputGradient else { return }
    let primitive = try primitives(pass.rows)
    try primitive.check(
      ek_pooling_backward(
        primitive.handle, pass.outputGradient, inputGradient, primitive.memory(at: pass.scratch, holding: scratchCount)
      ))
    if let positions, let lengths = pass.forward.weights.lengths {
      ek_scale_by_length(inputGradient, lengths, pass.rows, positions, pass.inputLength)
    }
  }
}
