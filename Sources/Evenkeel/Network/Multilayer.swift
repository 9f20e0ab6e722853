extension Network {
  /// Fully connected hidden layers, each with an activation and with batch norm before it, after it or not at all.
  /// - Parameters:
  ///   - input: The number of values in an example.
  ///   - hidden: The number of units in each hidden layer.
  ///   - outputs: The number of units in the last layer, which has neither norm nor activation.
  ///   - activation: The activation of every hidden layer.
  ///   - normalization: Where a hidden layer has its batch norm.
  ///   - dropout: The share of a hidden layer's outputs that is dropped in training; 0 for no such layer.
  public static func multilayer(
    input: Int, hidden: [Int], outputs: Int, activation: ActivationKind = .relu,
    normalization: NormalizationPlacement = .beforeActivation, dropout: Double = 0
  ) -> Network {
    Network(input: [input]) {
      hiddenLayers(hidden, activation: activation, normalization: normalization, dropout: dropout)
      Dense(outputs)
    }
  }

  /// The same layers without the last.
  @LayerBuilder static func hiddenLayers(
    _ hidden: [Int], activation: ActivationKind, normalization: NormalizationPlacement, dropout: Double
  ) -> [any Layer] {
    for units in hidden {
      Dense(units)
      if normalization == .beforeActivation { BatchNorm() }
      [activation.layer]
      if normalization == .afterActivation { BatchNorm() }
      if dropout > 0 { Dropout(dropout) }
    }
  }
}

/// What is normalized in a hidden layer: its z (Ioffe and Szegedy 2015, §3.2), its activation a, or neither.
public enum NormalizationPlacement: Sendable {
  /// z, which the activation then takes.
  case beforeActivation
  /// The activation a, which the next layer takes.
  case afterActivation
  /// Neither: no norm.
  case none
}
