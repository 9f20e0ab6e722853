/// The kind of a network's norms, for comparisons. Stored by name.
public enum Normalization: Hashable, Sendable {
  /// Batch norm over the whole batch.
  case batch
  /// Batch norm over ghost batches of `size` examples: `BatchNorm.ghostBatch`.
  case ghost(size: Int)
  /// Batch norm with the default `Renormalization`.
  case renorm
  /// `LayerNorm`.
  case layer
  /// `GroupNorm`; nil takes the most groups, up to 8, that divide the features and leave two or more in each.
  case group(groups: Int?)
  /// `InstanceNorm`.
  case instance
  /// `RMSNorm`.
  case rms
  /// No norm at all.
  case none

  /// The forms of a name, for help and messages; N stands for a number.
  public static let names = ["batch", "ghost:N", "renorm", "layer", "group", "group:N", "instance", "rms", "none"]

  /// `batch`, `ghost:16`, `renorm`, `layer`, `group`, `group:8`, `instance`, `rms` or `none`.
  /// - Throws: `EvenkeelError` with code `usage` that lists `names` if `name` is not one of these.
  public init(named name: String) throws {
    let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let number = parts.count == 2 ? Int(parts[1]) : nil
    switch (parts[0], parts.count == 2) {
    case ("batch", false): self = .batch
    case ("ghost", true) where number != nil: self = .ghost(size: number!)
    case ("renorm", false): self = .renorm
    case ("layer", false): self = .layer
    case ("group", false): self = .group(groups: nil)
    case ("group", true) where number != nil: self = .group(groups: number)
    case ("instance", false): self = .instance
    case ("rms", false): self = .rms
    case ("none", false): self = .none
    default: throw EvenkeelError.usage("\"\(name)\" is not a normalization; expected \(Self.names.alternatives).")
    }
  }

  /// The name that `init(named:)` takes.
  public var name: String {
    switch self {
    case .batch: "batch"
    case .ghost(let size): "ghost:\(size)"
    case .renorm: "renorm"
    case .layer: "layer"
    case .group(let groups): groups.map { "group:\($0)" } ?? "group"
    case .instance: "instance"
    case .rms: "rms"
    case .none: "none"
    }
  }

  /// The norm that replaces `old`, which has these options: it keeps whether γ and β are learned and what they start
  /// at; ε is the new kind's default. nil if none replaces it.
  fileprivate func norm(for old: any Layer, _ options: NormOptions, features: Int) -> (any Layer)? {
    let (scale, shift) = (options.learnsScale, options.learnsShift ?? true)
    let start = options.initialScale
    /// A batch norm keeps its other options.
    var batch = old as? BatchNorm ?? BatchNorm(scale: scale, shift: shift, initialScale: start)
    (batch.ghostBatch, batch.renormalization) = (nil, nil)
    switch self {
    case .batch: return batch
    case .ghost(let size):
      batch.ghostBatch = size
      return batch
    case .renorm:
      batch.renormalization = Renormalization()
      return batch
    case .layer: return LayerNorm(scale: scale, shift: shift, initialScale: start)
    case .group(let groups):
      let groups = groups ?? (1...8).last { features % $0 == 0 && 2 * $0 <= features } ?? 1
      return GroupNorm(groups: groups, scale: scale, shift: shift, initialScale: start)
    case .instance: return InstanceNorm(scale: scale, shift: shift, initialScale: start)
    case .rms: return RMSNorm(scale: scale, initialScale: start)
    case .none: return nil
    }
  }
}

extension Normalization: Codable {
  /// Reads a name.
  public init(from decoder: any Decoder) throws {
    try self.init(named: decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the name.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

extension Network {
  /// The same network with every norm, of any kind, replaced by one of another kind: the other side of a comparison.
  /// Biases before it that were left `automatic` come or go as the new norm requires; `none` removes the norms.
  ///
  /// ```swift
  /// let grouped = try network.normalized(by: .group(groups: 8))
  /// ```
  /// - Throws: `EvenkeelError` with code `usage` that names a layer where the new norm does not fit, such as an
  ///   `InstanceNorm` after a `Dense`.
  public func normalized(by normalization: Normalization) throws -> Network {
    let features = Dictionary(uniqueKeysWithValues: try placed().layers.map { ($0.path, $0.input.featureCount) })
    let network = mapLayers { layer, path in
      guard let options = layer.norm else { return [layer] }
      return normalization.norm(for: layer, options, features: features[path]!).map { [$0] } ?? []
    }
    _ = try network.outputShape()
    return network
  }

  /// The same network whose batch norms take statistics of `size` examples each; those of fewer stay as they are.
  package func withGhostBatches(of size: Int) -> Network {
    mapLayers { layer, _ in
      guard var norm = layer as? BatchNorm, norm.ghostBatch.map({ $0 > size }) ?? true else { return [layer] }
      norm.ghostBatch = size
      return [norm]
    }
  }

  /// The same network without its norms: the other side of a comparison. Biases that were left `automatic`, and omitted
  /// because of the norms, come back.
  ///
  /// ```swift
  /// var plain = try Model(network.withoutNormalization(), seed: 1)
  /// ```
  public func withoutNormalization() -> Network { mapLayers { layer, _ in layer.norm == nil ? [layer] : [] } }
}
