import Evenkeel

extension Network {
  /// What `withNorms` takes.
  public static let normNames = "batch, layer, group, group:N, instance, rms, ghost:N, renorm or none"

  /// The network with other norms in the places of its own, as `--normalization` names them: `batch` leaves it as it is, `none`
  /// takes them out, `ghost:N` and `renorm` change its batch norms.
  /// - Throws: `EvenkeelError` with code `usage` for a name that is none, for a norm that does not fit, and for a network without
  ///   batch norms.
  public func withNorms(_ name: String) throws -> Network {
    guard try leaves().contains(where: { $0.layer is BatchNorm }) else {
      throw EvenkeelError(.usage, "The network has no batch norm to compare.")
    }
    switch name {
    case "batch": return self
    case "none": return withoutNormalization()
    case "renorm": return changingNorms { $0.renormalization = Renormalization() }
    default: break
    }
    if name.hasPrefix("ghost:"), let size = Int(name.dropFirst(6)), size > 1 {
      return changingNorms { $0.ghostBatch = size }
    }
    do { return try normalized(by: Normalization(named: name)) } catch let error as EvenkeelError
      where error.message.hasPrefix("\"\(name)\" is not")
    {
      throw EvenkeelError(.usage, "\"\(name)\" is not a normalization; expected \(Self.normNames).")
    }
  }

  func changingNorms(_ change: (inout BatchNorm) -> Void) -> Network {
    Network(input: input, layers: layers.changingNorms(change).layers)
  }
}

extension LayerList {
  fileprivate func changingNorms(_ change: (inout BatchNorm) -> Void) -> LayerList {
    LayerList(
      layers.map { layer in
        if var norm = layer as? BatchNorm {
          change(&norm)
          return norm
        }
        guard var residual = layer as? Residual else { return layer }
        residual.block = residual.block.changingNorms(change)
        return residual
      })
  }
}
