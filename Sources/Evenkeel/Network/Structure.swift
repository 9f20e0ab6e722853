import Kernels

/// Makes one axis of all: `[28, 28]` becomes `[784]`.
///
/// Features are laid out channels first as in PyTorch, `[H, W, C]` as C·H·W, so that stored weights of a `Dense` behind it
/// fit there. A network's own input of shape `[H, W]` is an image without channels and keeps its order.
public struct Flatten: Layer {
  public static let kind = "flatten"
  /// A layer without options.
  public init() {}
  public func outputShape(for input: Shape) throws -> Shape { [input.count] }
  public func outputLength(of length: Int, for input: Shape) -> Int? { 1 }

  public func makeOperation(for site: LayerSite) throws -> any Operation {
    TransposeOperation(channels: site.input.featureCount)
  }

  /// True where no values move.
  package static func isView(of input: Shape, isNetworkInput: Bool) -> Bool {
    input.featureCount == 1 || input.count == input.featureCount || (input.rank == 2 && isNetworkInput)
  }
}

/// (positions, channels) to (channels, positions), example by example, and back for gradients.
struct TransposeOperation: Operation {
  let channels: Int
  var backwardReads: BackwardReads { [] }

  func forward(_ pass: Pass) {
    ek_transpose(
      pass.input, pass.rows, pass.inputLength / channels, channels, pass.output, Int32(pass.threads))
  }

  func backward(_ pass: Pass) {
    guard let inputGradient = pass.inputGradient else { return }
    ek_transpose(
      pass.outputGradient!, pass.rows, channels, pass.inputLength / channels, inputGradient, Int32(pass.threads))
  }
}

/// Builds lists of layers from statements, `if`, `else`, `for` and `switch` included.
@resultBuilder
public enum LayerBuilder {
  /// A layer.
  public static func buildExpression(_ layer: some Layer) -> [any Layer] { [layer] }
  /// Layers from a list.
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  /// One after the other.
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  /// `if` without `else`: nothing where it does not hold.
  public static func buildOptional(_ part: [any Layer]?) -> [any Layer] { part ?? [] }
  /// `if`.
  public static func buildEither(first: [any Layer]) -> [any Layer] { first }
  /// `else`.
  public static func buildEither(second: [any Layer]) -> [any Layer] { second }
  /// `for`.
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
  /// `if #available`.
  public static func buildLimitedAvailability(_ part: [any Layer]) -> [any Layer] { part }
}
