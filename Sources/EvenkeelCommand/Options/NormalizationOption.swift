import ArgumentParser
import Evenkeel

/// Which norms stand in the network.
struct NormalizationOption: ParsableArguments {
  @Option(
    help:
      "What replaces every norm of the network: \((Normalization.names + [NormalizationChoice.afterActivation]).alternatives). batch is the default, none removes them, after-activation puts batch norm after the activation of --hidden.",
    transform: NormalizationChoice.init)
  var normalization: NormalizationChoice?

  /// Where hidden layers have their batch norms before these are exchanged.
  var placement: NormalizationPlacement {
    guard let normalization, normalization.norm == nil else { return .beforeActivation }
    return .afterActivation
  }

  /// - Parameter file: The network file or built-in network, which places its own norms; nil for hidden layers.
  /// - Throws: `EvenkeelError` with code `usage` for a placement in a file.
  func requirePlacement(in file: String?) throws {
    guard file != nil, placement == .afterActivation else { return }
    throw EvenkeelError(
      .usage, "--network places its own norms; --normalization after-activation needs --hidden instead.")
  }

  /// `network` with its norms replaced by another kind, if one was asked for.
  /// - Throws: `EvenkeelError` with code `usage` for norms that do not fit.
  func exchanged(in network: Network) throws -> Network {
    guard let choice = normalization, let norm = choice.norm else { return network }
    do { return try network.normalized(by: norm) } catch let error as EvenkeelError {
      throw error.at("--normalization is \"\(choice.text)\"")
    }
  }
}

/// A value of `--normalization`.
struct NormalizationChoice {
  static let afterActivation = "after-activation"

  let text: String
  /// nil for batch norm after the activation.
  let norm: Normalization?

  /// - Throws: `EvenkeelError` with code `usage` for a name that is none.
  init(_ text: String) throws {
    self.text = text
    guard text != Self.afterActivation else {
      norm = nil
      return
    }
    guard let norm = try? Normalization(named: text) else {
      throw EvenkeelError(.usage, "expected \((Normalization.names + [Self.afterActivation]).alternatives).")
    }
    self.norm = norm
  }
}
