import Kernels
import Primitives

/// A convolution of 3×3 with stride 1 by Winograd's algorithm: y = x ∗ W + b; dW = x ∗ dy, db = Σ dy, dx = dy ∗ Wᵀ.
///
/// Its products are of floats in every precision: there are so few of them that rounding them to bfloat16 would save nothing.
struct WinogradOperation: LayerOperation {
  private let images: ek_images
  private let reversed: ek_images
  private let hasBias: Bool
  private let isTraining, wantsInputGradient: Bool
  /// The weights at their points, for the forward and for the gradient of the input if that is wanted.
  private let packed: AlignedFloats
  /// Whether slices leave their part of the weights' gradient, to be merged; otherwise it is computed from the whole batch.
  private let leavesParts: Bool
  let workspaceCount: Int

  /// - Throws: `EvenkeelError` if there is not enough memory for the weights.
  init(_ filter: ConvolutionSpec, windows: ek_windows, site: LayerSite) throws {
    images = ek_winograd_images([windows])
    reversed = ek_winograd_reversed(images)
    hasBias = filter.bias == .present
    isTraining = site.purpose == .training
    wantsInputGradient = isTraining && site.wantsInputGradient
    let count = ek_winograd_packed_count(images)
    packed = try AlignedFloats(
      count: wantsInputGradient ? 2 * count : count, for: "Layer \(site.name) (\(filter.kind))", code: .usage)
    leavesParts = GradientParts.payInConvolutions(count: 9 * images.channels * images.out_channels, site: site)
    let sums =
      leavesParts
      ? ek_winograd_sums_workspace_count(images, images.out_channels)
      : ek_winograd_sums_workspace_count(images, Self.outputsAtOnce) + 9 * images.channels * Self.outputsAtOnce
    workspaceCount = max(
      ek_winograd_workspace_count(images), wantsInputGradient ? ek_winograd_workspace_count(reversed) : 0,
      isTraining ? sums : 0)
  }

  var takesSlices: Bool { true }
  /// Gradients of the bias, then of the weights.
  var sliceScratchCount: Int { isTraining ? outputs + (leavesParts ? outputs * sumsOfOutput : 0) : 0 }
  var addsSliceScratch: Bool { leavesParts }

  private var outputs: Int { images.out_channels }
  /// Floats of the weights' gradient of one output channel.
  private var sumsOfOutput: Int { 9 * images.channels }

  func preparationBlocks(_ pass: ForwardPass) -> Int {
    (wantsInputGradient ? outputs + images.channels : outputs) / Self.panel
  }

  func prepare(_ pass: ForwardPass, block: Int) {
    let first = block * Self.panel
    if first < outputs {
      ek_winograd_pack(images, 0, pass.parameter(0), first, Self.panel, packed.start)
    } else {
      ek_winograd_pack(
        reversed, 1, pass.parameter(0), first - outputs, Self.panel, packed.start + ek_winograd_packed_count(images))
    }
  }

  func forward(_ pass: ForwardPass) {
    ek_winograd_forward(
      images, pass.rows, pass.input, packed.start, hasBias ? pass.parameter(1) : nil, pass.output, pass.workspace)
  }

  func backward(_ pass: BackwardPass) {
    if hasBias { pass.leaveBiasGradient(outputs: outputs) }
    if leavesParts {
      ek_winograd_sums(
        images, pass.rows, pass.input, pass.outputGradient, 0, outputs, pass.sliceScratch + outputs, pass.workspace)
    }
    guard let inputGradient = pass.inputGradient else { return }
    ek_winograd_forward(
      reversed, pass.rows, pass.outputGradient, packed.start + ek_winograd_packed_count(images), nil, inputGradient,
      pass.workspace)
  }

  var gradientBlocks: Int { leavesParts ? outputs / Self.panel : (outputs - 1) / Self.outputsAtOnce + 1 }

  func gatherRows(_ pass: BackwardPass) throws {
    try pass.gatherRows(backwardReads)
    if hasBias { try pass.sumSlices(count: outputs) }
  }

  func gradientStart(ofBlock block: Int, parameter: Int) -> Int? {
    leavesParts ? nil : min(block * Self.outputsAtOnce, outputs) * (parameter == 0 ? sumsOfOutput : 1)
  }

  func parameterGradients(_ pass: BackwardPass, block: Int) {
    let width = leavesParts ? Self.panel : Self.outputsAtOnce
    let first = block * width
    let count = min(width, outputs - first)
    let sums: UnsafeMutablePointer<Float>
    if leavesParts {
      sums = pass.mergeSlices(at: outputs + first * sumsOfOutput, count: count * sumsOfOutput)
    } else {
      sums = pass.workspace + ek_winograd_sums_workspace_count(images, Self.outputsAtOnce)
      ek_winograd_sums(images, pass.rows, pass.input, pass.outputGradient, first, count, sums, pass.workspace)
    }
    ek_winograd_unpack(images.channels, count, sums, pass.parameterGradient(0) + first * sumsOfOutput)
    if hasBias {
      (pass.parameterGradient(1) + first).update(from: pass.mergeSlices(at: first, count: count), count: count)
    }
  }

  /// The output channels that are packed, or whose parts are merged, at once, and those whose gradients are computed at
  /// once from the whole batch.
  private static let panel = Int(EK_WINOGRAD_PANEL), outputsAtOnce = 128
}
