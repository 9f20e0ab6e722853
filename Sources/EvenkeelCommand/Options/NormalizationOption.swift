import ArgumentParser
import Evenkeel

/// Which norms stand in the network.
struct NormalizationOption: ParsableArguments {
  @Option(
    help:
      "What replaces every norm of the network: batch (the default), ghost:N, renorm, layer, group, group:N, instance or rms; none removes them; after-activation puts batch norm after the activation of --hidden.",
    transform: NormalizationChoice.init)
  var normalization: NormalizationChoice?

  /// Where hidden layers have their batch norms before these are exchanged.
  var placement: NormalizationPlacement {
    switch normalization?.kind {
    case .removed: .none
    case .afterActivation: .afterActivation
    case .norm, nil: .beforeActivation
    }
  }

  /// - Parameter file: The network file or built-in network, which places its own norms; nil for hidden layers.
  /// - Throws: `EvenkeelError` with code `usage` for a placement in a file.
  func requirePlacement(in file: String?) throws {
    guard file != nil, case .afterActivation = normalization?.kind else { return }
    throw EvenkeelError(
      .usage, "--network places its own norms; --normalization after-activation needs --hidden instead.")
  }

  /// `network`, as it stands in a file, with the norms that were asked for.
  /// - Throws: `EvenkeelError` with code `usage` for norms that do not fit.
  func applied(toFile network: Network) throws -> Network {
    if case .removed = normalization?.kind { return network.withoutNormalization() }
    return try exchanged(in: network)
  }

  /// `network` with its norms replaced by another kind, if one was asked for.
  /// - Throws: `EvenkeelError` with code `usage` for norms that do not fit.
  func exchanged(in network: Network) throws -> Network {
    guard let choice = normalization, case .norm(let norm) = choice.kind else { return network }
    do { return try network.normalized(by: norm) } catch let error as EvenkeelError {
      throw EvenkeelError(error.code, "--normalization is \"\(choice.text)\": \(error.message)")
    }
  }
}

/// A value of `--normalization`.
struct NormalizationChoice {
  enum Kind {
    case norm(Normalization)
    case removed
    case afterActivation
  }

  let text: String
  let kind: Kind

  /// - Throws: `EvenkeelError` with code `usage` for a name that is none.
  init(_ text: String) throws {
    self.text = text
    switch text {
    case "none": kind = .removed
    case "after-activation": kind = .afterActivation
    default:
      do { kind = .norm(try Normalization(named: text)) } catch is EvenkeelError {
        throw EvenkeelError(.usage, "expected \(Normalization.names), after-activation or none.")
      }
    }
  }
}
