import Evenkeel

extension Network {
  /// One side of a comparison of norms: `normalized(by:)` of a network that has norms to compare.
  /// - Throws: `EvenkeelError` with code `usage` for a network without norms, and where the new norm does not fit.
  package func compared(by normalization: Normalization) throws -> Network {
    guard try placed().layers.contains(where: { $0.layer.norm != nil }) else {
      throw EvenkeelError(.usage, "The network has no norms to compare.")
    }
    return try normalized(by: normalization)
  }

  /// The network with every batch norm changed by `change`.
  func changingNorms(_ change: (inout BatchNorm) -> Void) -> Network {
    mapLayers { layer, _ in
      guard var norm = layer as? BatchNorm else { return [layer] }
      change(&norm)
      return [norm]
    }
  }
}
