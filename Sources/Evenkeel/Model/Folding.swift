import Kernels

extension Model {
  /// The same model with its batch norms folded into the layers before them, for prediction only: W becomes γ / √(σ² +
  /// ε) · W and the bias β + γ / √(σ² + ε) · (b − μ), with running statistics. A layer that had no bias gets one.
  ///
  /// Predictions differ by float rounding only. Paths of the layers after a norm move up, as the norm is gone. Layer,
  /// group, instance and RMS norms stay: their factors depend on the example.
  ///
  /// ```swift
  /// let folded = try model.folded()                              // predicts the same, without batch norms
  /// print(model.network.layers.count - folded.network.layers.count)
  /// ```
  /// - Throws: `EvenkeelError` with code `usage` that names a batch norm that does not directly follow a dense or
  ///   convolution layer, such as one after an activation, or a block whose shortcut would take another norm once its
  ///   batch norm is gone.
  public func folded() throws -> Model {
    var folding = Folding(self)
    let layers = try folding.fold(state.layout.network.items, to: "")
    var model = try Model(Network(input: network.input, layers: layers), seed: 0)
    for (name, values) in folding.parameters { try model.setParameter(name, to: values) }
    for layer in model.state.layout.network.layers {
      guard let source = folding.origin[layer.path] else { continue }
      model.state.copyBuffers(of: layer, from: source, in: state)
    }
    model.scaling = scaling
    model.encoding = encoding
    model.images = images
    model.output = output
    model.table = table
    return model
  }
}

/// The parameters of a folded model, gathered layer by layer.
private struct Folding {
  private let old: [String: Tensor]
  private let statistics: [String: RunningStatistics]
  private(set) var parameters: [String: Tensor] = [:]
  /// Where the layers that stay as they are came from, by their new paths.
  private(set) var origin: [String: String] = [:]

  init(_ model: Model) {
    old = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.values) })
    statistics = Dictionary(uniqueKeysWithValues: model.runningStatistics.map { ($0.name, $0.statistics) })
  }

  /// Folds a list of layers whose paths begin with `target` in the folded model.
  mutating func fold(_ items: [PlacedNetwork.Item], to target: String) throws -> [any Layer] {
    var folded: [any Layer] = []
    var index = 0
    while index < items.count {
      let path = target + String(folded.count)
      let next = index + 1 < items.count ? items[index + 1] : nil
      switch items[index] {
      case .block(let block): folded.append(try fold(block, as: path))
      case .layer(let placed):
        if var weighted = placed.layer as? any WeightedLayer, case .layer(let next) = next, let norm = batchNorm(next) {
          index += 1
          fold(norm, at: next.path, into: placed.path, as: path)
          weighted.bias = .present
          folded.append(weighted)
        } else if batchNorm(placed) != nil {
          throw EvenkeelError.usage(
            "Layer \(placed.path) (batchNorm) cannot be folded: it does not directly follow a dense or convolution layer."
          )
        } else {
          for (name, values) in old where name.hasPrefix(placed.path + ".") {
            parameters[path + name.dropFirst(placed.path.count)] = values
          }
          origin[path] = placed.path
          folded.append(placed.layer)
        }
      }
      index += 1
    }
    return folded
  }

  private func batchNorm(_ placed: PlacedLayer) -> BatchNorm? { placed.layer as? BatchNorm }

  private mutating func fold(_ block: PlacedBlock, as path: String) throws -> Residual {
    let shortcut = try fold(block.shortcut, to: Residual.shortcutPath(path))
    var residual = block.residual
    residual.block = LayerList(try fold(block.items, to: Residual.blockPath(path)))
    if case .layers = residual.shortcut { residual.shortcut = .layers(LayerList(shortcut)) }
    guard LayerList(try residual.shortcut(from: block.input, to: block.output)) == LayerList(shortcut) else {
      throw EvenkeelError.usage(
        "Layer \(block.path) (residual) cannot be folded: another norm remains in its block, and its projection would take that one."
      )
    }
    return residual
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
