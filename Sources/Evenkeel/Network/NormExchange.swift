/// What the norms of a network are, for comparison.
public enum Normalization: Hashable, Sendable {
  /// Batch norm over the whole batch.
  case batch
  /// Batch norm over ghost batches of so many examples: `BatchNorm.ghostBatch`.
  case ghost(size: Int)
  /// Batch norm with `Renormalization` as it is by default.
  case renorm
  /// `LayerNorm`.
  case layer
  /// `GroupNorm` of so many groups; nil for as many as divide the features, up to 8 and at least two features a group.
  case group(groups: Int?)
  /// `InstanceNorm`.
  case instance
  /// `RMSNorm`.
  case rms

  /// The names that `init(named:)` takes.
  public static let names = "batch, ghost:N, renorm, layer, group, group:N, instance or rms"

  /// `batch`, `ghost:16`, `renorm`, `layer`, `group`, `group:8`, `instance` or `rms`.
  /// - Throws: `EvenkeelError` with code `usage` that lists them if `name` is none.
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
    default: throw EvenkeelError.usage("\"\(name)\" is not a normalization; expected \(Self.names).")
    }
  }

  /// The norm in the place of `old`, whose options these are: it keeps whether and from where γ and β are learned; ε is the new
  /// kind's own.
  fileprivate func norm(for old: any Layer, _ options: NormOptions, features: Int) -> any Layer {
    let (scale, shift) = (options.learnsScale, options.learnsShift || old is RMSNorm)
    let start = options.initialScale
    /// What else a batch norm was, it stays.
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
    }
  }
}

extension Network {
  /// The same network with every norm, of whichever kind, in its place replaced by one of another kind: the other side of a
  /// comparison. Biases before it that were left `automatic` come or go as the new norm asks for.
  /// - Throws: `EvenkeelError` with code `usage` that names a layer where the new norm does not fit, as an `InstanceNorm` after a
  ///   `Dense`.
  public func normalized(by normalization: Normalization) throws -> Network {
    let features = Dictionary(uniqueKeysWithValues: try placed().layers.map { ($0.path, $0.input.featureCount) })
    let network = mapLayers { layer, path in
      guard let options = layer.norm else { return [layer] }
      return [normalization.norm(for: layer, options, features: features[path]!)]
    }
    _ = try network.outputShape()
    return network
  }

  /// The same network with its norms left out: the other side of a comparison. Biases that were left `automatic`, and out for the
  /// norms' sake, come back.
  public func withoutNormalization() -> Network { mapLayers { layer, _ in layer.norm == nil ? [layer] : [] } }
}
