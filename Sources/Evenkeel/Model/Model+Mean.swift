import Kernels

extension Model {
  /// One model whose outputs are the means of the outputs of `models`: of values, or of the logits of classes, that is, of
  /// probabilities by a geometric mean. Its network adds theirs (`Residual.Shortcut.layers`) in a balanced tree.
  ///
  /// What a single network of several learns from one start and one part of the data held back depends on both; a mean depends less
  /// on either (bagging, Breiman 1996; deep ensembles, Lakshminarayanan et al. 2017).
  ///
  /// ```swift
  /// let mean = try Model.mean(of: [model, other])                // one network, one file
  /// ```
  /// - Throws: `EvenkeelError` with code `usage` if there is none, or if they differ in their inputs or in what they predict, or
  ///   have no last dense layer.
  public static func mean(of models: [Model]) throws -> Model {
    guard let first = models.first else { throw EvenkeelError.usage("There is no model to take the mean of.") }
    guard models.count > 1 else { return first }
    guard
      models.allSatisfy({
        $0.network.input == first.network.input && $0.scaling == first.scaling && $0.output == first.output
          && TableEncoding.agree($0.encoding, first.encoding) && $0.images == first.images
          && $0.state.layout.network.members == 1
      })
    else { throw EvenkeelError.usage("Only models of the same inputs and outputs have a mean.") }
    var paths: [String] = []
    let networks = models.map { $0.network.layers }
    let layers = joined(networks[...], prefix: "", into: &paths)
    var mean = try Model(Network(input: first.network.input, layers: layers))
    (mean.scaling, mean.encoding, mean.images) = (first.scaling, first.encoding, first.images)
    (mean.output, mean.training) = (first.output, first.training)
    for (model, path) in zip(models, paths) { try mean.take(model, at: path, share: 1 / Float(models.count)) }
    return mean
  }

  /// The layers that add the networks, and the prefix of each network's paths.
  private static func joined(_ networks: ArraySlice<LayerList>, prefix: String, into paths: inout [String]) -> LayerList
  {
    guard networks.count > 1 else {
      paths.append(prefix)
      return networks.first!
    }
    let middle = networks.startIndex + (networks.count + 1) / 2
    let block = joined(networks[..<middle], prefix: Residual.blockPath(prefix + "0"), into: &paths)
    let shortcut = joined(networks[middle...], prefix: Residual.shortcutPath(prefix + "0"), into: &paths)
    return LayerList([Residual(shortcut: .layers(shortcut), block: block)])
  }

  /// Takes over what `model` learned, with its outputs times `share`.
  private mutating func take(_ model: Model, at prefix: String, share: Float) throws {
    let ends = Self.ends(of: model.state.layout.network.items)
    guard ends.allSatisfy({ $0.layer is Dense }) else {
      throw EvenkeelError.usage("A mean needs networks that end with a dense layer.")
    }
    for parameter in model.parameters {
      var values = parameter.values
      if ends.contains(where: { parameter.name.hasPrefix($0.path + ".") }) {
        values = Tensor(values.values.map { $0 * share }, shape: values.shape)
      }
      try setParameter(prefix + parameter.name, to: values)
    }
    state.write { state in
      for layer in model.state.layout.network.layers {
        let own = state.layout.network.layers.first { $0.path == prefix + layer.path }!
        state.copyBuffers(of: own, from: layer.path, in: model.state)
      }
    }
  }

  /// The layers whose outputs, or their sum, are the network's.
  private static func ends(of items: [PlacedNetwork.Item]) -> [PlacedLayer] {
    switch items.last {
    case .layer(let placed): [placed]
    case .block(let block): ends(of: block.items) + ends(of: block.shortcut)
    case nil: []
    }
  }
}
