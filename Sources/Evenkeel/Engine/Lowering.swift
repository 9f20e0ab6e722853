/// One step of a program: an operation over numbered values.
struct Step {
  var operation: any LayerOperation
  let name: String
  let input: Int
  /// A second input, for operations that add it.
  var addend: Int?
  let output: Int
  /// Where the layer's parameters start in the model's buffer, in the order in which it describes them.
  var parameterOffsets: [Int] = []
  /// The number of the batch norm among the network's; nil for other layers.
  var statistics: Int?
}

/// A network as a list of steps over values, with everything fused that is fused.
///
/// This is the only place that looks at which layer follows which.
struct Lowering {
  private(set) var steps: [Step] = []
  /// The number of floats of one row of every value; value 0 is the input.
  private(set) var lengths: [Int]
  /// How long a sequence is in every value.
  private(set) var sequences: [SequenceLengths]
  private let layout: ParameterLayout
  private let maximumRows: Int
  private let purpose: Purpose
  private let precision: Precision
  private var current = 0
  private var shape: Shape

  init(
    _ network: Network, layout: ParameterLayout, maximumRows: Int, purpose: Purpose, precision: Precision
  ) throws {
    self.layout = layout
    self.maximumRows = maximumRows
    self.purpose = purpose
    self.precision = precision
    shape = network.input
    lengths = [network.input.count]
    sequences = [SequenceLengths(network.input)]
    try append(network.layers.layers, prefix: "")
  }

  /// The value that the last step gives.
  var output: Int { current }

  private mutating func append(_ layers: [any Layer], prefix: String) throws {
    var index = 0
    while index < layers.count {
      let layer = layers[index]
      let name = prefix + String(index)
      let output = try layer.outputShape(for: shape)
      let site = site(layer, output, name)
      index += 1
      switch layer {
      case is Flatten where Flatten.isView(of: shape, isNetworkInput: current == 0):
        break
      case let residual as Residual:
        // The ReLU behind a block is done in the sum.
        let hasReLU = index < layers.count && layers[index] is ReLU
        if hasReLU { index += 1 }
        try append(residual, name: name, hasReLU: hasReLU)
      case let normalization as BatchNorm:
        // The activation behind a batch norm is done in its sweeps.
        var activation = Activation.identity
        if index < layers.count, let next = layers[index] as? any ActivationLayer {
          _ = try next.outputShape(for: output)
          activation = next.activation
          index += 1
        }
        append(
          BatchNormOperation(normalization, site: site, activation: activation), site,
          sequences[current].behind(layer, site))
        steps[steps.count - 1].statistics = layout.statisticsIndex[name]
      default:
        append(try layer.makeOperation(for: site), site, sequences[current].behind(layer, site))
      }
      shape = output
    }
  }

  private func site(_ layer: any Layer, _ output: Shape, _ name: String) -> LayerSite {
    LayerSite(
      input: shape, output: output, name: name, maximumRows: maximumRows, purpose: purpose, precision: precision)
  }

  private mutating func append(
    _ operation: any LayerOperation, _ site: LayerSite, _ sequence: SequenceLengths, addend: Int? = nil
  ) {
    lengths.append(site.output.count)
    sequences.append(sequence)
    steps.append(
      Step(
        operation: operation, name: site.name, input: current, addend: addend, output: lengths.count - 1,
        parameterOffsets: layout.offsets[site.name] ?? []))
    current = lengths.count - 1
  }

  /// The shortcut, the block, and their sum.
  private mutating func append(_ residual: Residual, name: String, hasReLU: Bool) throws {
    let (entry, entryShape) = (current, shape)
    let output = try residual.outputShape(for: shape)
    try append(residual.shortcutLayers(for: shape), prefix: name + ".shortcut.")
    let shortcut = current
    (current, shape) = (entry, entryShape)
    try append(residual.block.layers, prefix: name + ".block.")
    // A norm at the end of the block adds the shortcut in its own sweeps.
    if current != shortcut, let last = steps.indices.last, var norm = steps[last].operation as? BatchNormOperation,
      norm.activation == .identity, steps[last].output == current, !norm.hasAddend
    {
      norm.hasAddend = true
      if hasReLU { norm.activation = ReLU().activation }
      steps[last].operation = norm
      steps[last].addend = shortcut
      sequences[current] = sequences[current].added(to: sequences[shortcut], name)
      return
    }
    append(
      SumOperation(hasReLU: hasReLU), site(residual, output, name),
      sequences[current].added(to: sequences[shortcut], name), addend: shortcut)
  }
}
