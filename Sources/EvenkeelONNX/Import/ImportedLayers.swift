import Evenkeel

/// A layer with its parameters and buffers by name; those of a block by their paths in it.
struct ImportedLayer {
  var layer: any Layer
  var tensors: [String: Tensor]
}

/// Steps in a row as layers.
struct ImportedLayers {
  let graph: GraphImport
  private(set) var layers: [ImportedLayer] = []
  /// What the input goes through first, at the network's own input.
  private(set) var scaling: InputScaling?
  private var pending: [ImportedAffine] = []

  /// - Parameter isNetwork: Whether the steps begin at the network's own input.
  /// - Throws: `EvenkeelError` with code `data` that names a step that is no layer.
  init(_ steps: [ImportedStep], of graph: GraphImport, isNetwork: Bool) throws {
    self.graph = graph
    for (index, step) in steps.enumerated() {
      if let affine = step.affine {
        pending.append(affine)
        continue
      }
      let start = index > 0 ? steps[index - 1] : nil
      try flush(shape: start?.shape ?? graph.inputShape, isFirst: isNetwork, node: start?.node ?? step.node)
      switch step.action {
      case .layer(let layer, let tensors): layers.append(ImportedLayer(layer: layer, tensors: tensors))
      case .block(let block, let shortcut):
        layers.append(
          try residual(block, shortcut, input: step.previous.map { graph.shape(of: $0) } ?? [], node: step.node))
      case .part, .input, .affine: throw GraphImport.noLayer([step.node])
      }
    }
    try flush(shape: steps.last?.shape ?? graph.inputShape, isFirst: isNetwork, node: steps.last?.node ?? "")
  }

  /// Lets what is pending become part of the layer before it, the scaling, or a batch norm that does not change.
  private mutating func flush(shape: Shape, isFirst: Bool, node: String) throws {
    guard !pending.isEmpty else { return }
    defer { pending = [] }
    // Numbers that undo each other, as those around a GELU in parts.
    if pending.allSatisfy({ $0.values.count == 1 }), pending.coefficients(count: 1) == ([1], [0]) { return }
    let isOverFeatures = pending.allSatisfy { affine in
      let axis = affine.isRaw ? affine.axis.flatMap { graph.inputAxes?.firstIndex(of: $0) } : affine.axis
      return affine.axis == nil || axis == 1
    }
    guard isOverFeatures else { throw GraphImport.noLayer([node]) }
    if layers.isEmpty, isFirst, let scaling = InputScaling(pending, features: graph.inputShape.featureCount) {
      self.scaling = scaling
      return
    }
    let count = shape.featureCount
    if var last = layers.popLast() {
      let isDone = last.absorb(&pending, count: count)
      layers.append(last)
      if isDone || pending.isEmpty { return }
    }
    // With mean 0, variance 1 and ε 0 it is γ x + β.
    let (scale, shift) = pending.coefficients(count: count)
    layers.append(
      ImportedLayer(
        layer: BatchNorm(epsilon: 0, frozen: true),
        tensors: [
          "weight": Tensor(scale.map { Float($0) }, shape: [count]),
          "bias": Tensor(shift.map { Float($0) }, shape: [count]),
          "running_mean": Tensor([Float](repeating: 0, count: count), shape: [count]),
          "running_var": Tensor([Float](repeating: 1, count: count), shape: [count]),
        ]))
  }

  // Blocks.

  private func residual(
    _ block: [ImportedStep], _ shortcut: [ImportedStep], input: Shape, node: String
  ) throws -> ImportedLayer {
    let inner = try ImportedLayers(block, of: graph, isNetwork: false).layers
    let layers = inner.map(\.layer)
    let residual = Residual(shortcut: shortcut.isEmpty ? .identity : .projection) { layers }
    var tensors: [String: Tensor] = [:]
    for (index, layer) in inner.enumerated() {
      for (name, values) in layer.tensors { tensors["block.\(index).\(name)"] = values }
    }
    guard !shortcut.isEmpty else { return ImportedLayer(layer: residual, tensors: tensors) }
    // What a projection is follows from the block: the file's must be that.
    let given = try ImportedLayers(shortcut, of: graph, isNetwork: false).layers
    let expected: [PlacedLayer]
    do {
      expected = try Network(input: input, layers: [residual]).placed().layers.filter {
        $0.path.hasPrefix("0.shortcut.")
      }
    } catch let error as EvenkeelError { throw EvenkeelError.data("the node \(node): \(error.message)") }
    guard given.count == expected.count, zip(given, expected).allSatisfy({ $0.fits($1) }) else {
      throw EvenkeelError.data(
        "the node \(node) adds a shortcut that is no projection of the block's: expected \(expected.map { type(of: $0.layer).kind }.joined(separator: ", ")) of the same options."
      )
    }
    for (index, (layer, placed)) in zip(given, expected).enumerated() {
      for parameter in placed.parameters {
        let absent = Tensor([Float](repeating: 0, count: parameter.shape.count), shape: parameter.shape)
        tensors["shortcut.\(index).\(parameter.name)"] = layer.tensors[parameter.name] ?? absent
      }
      for name in ["running_mean", "running_var"] { tensors["shortcut.\(index).\(name)"] = layer.tensors[name] }
    }
    // A bias before a norm is part of the mean that it subtracts.
    if expected[0].parameters.count == 1, let bias = given[0].tensors["bias"] {
      guard let mean = tensors["shortcut.1.running_mean"] else {
        throw EvenkeelError.data("the node \(node) adds a shortcut with a bias before a norm without running means.")
      }
      tensors["shortcut.1.running_mean"] = Tensor(zip(mean.values, bias.values).map { $0 - $1 }, shape: mean.shape)
    }
    return ImportedLayer(layer: residual, tensors: tensors)
  }
}

extension ImportedLayer {
  /// Whether this layer does what `placed` does, weights aside.
  fileprivate func fits(_ placed: PlacedLayer) -> Bool {
    guard type(of: layer) == type(of: placed.layer), (try? layer.outputShape(for: placed.input)) == placed.output else {
      return false
    }
    if let norm = layer.norm { return norm.epsilon == placed.layer.norm?.epsilon }
    let weight = placed.parameters.first { $0.name == "weight" }?.shape
    return tensors["weight"]?.shape == weight
  }

  /// Takes what of `pending` this layer can do itself.
  /// - Returns: Whether that is all.
  fileprivate mutating func absorb(_ pending: inout [ImportedAffine], count: Int) -> Bool {
    switch layer {
    case var dense as Dense:
      dense.bias = .present
      layer = dense
    case var convolution as Convolution:
      convolution.bias = .present
      layer = convolution
    case var convolution as DepthwiseConvolution:
      convolution.bias = .present
      layer = convolution
    case var convolution as Convolution1D:
      convolution.bias = .present
      layer = convolution
    case is BatchNorm:
      let (scale, shift) = pending.coefficients(count: count)
      for (name, add) in [("weight", false), ("bias", true)] {
        let values = tensors[name]!.values.enumerated().map {
          Float(Double($1) * scale[$0] + (add ? shift[$0] : 0))
        }
        tensors[name] = Tensor(values, shape: [count])
      }
      return true
    case var norm as LayerNorm where !norm.shift:
      (norm.scale, norm.shift) = take(&pending, norm.scale, count)
      layer = norm
      return false
    case var norm as GroupNorm where !norm.shift:
      (norm.scale, norm.shift) = take(&pending, norm.scale, count)
      layer = norm
      return false
    case var norm as RMSNorm where !norm.scale:
      norm.scale = take(&pending, false, count, takesShift: false).scale
      layer = norm
      return false
    default: return false
    }
    absorbIntoWeights(pending, count)
    return true
  }

  /// γ and β as they were written after a norm without them.
  private mutating func take(
    _ pending: inout [ImportedAffine], _ scale: Bool, _ count: Int, takesShift: Bool = true
  ) -> (scale: Bool, shift: Bool) {
    var (hasScale, hasShift) = (scale, false)
    func tensor(_ affine: ImportedAffine) -> Tensor {
      let values = affine.values.map { Float($0) }
      return Tensor(values.count == count ? values : [Float](repeating: values[0], count: count), shape: [count])
    }
    if !hasScale, let first = pending.first, first.operation == .multiply {
      tensors["weight"] = tensor(first)
      hasScale = true
      pending.removeFirst()
    }
    if takesShift, let first = pending.first, first.operation == .add {
      tensors["bias"] = tensor(first)
      hasShift = true
      pending.removeFirst()
    }
    return (hasScale, hasShift)
  }

  private mutating func absorbIntoWeights(_ affines: [ImportedAffine], _ count: Int) {
    let (scale, shift) = affines.coefficients(count: count)
    let weight = tensors["weight"]!
    let row = weight.values.count / count
    if scale.contains(where: { $0 != 1 }) {
      tensors["weight"] = Tensor(
        weight.values.enumerated().map { Float(Double($1) * scale[$0 / row]) }, shape: weight.shape)
    }
    let bias = tensors["bias"]?.values ?? [Float](repeating: 0, count: count)
    tensors["bias"] = Tensor(
      (0..<count).map { Float(Double(bias[$0]) * scale[$0] + shift[$0]) }, shape: [count])
  }
}

extension InputScaling {
  /// What subtracts a mean and multiplies by a scale of 0 or more; nil for anything else.
  init?(_ affines: [ImportedAffine], features: Int) {
    let isDouble = affines.contains(where: \.isDouble)
    let count = affines.allSatisfy { $0.values.count == 1 } ? 1 : features
    func spread(_ values: [Double]) -> [Double] {
      values.count == count ? values : [Double](repeating: values[0], count: count)
    }
    var rest = affines[...]
    func next(_ operation: ImportedAffine.Operation) -> [Double]? {
      rest.first?.operation == operation ? spread(rest.removeFirst().values) : nil
    }
    let zero = [Double](repeating: 0, count: count)
    var mean = next(.subtract)
    let remainder = mean == nil ? zero : next(.subtract) ?? zero
    var deviation = next(.divide)
    if deviation == nil, let scale = next(.multiply) { deviation = scale.map { Self.inverse($0, isDouble: isDouble) } }
    if !rest.isEmpty {
      let (scale, shift) = affines.coefficients(count: count)
      guard !scale.contains(0) else { return nil }
      mean = zip(scale, shift).map { -$1 / $0 }
      deviation = scale.map { Self.inverse($0, isDouble: isDouble) }
    }
    let (means, deviations) = (mean ?? zero, deviation ?? zero.map { _ in 1 })
    guard (means + deviations).allSatisfy(\.isFinite), deviations.allSatisfy({ $0 >= 0 }) else { return nil }
    self.init(mean: means, deviation: deviations, remainder: rest.isEmpty ? remainder : zero)
  }

  /// The number whose inverse is `scale`, to the last bit if there is one; 0 for 0.
  private static func inverse(_ scale: Double, isDouble: Bool) -> Double {
    guard scale != 0 else { return 0 }
    if isDouble {
      let near = 1 / scale
      return [near, near.nextUp, near.nextDown].first { 1 / $0 == scale } ?? near
    }
    let near = 1 / Float(scale)
    return Double([near, near.nextUp, near.nextDown].first { 1 / $0 == Float(scale) } ?? near)
  }
}
