/// The description of a network: the shape of an example and the layers it goes through.
///
/// A description has no parameters; `Model` adds them.
public struct Network: Hashable, Codable, Sendable {
  /// The shape of one input example.
  public let input: Shape
  /// The layers in order, with what they leave open filled in (a `Dense` before a `BatchNorm` has no bias).
  public let layers: LayerList

  /// A network of the layers that the closure lists, `if`, `for` and `switch` included.
  public init(input: Shape, @LayerBuilder _ layers: () -> [any Layer]) {
    self.init(input: input, layers: layers())
  }

  /// A network of `layers`.
  public init(input: Shape, layers: [any Layer]) {
    self.input = input
    self.layers = LayerList(Self.resolved(layers))
  }

  private enum CodingKeys: String, CodingKey { case input, layers }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let input = try container.decode(Shape.self, forKey: .input)
    do { self.init(input: input, layers: try container.decode(LayerList.self, forKey: .layers).layers) } catch let error
      as EvenkeelError
    {
      throw EvenkeelError(error.code, "Layer \(error.layer ?? ""): \(error.message)", layer: error.layer)
    }
  }

  /// The shape of one output example.
  /// - Throws: `EvenkeelError` with code `usage` that names the layer that does not fit, what it expected and got.
  public func outputShape() throws -> Shape { try walk { _, _, _ in } }

  /// Every layer that is not a block, in order, those inside blocks included.
  /// - Throws: As `outputShape()`.
  public func leaves() throws -> [NetworkLeaf] {
    var leaves: [NetworkLeaf] = []
    try walk { layer, name, input in
      leaves.append(NetworkLeaf(layer: layer, name: name, input: input, output: try layer.outputShape(for: input)))
    }
    return leaves
  }

  /// How deep blocks may nest: stored descriptions of three levels of JSON a block, and what reads them, bear it.
  static let greatestNesting = 128

  static func nestsTooDeeply(_ name: String) -> EvenkeelError {
    .usage("residual: the blocks in it nest deeper than \(greatestNesting), the most that can be stored.", layer: name)
  }

  /// Calls `body` with every layer that is not a block, its path and input shape, in order.
  @discardableResult
  func walk(_ body: (_ layer: any Layer, _ name: String, _ input: Shape) throws -> Void) throws -> Shape {
    guard input.rank > 0, input.dimensions.allSatisfy({ $0 > 0 }) else {
      throw EvenkeelError.usage("The network's input has the shape \(input); expected dimensions above 0.")
    }
    guard let count = Shape.checkedCount(input.dimensions), count < 1 << 31 else {
      throw EvenkeelError.usage("The network's input of shape \(input) is too large.")
    }
    guard !layers.layers.isEmpty else { throw EvenkeelError.usage("The network has no layers.") }
    for (index, layer) in layers.layers.enumerated() where Self.nesting(of: layer) > Self.greatestNesting {
      let error = Self.nestsTooDeeply(String(index))
      throw EvenkeelError(error.code, "Layer \(index): \(error.message)", layer: error.layer)
    }
    return try Self.walk(layers.layers, prefix: "", from: input, body)
  }

  /// The blocks that lie in each other, `layer` being the outermost.
  private static func nesting(of layer: any Layer) -> Int {
    guard let block = (layer as? Residual)?.block else { return 0 }
    return 1 + (block.layers.map { nesting(of: $0) }.max() ?? 0)
  }

  private static func walk(
    _ layers: [any Layer], prefix: String, from input: Shape,
    _ body: (_ layer: any Layer, _ name: String, _ input: Shape) throws -> Void
  ) throws -> Shape {
    var shape = input
    for (index, layer) in layers.enumerated() {
      let name = prefix + String(index)
      // The layer of a block that does not fit is named, not the block.
      if let residual = layer as? Residual {
        _ = try walk(residual.block.layers, prefix: name + ".block.", from: shape, body)
      }
      let output: Shape
      do {
        output = try layer.outputShape(for: shape)
        try requireReasonable(output, of: layer is Residual ? [] : layer.parameters(for: shape))
      } catch let error as EvenkeelError {
        throw EvenkeelError(error.code, "Layer \(name): \(error.message)", layer: name)
      }
      if let residual = layer as? Residual {
        _ = try walk(residual.shortcutLayers(for: shape), prefix: name + ".shortcut.", from: shape, body)
      } else {
        try body(layer, name, shape)
      }
      shape = output
    }
    return shape
  }

  /// Sizes that no machine holds would overflow where they are multiplied.
  private static func requireReasonable(_ output: Shape, of parameters: [ParameterDescription]) throws {
    guard let count = Shape.checkedCount(output.dimensions), count < 1 << 31 else {
      throw EvenkeelError.usage("an example of shape \(output) is too large.")
    }
    for parameter in parameters {
      guard let count = Shape.checkedCount(parameter.shape.dimensions), count < 1 << 40 else {
        throw EvenkeelError.usage("its \(parameter.name) of shape \(parameter.shape) is too large.")
      }
    }
  }

  /// - Parameter tail: What follows the block whose layers these are.
  private static func resolved(_ layers: [any Layer], tail: ArraySlice<any Layer> = []) -> [any Layer] {
    layers.enumerated().map { index, layer in
      let following = layers[(index + 1)...]
      if var residual = layer as? Residual {
        residual.block = LayerList(resolved(residual.block.layers, tail: following + tail))
        return residual
      }
      return (layer as? any WeightedLayer)?.resolved(before: following, tail: tail) ?? layer
    }
  }
}

/// A layer where it stands in a network.
public struct NetworkLeaf: Sendable {
  /// The layer.
  public let layer: any Layer
  /// The path in stored files: `0`, `3.block.1`.
  public let name: String
  /// The shape of one example that it takes and gives.
  public let input: Shape
  /// The shape of one example that it gives.
  public let output: Shape

  /// The number of learned values.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.count } }

  /// The products of weights and inputs that one example takes.
  public var multiplyAdds: Int {
    parameters.reduce(0) { $0 + ($1.role == .weight ? $1.shape.count : 0) } * (output.count / output.featureCount)
  }

  private var parameters: [ParameterDescription] { (try? layer.parameters(for: input)) ?? [] }
}
