/// One step of a program: an operation over numbered values.
struct Step {
  var operation: any LayerOperation
  /// The layer that it carries out, possibly with the one after it; nil for the sum at the end of a block.
  let layer: PlacedLayer?
  /// The layer's path, or the block's.
  let name: String
  let input: Int
  /// A second input, for operations that add it.
  var addend: Int?
  let output: Int
  /// Where the layer's parameters and buffers are in a model.
  let places: LayerPlaces
}

/// A network as a list of steps over values, after fusion if that is wanted.
///
/// This is the only place that fuses a layer with the one after it into one step.
struct Lowering {
  private(set) var steps: [Step] = []
  /// The number of floats of one row of every value; value 0 is the input.
  private(set) var lengths: [Int]
  /// The length of a sequence in every value.
  private(set) var sequences: [SequenceLengths]
  private let layout: ParameterLayout
  private let maximumRows: Int
  private let slices: Slices
  private let members: Int
  private let purpose: Purpose
  private let precision: Precision
  private let fuses: Bool
  private var current = 0

  /// - Parameters:
  ///   - network: That of `layout`, or one whose layers stand at the same paths.
  ///   - fuses: Whether steps carry out several layers; otherwise every layer is a step of its own.
  init(
    _ network: PlacedNetwork, layout: ParameterLayout, maximumRows: Int, slices: Slices, members: Int, purpose: Purpose,
    precision: Precision, fuses: Bool
  ) throws {
    self.layout = layout
    self.maximumRows = maximumRows
    self.slices = slices
    self.members = members
    self.purpose = purpose
    self.precision = precision
    self.fuses = fuses
    lengths = [network.input.count]
    sequences = [SequenceLengths(network.input)]
    try append(network.items)
  }

  /// The value that the last step produces.
  var output: Int { current }

  private mutating func append(_ items: [PlacedNetwork.Item]) throws {
    var index = 0
    while index < items.count {
      let item = items[index]
      index += 1
      let next = fuses && index < items.count ? items[index].layer : nil
      switch item {
      case .block(let block):
        // The sum computes the ReLU after a block.
        let hasReLU = next?.activationFunction == ReLU().activation
        if hasReLU { index += 1 }
        try append(block, hasReLU: hasReLU)
      case .layer(let layer)
      where fuses && layer.layer is Flatten && Flatten.isView(of: layer.input, isNetworkInput: current == 0):
        break
      case .layer(let layer):
        let site = site(layer.path, layer.input, layer.output)
        var operation = try layer.layer.makeOperation(for: site)
        if !fuses, var norm = layer.layer as? BatchNorm {
          // A batch's own statistics are seen as they are.
          norm.renormalization = nil
          operation = try norm.makeOperation(for: site)
        }
        // A batch norm computes the activation after it in its own sweeps.
        if var norm = operation as? BatchNormOperation, let activation = next?.activationFunction {
          norm.activation = activation
          operation = norm
          index += 1
        }
        append(
          operation, layer, layer.path, layer.output,
          sequences[current].after(layer.layer, site))
      }
    }
  }

  private func site(_ path: String, _ input: Shape, _ output: Shape) -> LayerSite {
    LayerSite(
      input: input, output: output, name: path, maximumRows: maximumRows, maximumSlice: slices.largest,
      maximumSlices: slices.mostSlices, members: members, purpose: purpose, wantsInputGradient: current != 0,
      precision: precision)
  }

  private mutating func append(
    _ operation: any LayerOperation, _ layer: PlacedLayer?, _ name: String, _ output: Shape,
    _ sequence: SequenceLengths, addend: Int? = nil
  ) {
    lengths.append(output.count)
    sequences.append(sequence)
    steps.append(
      Step(
        operation: operation, layer: layer, name: name, input: current, addend: addend, output: lengths.count - 1,
        places: layout.places(of: name)))
    current = lengths.count - 1
  }

  /// The shortcut, the block, and their sum.
  private mutating func append(_ block: PlacedBlock, hasReLU: Bool) throws {
    let entry = current
    try append(block.shortcut)
    let shortcut = current
    current = entry
    try append(block.items)
    // A norm at the end of the block adds the shortcut in its own sweeps.
    if fuses, current != shortcut, let last = steps.indices.last,
      var norm = steps[last].operation as? BatchNormOperation,
      norm.activation == .identity, steps[last].output == current, !norm.hasAddend
    {
      norm.hasAddend = true
      if hasReLU { norm.activation = ReLU().activation }
      steps[last].operation = norm
      steps[last].addend = shortcut
      sequences[current] = sequences[current].added(to: sequences[shortcut], block.path)
      return
    }
    append(
      SumOperation(hasReLU: hasReLU), nil, block.path, block.output,
      sequences[current].added(to: sequences[shortcut], block.path), addend: shortcut)
  }
}
