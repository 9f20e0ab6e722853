/// The description of a network: the shape of an example and the layers it goes through.
///
/// A description has no parameters; `Model` adds them.
///
/// ```swift
/// let network = Network(input: [28, 28, 1]) {
///   for filters in [16, 32] {
///     Convolution(filters, kernel: 3)
///     BatchNorm()
///     ReLU()
///     MaxPool(2)
///   }
///   Flatten()
///   Dense(10)
/// }
/// let shape = try network.outputShape()                        // [10]
/// ```
public struct Network: Hashable, Codable, Sendable {
  /// The shape of one input example.
  public let input: Shape
  /// The layers in order, as they were written: open options are filled in when the layers are placed.
  public let layers: LayerList

  /// A network of the layers that the closure lists; it may use `if`, `for` and `switch`.
  public init(input: Shape, @LayerBuilder _ layers: () -> [any Layer]) {
    self.init(input: input, layers: layers())
  }

  /// A network of `layers`.
  public init(input: Shape, layers: [any Layer]) { self.init(input: input, layers: LayerList(layers)) }

  /// A network of `layers`.
  public init(input: Shape, layers: LayerList) {
    self.input = input
    self.layers = layers
  }

  private enum CodingKeys: String, CodingKey { case input, layers }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let input = try container.decode(Shape.self, forKey: .input)
    do { self.init(input: input, layers: try container.decode(LayerList.self, forKey: .layers)) } catch let error
      as EvenkeelError
    {
      throw error.at("Layer \(error.layer ?? "")")
    }
  }

  /// The shape of one output example.
  /// - Throws: `EvenkeelError` with code `usage` that names the layer that does not fit, what it expected and what it
  ///   got.
  public func outputShape() throws -> Shape { try placed().output }

  /// The network with each layer replaced by those that `body` returns: one, several or none. Blocks stay; their layers
  /// are mapped. Open options are decided again by what then follows.
  /// - Parameter body: Takes a layer that is not a block, and its path: `0`, `3.block.1`.
  public func mapLayers(_ body: (_ layer: any Layer, _ path: String) throws -> [any Layer]) rethrows -> Network {
    func map(_ layers: LayerList, _ prefix: String) throws -> [any Layer] {
      try layers.enumerated().flatMap { index, layer in
        let path = prefix + String(index)
        guard var residual = layer.asBlock else { return try body(layer, path) }
        residual.block = LayerList(try map(residual.block, Residual.blockPath(path)))
        if case .layers(let layers) = residual.shortcut {
          residual.shortcut = .layers(LayerList(try map(layers, Residual.shortcutPath(path))))
        }
        return [residual]
      }
    }
    return Network(input: input, layers: try map(layers, ""))
  }

  /// How deep blocks may nest: stored descriptions take three levels of JSON per block, and their readers can handle
  /// that.
  static let greatestNesting = 128

  static func nestsTooDeeply(_ path: String) -> EvenkeelError {
    .usage("residual: the blocks in it nest deeper than \(greatestNesting), the most that can be stored.", layer: path)
  }
}
