/// Whether a layer adds a learned bias.
public enum Bias: String, Hashable, Codable, CaseIterable, Sendable {
  /// A bias, unless a batch norm follows: it would subtract the bias again with the mean.
  case automatic
  case present
  case absent
}

/// A layer with weights and a bias: what it leaves open is filled in from what follows it.
protocol WeightedLayer: Layer {
  var bias: Bias { get set }
  var initialization: Initialization { get set }
}

extension Network {
  /// The same network with its batch norms left out and the biases back that were left out for their sake: the other side of
  /// a comparison.
  public func withoutNormalization() -> Network {
    Network(input: input, layers: Self.withoutNormalization(layers.layers))
  }

  private static func withoutNormalization(_ layers: [any Layer]) -> [any Layer] {
    layers.compactMap { layer in
      switch layer {
      case is BatchNorm: return nil
      case var residual as Residual:
        residual.block = LayerList(withoutNormalization(residual.block.layers))
        return residual
      case var weighted as any WeightedLayer:
        weighted.bias = .present
        return weighted
      default: return layer
      }
    }
  }
}

extension WeightedLayer {
  /// - Parameters:
  ///   - following: The layers behind it in its own list.
  ///   - tail: Those behind the block that it stands in.
  func resolved(before following: ArraySlice<any Layer>, tail: ArraySlice<any Layer>) -> Self {
    var layer = self
    if bias == .automatic { layer.bias = following.first is BatchNorm ? .absent : .present }
    if initialization == .automatic {
      let next = (following + tail).first {
        !($0 is BatchNorm || $0 is Dropout || $0 is Flatten || $0 is any PoolingLayer)
      }
      layer.initialization = (next as? any ActivationLayer).map { type(of: $0).initialization } ?? .glorot
    }
    return layer
  }
}
