import Evenkeel

extension Network {
  /// The network with other norms in the places of its own, as `--normalization` names them: `batch` leaves it as it is, `none`
  /// takes them out.
  /// - Throws: `EvenkeelError` with code `usage` for a name that is none, and for a network without norms.
  public func withNorms(_ name: String) throws -> Network {
    switch name {
    case "batch":
      guard try leaves().contains(where: { $0.layer is BatchNorm }) else {
        throw EvenkeelError(.usage, "The network has no batch norm that could be compared.")
      }
      return self
    case "none": return withoutNormalization()
    default:
      throw EvenkeelError(.usage, "\"\(name)\" is not a normalization; expected batch or none.")
    }
  }
}
