extension Network {
  /// Fully connected hidden layers, each with an activation and batch norm before it, after it or not at all.
  /// - Parameters:
  ///   - input: The values of an example.
  ///   - hidden: The units of each hidden layer.
  ///   - outputs: The units of the last layer, which has neither norm nor activation.
  public static func multilayer(
    input: Int, hidden: [Int], outputs: Int, activation: ActivationKind = .relu,
    normalization: NormalizationPlacement = .beforeActivation
  ) -> Network {
    Network(input: [input]) {
      for units in hidden {
        Dense(units)
        if normalization == .beforeActivation { BatchNorm() }
        [activation.layer]
        if normalization == .afterActivation { BatchNorm() }
      }
      Dense(outputs)
    }
  }
}

/// Where a hidden layer is normalized: its z (Ioffe and Szegedy 2015, §3.2), its activation a, or neither.
public enum NormalizationPlacement: Sendable {
  case beforeActivation, afterActivation, none
}
