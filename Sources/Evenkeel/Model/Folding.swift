import Kernels

extension Model {
  /// The same model with its batch norms folded into the layers in front of them, for prediction alone: W becomes
  /// γ / √(σ² + ε) · W and the bias β + γ / √(σ² + ε) · (b − μ), with running statistics. A layer that had no bias gets one.
  ///
  /// Predictions differ by float rounding only. Paths of the layers behind a norm move up, as the norm is gone. Layer, group,
  /// instance and RMS norms stay: what they multiply with depends on the example.
  /// - Throws: `EvenkeelError` with code `usage` that names a batch norm that does not stand right behind a dense or convolution
  ///   layer, as one behind an activation, or a block whose shortcut would take another norm once its batch norm is gone.
  public func folded() throws -> Model {
    var folding = Folding(self)
    let layers = try folding.fold(network.layers.layers, from: "", to: "")
    var model = try Model(Network(input: network.input, layers: layers), seed: 0)
    for (name, values) in folding.parameters { try model.setParameter(name, to: values) }
    model.scaling = scaling
    model.encoding = encoding
    model.output = output
    return model
  }
}

/// The parameters of a folded model, gathered layer by layer.
private struct Folding {
  private let old: [String: Tensor]
  private let statistics: [String: RunningStatistics]
  private(set) var parameters: [String: Tensor] = [:]
  private var shape: Shape

  init(_ model: Model) {
    old = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.values) })
    statistics = Dictionary(uniqueKeysWithValues: model.runningStatistics.map { ($0.name, $0.statistics) })
    shape = model.network.input
  }

  /// Folds a list of layers whose paths begin with `source`, and begin with `target` in the folded model.
  mutating func fold(_ layers: [any Layer], from source: String, to target: String) throws -> [any Layer] {
    var folded: [any Layer] = []
    var index = 0
    while index < layers.count {
      let (from, to) = (source + String(index), target + String(folded.count))
      let norm = index + 1 < layers.count ? layers[index + 1] as? BatchNorm : nil
      let before = shape
      switch layers[index] {
      case is BatchNorm:
        throw EvenkeelError.usage(
          "Layer \(from) (batchNorm) cannot be folded: it does not directly follow a dense or convolution layer.")
      case var residual as Residual:
        let shortcut = try fold(
          residual.shortcutLayers(for: before), from: from + ".shortcut.", to: to + ".shortcut.")
        shape = before
        residual.block = LayerList(try fold(residual.block.layers, from: from + ".block.", to: to + ".block."))
        guard LayerList(try residual.shortcutLayers(for: before)) == LayerList(shortcut) else {
          throw EvenkeelError.usage(
            "Layer \(from) (residual) cannot be folded: another norm remains in its block, and its projection would take that one."
          )
        }
        folded.append(residual)
        shape = try layers[index].outputShape(for: before)
      case var weighted as any WeightedLayer where norm != nil:
        index += 1
        fold(norm!, at: source + String(index), into: from, as: to)
        weighted.bias = .present
        folded.append(weighted)
        shape = try weighted.outputShape(for: before)
      case let layer:
        for (name, values) in old where name.hasPrefix(from + ".") {
          parameters[to + name.dropFirst(from.count)] = values
        }
        folded.append(layer)
        shape = try layer.outputShape(for: before)
      }
      index += 1
    }
    return folded
  }

  private mutating func fold(_ norm: BatchNorm, at path: String, into source: String, as target: String) {
    var weight = old[source + ".weight"]!
    let bias = old[source + ".bias"], scale = old[path + ".weight"], shift = old[path + ".bias"]
    let running = statistics[path]!
    let features = running.mean.count
    let inputs = weight.values.count / features
    var folded = [Float](repeating: 0, count: features)
    for feature in 0..<features {
      let gain =
        Double(scale?.values[feature] ?? 1) * ek_inverse_deviation(Double(running.variance[feature]), norm.epsilon)
      for input in feature * inputs..<(feature + 1) * inputs {
        weight.values[input] = Float(gain * Double(weight.values[input]))
      }
      let centered = Double(bias?.values[feature] ?? 0) - Double(running.mean[feature])
      folded[feature] = Float(Double(shift?.values[feature] ?? 0) + gain * centered)
    }
    parameters[target + ".weight"] = weight
    parameters[target + ".bias"] = Tensor(folded, shape: [features])
  }
}
