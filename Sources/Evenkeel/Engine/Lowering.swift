/// One step of a program: an operation, or the sum at the end of a residual block, over numbered values.
struct Step {
  /// nil for the sum of `input` and `shortcut`.
  let operation: (any Operation)?
  let name: String
  let input: Int
  var shortcut: Int?
  let output: Int
  /// Where the layer's parameters start in the model's buffer, in the order in which it describes them.
  var parameterOffsets: [Int] = []
  /// The number of the batch norm among the network's; nil for other layers.
  var statistics: Int?
  /// Values whose gradients flow past a residual block to this step's input.
  var addedGradients: [Int] = []
}

/// A network as a list of steps over values, with everything fused that is fused.
///
/// This is the only place that looks at which layer follows which.
struct Lowering {
  private(set) var steps: [Step] = []
  /// The number of floats of one row of every value; value 0 is the input.
  private(set) var lengths: [Int]
  private let layout: ParameterLayout
  private let maximumRows: Int
  private var current = 0
  private var shape: Shape

  init(_ network: Network, layout: ParameterLayout, maximumRows: Int) throws {
    self.layout = layout
    self.maximumRows = maximumRows
    shape = network.input
    lengths = [network.input.count]
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
      let site = LayerSite(input: shape, output: output, name: name, maximumRows: maximumRows)
      index += 1
      switch layer {
      case is Flatten:
        break
      case let residual as Residual:
        try appendResidual(residual, name: name)
      case let normalization as BatchNorm:
        // The activation behind a batch norm is done in its sweeps.
        var activation = Activation.identity
        if index < layers.count, let next = layers[index] as? any ActivationLayer {
          _ = try next.outputShape(for: output)
          activation = next.activation
          index += 1
        }
        append(NormalizationOperation(normalization, site: site, activation: activation), site)
        steps[steps.count - 1].statistics = layout.statisticsIndex[name]
      default:
        append(try layer.makeOperation(for: site), site)
      }
      shape = output
    }
  }

  private mutating func append(_ operation: any Operation, _ site: LayerSite) {
    lengths.append(site.output.count)
    steps.append(
      Step(
        operation: operation, name: site.name, input: current, output: lengths.count - 1,
        parameterOffsets: layout.offsets[site.name] ?? []))
    current = lengths.count - 1
  }

  private mutating func appendResidual(_ residual: Residual, name: String) throws {
    let entry = current
    let head = steps.count
    try append(residual.block.layers, prefix: name + ".block.")
    guard steps.count > head else {
      throw EvenkeelError.usage("Layer \(name): residual: the block does nothing.")
    }
    lengths.append(lengths[entry])
    steps.append(Step(operation: nil, name: name, input: current, shortcut: entry, output: lengths.count - 1))
    current = lengths.count - 1
    steps[head].addedGradients.append(current)
  }
}
