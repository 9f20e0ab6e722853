/// Whether a layer adds a learned bias.
public enum Bias: String, Hashable, Codable, CaseIterable, Sendable {
  /// A bias, unless a batch or instance norm follows: it would subtract the bias again with the mean. Layer, group and RMS norm
  /// would not: their means are not those of one feature.
  case automatic
  case present
  case absent
}

/// A layer with weights and a bias: what it leaves open is filled in from what follows it.
protocol WeightedLayer: Layer {
  var bias: Bias { get set }
  var initialization: Initialization { get set }
}

extension WeightedLayer {
  /// - Parameters:
  ///   - following: The layers behind it in its own list.
  ///   - tail: Those behind the block that it stands in.
  func resolved(before following: ArraySlice<any Layer>, tail: ArraySlice<any Layer>) -> Self {
    var layer = self
    if bias == .automatic {
      layer.bias =
        (following.first as? any NormalizationLayer).map { type(of: $0).cancelsBias } == true ? .absent : .present
    }
    if initialization == .automatic {
      let next = (following + tail).first {
        !($0 is any NormalizationLayer || $0 is Dropout || $0 is Flatten || $0 is any PoolingLayer)
      }
      layer.initialization = (next as? any ActivationLayer).map { type(of: $0).initialization } ?? .glorot
    }
    return layer
  }
}
