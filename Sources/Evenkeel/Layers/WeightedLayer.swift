/// Whether a layer adds a learned bias.
public enum Bias: String, Hashable, Codable, CaseIterable, Sendable {
  /// A bias, unless the next layer has the trait `removesConstants`: batch and instance norm would subtract the bias
  /// again with the mean. Layer, group and RMS norm would not: their means, if any, are not of one feature.
  case automatic
  /// A bias in any case.
  case present
  /// No bias.
  case absent
}

/// A layer with weights and a bias: its open options are filled in from what follows it.
protocol WeightedLayer: Layer {
  var bias: Bias { get set }
  var initialization: Initialization { get set }
}

extension WeightedLayer {
  public func resolved(before next: NextLayers) -> Self {
    var layer = self
    if bias == .automatic { layer.bias = next.traits.contains(.removesConstants) ? .absent : .present }
    if initialization == .automatic { layer.initialization = next.initialization ?? .glorot }
    return layer
  }
}
