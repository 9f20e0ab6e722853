import Kernels

/// Merges all axes into one: `[28, 28]` becomes `[784]`.
///
/// Features are laid out channels first as in PyTorch, `[H, W, C]` as C·H·W, so that stored weights of a `Dense` after
/// it fit there. A network's own input of shape `[H, W]` is an image without channels and keeps its order.
public struct Flatten: Layer {
  public static let kind = "flatten"
  /// A layer without options.
  public init() {}
  public func outputShape(for input: Shape) throws -> Shape { [input.count] }
  public var traits: LayerTraits { [.passesThrough, .reshapes] }
  public func outputLength(of length: Int, for input: Shape) -> Int? { 1 }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    let isView = Self.isView(of: site.input, isNetworkInput: !site.wantsInputGradient)
    return TransposeOperation(channels: isView ? 1 : site.input.featureCount)
  }

  /// True if no values move.
  package static func isView(of input: Shape, isNetworkInput: Bool) -> Bool {
    input.featureCount == 1 || input.count == input.featureCount || (input.rank == 2 && isNetworkInput)
  }
}

/// (positions, channels) to (channels, positions), example by example, and back for gradients.
struct TransposeOperation: LayerOperation {
  let channels: Int
  var backwardReads: BackwardReads { [] }
  var takesSlices: Bool { true }

  func forward(_ pass: ForwardPass) {
    ek_transpose(pass.input, pass.rows, pass.inputLength / channels, channels, pass.output)
  }

  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    ek_transpose(pass.outputGradient, pass.rows, channels, pass.inputLength / channels, inputGradient)
  }
}
