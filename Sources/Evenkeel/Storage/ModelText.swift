/// A model as JSON, for files of other formats, which hold most of its tensors themselves.
private struct ModelText: Codable {
  var description: StoredDescription
  /// Buffers that are counts, by name.
  var counts: [String: Int]
  /// The tensors that the file does not hold.
  var tensors: [String: [Float]]

  private enum CodingKeys: String, CodingKey { case counts, tensors }

  init(_ description: StoredDescription, counts: [String: Int], tensors: [String: [Float]]) {
    (self.description, self.counts, self.tensors) = (description, counts, tensors)
  }

  // Its own keys lie beside those of the description.

  init(from decoder: any Decoder) throws {
    description = try StoredDescription(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    counts = try container.decodeIfPresent([String: Int].self, forKey: .counts) ?? [:]
    tensors = try container.decodeIfPresent([String: [Float]].self, forKey: .tensors) ?? [:]
  }

  func encode(to encoder: any Encoder) throws {
    try description.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    if !counts.isEmpty { try container.encode(counts, forKey: .counts) }
    if !tensors.isEmpty { try container.encode(tensors, forKey: .tensors) }
  }
}

extension Model {
  /// The model as JSON: what its file says beside the tensors, and the tensors that are not `elsewhere`.
  /// - Parameter elsewhere: Values of tensors by name.
  /// - Throws: `EvenkeelError` with code `data` for what JSON cannot hold.
  package func text(without elsewhere: [String: [Float]]) throws -> String {
    let all = parameters.map { ($0.name, $0.values) } + valueBuffers
    let rest = all.filter { elsewhere[$0.0] != $0.1.values }.map { ($0.0, $0.1.values) }
    let text = ModelText(
      description, counts: Dictionary(uniqueKeysWithValues: counts), tensors: Dictionary(uniqueKeysWithValues: rest))
    return try Self.metadata(text, key: Self.textKey)[Self.textKey]!
  }

  private static let textKey = "evenkeel.model"

  /// The model of what `text` gave.
  /// - Parameter elsewhere: Values of tensors by name, which the text does not have.
  /// - Throws: `EvenkeelError` with code `data` for a text that is damaged or tensors that do not fit it.
  package init(text: String, elsewhere: [String: [Float]]) throws {
    let stored = try StoredDescription.decode(ModelText.self, from: text, key: Self.textKey, of: "the file")
    let layout = try ParameterLayout(stored.description.network)
    let needed =
      layout.entries.map { ($0.name, $0.description.shape) }
      + layout.buffers.filter { !$0.description.isCount }.map { ($0.name, $0.description.shape) }
    let tensors = elsewhere.merging(stored.tensors) { $1 }
    // Before memory is taken for them.
    for (name, shape) in needed {
      guard let values = tensors[name], values.count == shape.count, values.allSatisfy(\.isFinite) else {
        throw EvenkeelError.data("it has no \(shape) finite values for \(name).")
      }
    }
    try stored.description.validate(width: layout.network.outputCount)
    try self.init(stored.description, layout)
    for entry in layout.entries {
      try setParameter(entry.name, to: Tensor(tensors[entry.name]!, shape: entry.description.shape))
    }
    for buffer in layout.buffers {
      guard buffer.description.isCount else {
        try setBuffer(buffer.name, to: Tensor(tensors[buffer.name]!, shape: buffer.description.shape))
        continue
      }
      guard let count = stored.counts[buffer.name], count >= 0 else {
        throw EvenkeelError.data("it has no count \(buffer.name).")
      }
      state.bufferCounts[buffer.offset] = count
    }
  }

  /// Buffers that are no counts.
  private var valueBuffers: [(String, Tensor)] {
    zip(state.layout.buffers, buffers).filter { !$0.0.description.isCount }.map { ($0.1.name, $0.1.values) }
  }

  private var counts: [(String, Int)] {
    state.layout.buffers.filter(\.description.isCount).map { ($0.name, state.bufferCounts[$0.offset]) }
  }
}
