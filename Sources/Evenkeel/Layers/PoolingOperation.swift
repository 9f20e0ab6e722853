import Kernels
import Primitives

/// Pooling. The gradient of a largest value goes to its place, the first of equal ones, that of a mean to the whole window.
struct PoolingOperation: LayerOperation {
  private let windows: ek_windows
  private let isMean: Bool
  /// The length of a sequence that is averaged into one mean; nil for other poolings.
  private let positions: Int?
  /// The place in its window of each largest value.
  let sliceScratchCount: Int

  init(_ pool: PoolingSpec, site: LayerSite) throws {
    isMean = pool.isMean
    positions = pool.isMean && site.input.rank == 2 && site.output.rank == 1 ? site.input.dimensions[0] : nil
    windows = try ek_windows(pool.windows, kind: pool.kind, rows: site.maximumSlice, site: site)
    sliceScratchCount = isMean || site.purpose != .training ? 0 : site.maximumSlice * site.output.count
  }

  var takesSlices: Bool { true }
  var backwardReads: BackwardReads { [] }

  private func places(_ pass: ForwardPass) -> UnsafeMutablePointer<Int32>? {
    sliceScratchCount == 0 ? nil : UnsafeMutableRawPointer(pass.sliceScratch).assumingMemoryBound(to: Int32.self)
  }

  func forward(_ pass: ForwardPass) {
    withUnsafePointer(to: windows) { windows in
      if isMean {
        ek_mean_pool(windows, pass.rows, pass.input, pass.output)
      } else {
        ek_largest_pool(windows, pass.rows, pass.input, pass.output, places(pass))
      }
    }
    // The mean over the valid positions: after them there are zeros.
    if let positions, let lengths = pass.weights.lengths {
      ek_scale_by_length(pass.output, lengths, pass.rows, positions, pass.outputLength)
    }
  }

  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    withUnsafePointer(to: windows) { windows in
      if isMean {
        ek_mean_pool_backward(windows, pass.rows, pass.outputGradient, inputGradient)
      } else {
        ek_largest_pool_backward(windows, pass.rows, pass.outputGradient, places(pass.forward), inputGradient)
      }
    }
    if let positions, let lengths = pass.forward.weights.lengths {
      ek_scale_by_length(inputGradient, lengths, pass.rows, positions, pass.inputLength)
    }
  }
}
