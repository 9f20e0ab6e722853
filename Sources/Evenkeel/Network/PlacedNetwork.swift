/// A network with its layers placed: open options are filled in, shapes are known and fit. Made once per network, and
/// used by all code that needs to know what stands where.
public struct PlacedNetwork: Sendable {
  /// The shape of one input example.
  public let input: Shape
  /// The shape of one output example.
  public let output: Shape
  /// The number of members of an ensemble, each with outputs of its own; 1 for a network that is none.
  public let members: Int
  /// The layers and blocks in order.
  package let items: [Item]
  /// Every layer that is not a block, in order; those of a block before those of its shortcut.
  public let layers: [PlacedLayer]

  /// A layer, or a block of layers with its shortcut.
  package enum Item: Sendable {
    case layer(PlacedLayer)
    case block(PlacedBlock)

    /// The shape of one output example.
    package var output: Shape {
      switch self {
      case .layer(let layer): layer.output
      case .block(let block): block.output
      }
    }

    /// The layer, if it is one.
    package var layer: (any Layer)? {
      guard case .layer(let placed) = self else { return nil }
      return placed.layer
    }

    /// The item as a layer of a description, with open options filled in.
    package var resolved: any Layer {
      switch self {
      case .layer(let placed): return placed.layer
      case .block(let block):
        var residual = block.residual
        residual.block = LayerList(block.items.map(\.resolved))
        if case .layers = residual.shortcut { residual.shortcut = .layers(LayerList(block.shortcut.map(\.resolved))) }
        return residual
      }
    }

    fileprivate var layers: [PlacedLayer] {
      switch self {
      case .layer(let layer): [layer]
      case .block(let block): (block.items + block.shortcut).flatMap(\.layers)
      }
    }
  }

  /// - Throws: As `Network.placed()`.
  fileprivate init(_ network: Network) throws {
    let (input, list) = (network.input, network.layers)
    guard input.rank > 0, input.dimensions.allSatisfy({ $0 > 0 }) else {
      throw EvenkeelError.usage("The network's input has the shape \(input); expected dimensions above 0.")
    }
    guard let count = Shape.checkedCount(input.dimensions), count <= Shape.greatestCount else {
      throw EvenkeelError.usage("The network's input of shape \(input) is too large.")
    }
    guard !list.isEmpty else { throw EvenkeelError.usage("The network has no layers.") }
    self.input = input
    items = try Self.place(Array(list), prefix: "", from: input)
    output = items.last!.output
    layers = items.flatMap(\.layers)
    let parted = layers.first { $0.layer.traits.contains(.members) }
    members = parted?.output.dimensions[0] ?? 1
    guard parted == nil || output.rank == 2 && output.dimensions[0] == members else {
      throw EvenkeelError.usage(
        "The network gives \(output); expected [\(members), outputs], as layer \(parted!.path) makes \(members) members."
      )
    }
  }

  /// The number of outputs of a prediction: those of one member.
  public var outputCount: Int { output.count / members }

  /// - Parameters:
  ///   - tail: What follows the block that contains these layers.
  ///   - depth: The number of blocks around them.
  private static func place(
    _ layers: [any Layer], prefix: String, from input: Shape, tail: ArraySlice<any Layer> = [], depth: Int = 0
  ) throws -> [Item] {
    var shape = input
    return try layers.enumerated().map { index, layer in
      let (path, following) = (prefix + String(index), layers[(index + 1)...])
      let item: Item
      if let residual = layer.asBlock {
        item = .block(try PlacedBlock(residual, path: path, input: shape, tail: following + tail, depth: depth))
      } else {
        let layer = layer.resolved(before: NextLayers(following, tail: tail))
        item = .layer(try naming(path) { try PlacedLayer(layer, path: path, input: shape) })
      }
      shape = item.output
      return item
    }
  }

  /// The block's layers first, so that an error names the layer that does not fit, not the block.
  fileprivate static func place(
    _ residual: Residual, path: String, from input: Shape, tail: ArraySlice<any Layer>, depth: Int
  ) throws -> (items: [Item], shortcut: [Item], output: Shape) {
    guard depth < Network.greatestNesting else {
      let outermost = String(path.prefix { $0 != "." })
      throw named(Network.nestsTooDeeply(outermost), outermost)
    }
    let items = try place(
      Array(residual.block), prefix: Residual.blockPath(path), from: input, tail: tail, depth: depth + 1)
    let output = items.last?.output ?? input
    let shortcut = try naming(path) {
      guard !residual.block.allSatisfy({ $0.traits.contains(.reshapes) }) else {
        throw EvenkeelError.usage("residual: the block has no layers that do anything.")
      }
      return try residual.shortcut(from: input, to: output)
    }
    let past = try place(shortcut, prefix: Residual.shortcutPath(path), from: input, tail: tail, depth: depth + 1)
    return (items, past, output)
  }

  /// Errors that `body` throws name the layer at `path`.
  private static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as EvenkeelError { throw named(error, path) }
  }

  private static func named(_ error: EvenkeelError, _ path: String) -> EvenkeelError {
    error.at("Layer \(path)", layer: path)
  }
}

extension Network {
  /// The network with every layer placed.
  /// - Throws: `EvenkeelError` with code `usage` that names the layer that does not fit, what it expected and got.
  public func placed() throws -> PlacedNetwork { try PlacedNetwork(self) }
}

/// A layer in its place in a network.
public final class PlacedLayer: Sendable {
  /// The layer, with its open options filled in.
  public let layer: any Layer
  /// The path in stored files: `0`, `3.block.1`.
  public let path: String
  /// The shape of one input example.
  public let input: Shape
  /// The shape of one output example.
  public let output: Shape
  /// What it learns.
  public let parameters: [ParameterDescription]
  /// What it keeps.
  public let buffers: [BufferDescription]

  fileprivate init(_ layer: any Layer, path: String, input: Shape) throws {
    self.layer = layer
    self.path = path
    self.input = input
    output = try layer.outputShape(for: input)
    parameters = try layer.parameters(for: input)
    buffers = try layer.buffers(for: input)
    // Sizes beyond any machine would overflow when multiplied.
    guard let count = Shape.checkedCount(output.dimensions), count <= Shape.greatestCount else {
      throw EvenkeelError.usage("an example of shape \(output) is too large.")
    }
    for (name, shape) in parameters.map({ ($0.name, $0.shape) }) + buffers.map({ ($0.name, $0.shape) }) {
      guard let count = Shape.checkedCount(shape.dimensions), count < 1 << 40 else {
        throw EvenkeelError.usage("its \(name) of shape \(shape) is too large.")
      }
    }
  }

  /// The number of learned values.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.count } }

  /// The number of products of weights and inputs for one example.
  public var multiplyAdds: Int {
    layer.multiplyAdds(for: input)
      ?? parameters.reduce(0) { $0 + ($1.role == .weight ? $1.shape.count : 0) } * (output.count / output.featureCount)
  }

  /// Whether this layer takes statistics of the batch in training.
  var takesBatchStatistics: Bool { layer.traits.contains(.runningStatistics) && layer.norm?.isFrozen != true }

  /// The layer's kind, as errors name it.
  var kind: String { type(of: layer).kind }

  /// Values of one feature in one example: 1 for `[C]`, H·W for images, L for sequences.
  package var positions: Int { input.count / max(input.featureCount, 1) }

  /// The weights of the rows of `rows` examples in statistics of the input; nil for 1 each.
  func rowWeights(_ weights: BatchWeights, lengths: UnsafePointer<Int32>?, rows: Int) -> RowWeights? {
    let lengths = input.rank == 2 ? lengths : nil
    guard weights.weights != nil || lengths != nil else { return nil }
    return RowWeights(weights.weights, lengths, examples: rows, positions: positions)
  }
}

/// A block of layers and the shortcut past it.
package struct PlacedBlock: Sendable {
  /// The path in stored files.
  package let path: String
  package let input, output: Shape
  package let items, shortcut: [PlacedNetwork.Item]
  /// As it was written.
  package let residual: Residual

  fileprivate init(
    _ residual: Residual, path: String, input: Shape, tail: ArraySlice<any Layer>, depth: Int
  ) throws {
    self.residual = residual
    self.path = path
    self.input = input
    (items, shortcut, output) = try PlacedNetwork.place(residual, path: path, from: input, tail: tail, depth: depth)
  }
}
