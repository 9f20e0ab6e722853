/// Where every parameter and buffer of a network is in a model's memory.
///
/// Weights come first, then everything without weight decay, so that decay is a boundary and not a list. Each starts at
/// a cache line. Buffers are separate, values and counts each in the order of the network.
package final class ParameterLayout: @unchecked Sendable {
  package struct Entry: Sendable {
    /// The name in stored files: `0.weight`.
    package let name: String
    package let description: ParameterDescription
    package let offset: Int
    package var count: Int { description.shape.count }
  }

  struct Buffer: Sendable {
    /// The name in stored files: `1.running_mean`.
    let name: String
    let description: BufferDescription
    /// Where its values start among the values of all buffers; for a count, its place among the counts.
    let offset: Int
  }

  package let network: PlacedNetwork
  /// In the order of the network.
  package let entries: [Entry]
  let buffers: [Buffer]
  /// The offsets of a layer's parameters by its path.
  package let offsets: [String: [Int]]
  private let places: [String: LayerPlaces]
  private let placesMemory: UnsafeMutablePointer<Int>
  /// The floats before the first parameter that is not a weight.
  let weightCount: Int
  package let count: Int
  /// The number of learned values, which `count` fills up to whole cache lines.
  var learnedCount: Int { entries.reduce(0) { $0 + $1.count } }
  /// The number of values of all buffers, and the number of counts.
  let bufferValueCount, bufferCountCount: Int
  /// The number of examples that are predicted together: few enough for the network's largest value to stay in a cache.
  let rowsAtOnce: Int

  /// - Throws: As `Network.placed()`.
  package init(_ network: Network) throws {
    let placed = try network.placed()
    self.network = placed
    let longest = placed.layers.reduce(1) { max($0, $1.input.count) }
    rowsAtOnce = max(1, min(Self.mostRowsAtOnce, Self.valuesAtOnce / longest))

    let described = placed.layers.flatMap { layer in layer.parameters.map { (layer: layer.path, description: $0) } }
    var next = 0
    var offsetOf = [Int](repeating: 0, count: described.count)
    func place(_ matches: (ParameterRole) -> Bool) {
      for (index, (_, parameter)) in described.enumerated() where matches(parameter.role) {
        offsetOf[index] = next
        next += (parameter.shape.count + 15) / 16 * 16
      }
    }
    place { $0 == .weight }
    weightCount = next
    place { $0 != .weight }
    count = next
    entries = described.indices.map {
      Entry(
        name: "\(described[$0].layer).\(described[$0].description.name)", description: described[$0].description,
        offset: offsetOf[$0])
    }
    offsets = Dictionary(
      described.indices.map { (described[$0].layer, [offsetOf[$0]]) }, uniquingKeysWith: { $0 + $1 })

    var (values, counts) = (0, 0)
    var bufferOffsets: [String: [Int]] = [:]
    buffers = placed.layers.flatMap { layer in
      layer.buffers.map { description in
        let offset: Int
        switch description.content {
        case .values:
          offset = values
          values += description.shape.count
        case .count:
          offset = counts
          counts += 1
        }
        bufferOffsets[layer.path, default: []].append(offset)
        return Buffer(name: "\(layer.path).\(description.name)", description: description, offset: offset)
      }
    }
    let count = offsets.values.reduce(0) { $0 + $1.count } + bufferOffsets.values.reduce(0) { $0 + $1.count }
    placesMemory = .allocate(capacity: max(count, 1))
    var free = placesMemory
    func keep(_ offsets: [Int]?) -> UnsafePointer<Int> {
      let start = free
      free.initialize(from: offsets ?? [], count: offsets?.count ?? 0)
      free += offsets?.count ?? 0
      return UnsafePointer(start)
    }
    var places: [String: LayerPlaces] = [:]
    for layer in placed.layers {
      places[layer.path] = LayerPlaces(
        parameters: keep(offsets[layer.path]), parameterCount: offsets[layer.path]?.count ?? 0,
        buffers: keep(bufferOffsets[layer.path]))
    }
    self.places = places
    (bufferValueCount, bufferCountCount) = (values, counts)
  }

  deinit { placesMemory.deallocate() }

  /// Where the parameters and buffers of the layer at `path` start; valid as long as the layout.
  package func places(of path: String) -> LayerPlaces {
    places[path] ?? LayerPlaces(parameters: placesMemory, parameterCount: 0, buffers: placesMemory)
  }

  /// The part of a cache that a layer's values may take, in floats, and the number of rows beyond which nothing is
  /// gained.
  private static let valuesAtOnce = 1 << 20, mostRowsAtOnce = 512

  /// The shape of one output example.
  package var output: Shape { network.output }

  /// The name of the parameter that holds position `offset` of the buffer.
  func name(at offset: Int) -> String {
    entries.first { $0.offset <= offset && offset < $0.offset + $0.count }?.name ?? "padding"
  }
}

/// For each parameter and buffer of a layer, in the order in which it describes them, where it starts in a model's memory.
package struct LayerPlaces: @unchecked Sendable {
  let parameters: UnsafePointer<Int>
  let parameterCount: Int
  let buffers: UnsafePointer<Int>
}
