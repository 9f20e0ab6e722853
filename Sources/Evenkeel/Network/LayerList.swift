import FoundationEssentials
import Synchronization

/// Layers in order, comparable and storable.
///
/// In files each layer is either just its kind (`relu`) or its kind with options (`dense: {units: 256}`).
public struct LayerList: Hashable, Codable, Sendable, RandomAccessCollection {
  private let layers: [any Layer]

  /// A list of `layers`.
  public init(_ layers: [any Layer]) { self.layers = layers }

  public var startIndex: Int { layers.startIndex }
  public var endIndex: Int { layers.endIndex }
  public subscript(index: Int) -> any Layer { layers[index] }

  public static func == (left: LayerList, right: LayerList) -> Bool {
    left.layers.map { AnyHashable($0) } == right.layers.map { AnyHashable($0) }
  }

  public func hash(into hasher: inout Hasher) {
    for layer in layers { hasher.combine(AnyHashable(layer)) }
  }

  public init(from decoder: any Decoder) throws {
    // The positions in the lists that contain this one, from the network's layers inward.
    let keys = decoder.codingPath
    let outer = keys[(keys.lastIndex { $0.stringValue == "layers" } ?? keys.startIndex)...].compactMap(\.intValue)
    let isShortcut = keys.last?.stringValue == "shortcut"
    // Before the stack overflows.
    guard outer.count <= Network.greatestNesting else { throw Network.nestsTooDeeply(String(outer[0])) }
    var list = try decoder.unkeyedContainer()
    var layers: [any Layer] = []
    while !list.isAtEnd {
      do { layers.append(try list.decode(StoredLayer.self).layer) } catch let error as EvenkeelError {
        let block = outer.map { String($0) }.joined(separator: ".block.")
        let path = block + (outer.isEmpty ? "" : isShortcut ? ".shortcut." : ".block.") + String(layers.count)
        throw EvenkeelError(error.code, error.message, layer: error.layer ?? path)
      }
    }
    self.layers = layers
  }

  public func encode(to encoder: any Encoder) throws {
    var list = encoder.unkeyedContainer()
    for layer in layers { try list.encode(StoredLayer(layer: layer)) }
  }
}

/// The kinds of layers that files may name.
public enum LayerRegistry {
  private static let kinds = Mutex<[String: any Layer.Type]>(
    Dictionary(
      uniqueKeysWithValues: ([
        Dense.self, BatchNorm.self, Dropout.self, Flatten.self, Residual.self, Convolution.self,
        DepthwiseConvolution.self, Convolution1D.self, MaxPool.self, AveragePool.self, GlobalAveragePool.self,
        LayerNorm.self, GroupNorm.self, InstanceNorm.self, RMSNorm.self, Reshape.self, PiecewiseLinear.self,
        Periodic.self, Embedding.self, Ensemble.self, MemberDense.self,
      ] as [any Layer.Type] + ActivationKind.allCases.map { type(of: $0.layer) }).map { ($0.kind, $0) }))

  /// Makes a custom layer known to network and model files.
  public static func register(_ layer: any Layer.Type) { kinds.withLock { $0[layer.kind] = layer } }

  static func knows(_ layer: any Layer) -> Bool { kinds.withLock { $0[type(of: layer).kind] != nil } }

  static func layer(_ kind: String) throws -> any Layer.Type {
    try kinds.withLock { kinds in
      guard let layer = kinds[kind] else {
        throw EvenkeelError.usage(
          "\"\(kind)\" is not a layer; expected one of \(kinds.keys.sorted().joined(separator: ", ")).")
      }
      return layer
    }
  }
}

/// One layer in a file.
private struct StoredLayer: Codable {
  let layer: any Layer

  init(layer: any Layer) { self.layer = layer }

  init(from decoder: any Decoder) throws {
    if let kind = try? decoder.singleValueContainer().decode(String.self) {
      let type = try LayerRegistry.layer(kind)
      do { layer = try JSONDecoder().decode(type, from: Data("{}".utf8)) } catch is DecodingError {
        throw EvenkeelError.usage("\(kind): this layer needs options, as in {\(kind): {…}}.")
      }
      return
    }
    let container = try decoder.container(keyedBy: AnyKey.self)
    guard let key = container.allKeys.first, container.allKeys.count == 1 else {
      throw EvenkeelError.usage("A layer is one kind with its options; got \(container.allKeys.count) keys.")
    }
    let type = try LayerRegistry.layer(key.stringValue)
    layer = try container.decode(type, forKey: key)
    // An unknown option would be ignored silently: what the file says must come back when the layer is encoded.
    if let options = try? container.nestedContainer(keyedBy: AnyKey.self, forKey: key) {
      let encoder = JSONEncoder()
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      // A layer that is written as a list of others looks at its keys itself.
      let known = (try? JSONDecoder().decode([String: Ignored].self, from: encoder.encode(layer)))?.keys
      if let known, let unknown = options.allKeys.first(where: { !known.contains($0.stringValue) }) {
        throw EvenkeelError.usage(
          "\(key.stringValue): \"\(unknown.stringValue)\" is not an option; expected \(known.sorted().joined(separator: ", "))."
        )
      }
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: AnyKey.self)
    try container.encode(layer, forKey: AnyKey(stringValue: type(of: layer).kind))
  }

  private struct Ignored: Decodable { init(from decoder: any Decoder) {} }
}
