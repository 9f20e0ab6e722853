/// Makes one axis of all: `[28, 28]` becomes `[784]`. No values move.
public struct Flatten: Layer {
  public static let kind = "flatten"
  public init() {}
  public func outputShape(for input: Shape) throws -> Shape { [input.count] }
  public func makeOperation(for site: LayerSite) throws -> any Operation {
    preconditionFailure("A flatten is a view and has no operation.")
  }
}

/// x + f(x), where f is a block of layers that keeps the shape (He et al. 2015).
public struct Residual: Layer {
  public static let kind = "residual"
  public var block: LayerList

  public init(@LayerBuilder _ block: () -> [any Layer]) { self.block = LayerList(block()) }

  public func outputShape(for input: Shape) throws -> Shape {
    guard !block.layers.isEmpty else { throw EvenkeelError.usage("residual: the block has no layers.") }
    var shape = input
    for layer in block.layers { shape = try layer.outputShape(for: shape) }
    guard shape == input else {
      throw EvenkeelError.usage("residual: expected the block to give \(input), the shape that it takes, got \(shape).")
    }
    return input
  }

  public func makeOperation(for site: LayerSite) throws -> any Operation {
    preconditionFailure("The layers of a residual block are lowered one by one.")
  }

  public init(from decoder: any Decoder) throws { block = try LayerList(from: decoder) }
  public func encode(to encoder: any Encoder) throws { try block.encode(to: encoder) }
}

/// A layer that fills in what it leaves open from what follows it.
protocol ContextualLayer: Layer {
  func resolved(before following: ArraySlice<any Layer>) -> any Layer
}

/// Builds lists of layers from statements, `if`, `else`, `for` and `switch` included.
@resultBuilder
public enum LayerBuilder {
  public static func buildExpression(_ layer: some Layer) -> [any Layer] { [layer] }
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  public static func buildOptional(_ part: [any Layer]?) -> [any Layer] { part ?? [] }
  public static func buildEither(first: [any Layer]) -> [any Layer] { first }
  public static func buildEither(second: [any Layer]) -> [any Layer] { second }
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
  public static func buildLimitedAvailability(_ part: [any Layer]) -> [any Layer] { part }
}
