import Evenkeel

/// The inputs of the last hidden layer's activation, unit by unit, over a set of examples: these should be stable while
/// a network trains if normalization reduces "internal covariate shift" (Ioffe and Szegedy 2015, figure 1b, c).
public struct ActivationInputs: Sendable {
  /// The distribution of one unit's input over the examples.
  public struct Unit: Sendable {
    /// The 15th, 50th and 85th percentile.
    public let low, median, high: Double
  }

  /// One per unit; for images one per channel, over all positions.
  public let units: [Unit]
  /// The share of all inputs with a magnitude below 1, where a sigmoid is close to a line: σ(x) is within 0.019 of
  /// 1/2 + x/4 there.
  public let linearShare: Double

  /// The unit whose spread from the 15th to the 85th percentile is the median of all units': one to follow over a training.
  public var typicalUnit: Int {
    let order = units.indices.sorted { units[$0].high - units[$0].low < units[$1].high - units[$1].low }
    return order[order.count / 2]
  }
}

/// Takes `ActivationInputs` of a network at moments of its training, over a fixed set of examples.
///
/// Norms take the statistics of these examples, as they do in training. For a norm before the activation, the inputs
/// are the norm's output; for one after the activation, they are the output of the layer before.
public final class ActivationProbe {
  /// The layers before the activation.
  private let program: Program
  private let state: ModelState
  private let gradients = AlignedFloats(count: 0)
  private let inputs: AlignedFloats
  private let rows: Int
  private let features: Int
  private let length: Int

  /// A probe before the last activation of `model`'s network, or before layer number `layer`.
  /// - Throws: `EvenkeelError` with code `usage` if there is no such layer outside residual blocks, or nothing before
  ///   it.
  public init(_ model: Model, examples: Dataset, layer: Int? = nil, threads: Int = 1) throws {
    let layers = model.network.layers
    guard
      let end = layer ?? layers.lastIndex(where: { $0.activationFunction != nil }), layers.indices.contains(end),
      end > 0
    else {
      throw EvenkeelError.usage(
        "The network has no activation after another layer, so there are no activation inputs to measure.")
    }
    guard examples.count > 1, examples.shape.count == model.network.input.count else {
      throw EvenkeelError.data(
        "Expected at least 2 examples of shape \(model.network.input), got \(examples.count) of \(examples.shape).")
    }
    let items = model.state.layout.network.items[..<end]
    let network = Network(input: model.network.input, layers: items.map(\.resolved)).withoutChance()
    let output = try network.outputShape()
    (features, length) = (output.featureCount, output.count)
    state = try Model(network).state
    rows = examples.count
    program = try Program(state.layout, maximumRows: rows, purpose: .training, threads: threads)
    inputs = try AlignedFloats(count: rows * examples.shape.count, for: "A batch of \(rows) examples")
    let scaling = try model.scaling ?? InputScaling(fittedTo: examples, threads: threads)
    try examples.gather(0, rows, into: inputs.start, scaling: scaling, threads: threads)
  }

  /// The inputs of the activation with the parameters of `model`, which has the network that the probe was made for.
  public func inputs(of model: Model) throws -> ActivationInputs {
    let theirs = model.state.layout
    for entry in state.layout.entries {
      guard let other = theirs.entries.first(where: { $0.name == entry.name }), other.count == entry.count else {
        throw EvenkeelError.usage(
          "The model has no parameter \(entry.name) of \(entry.count) values, as the probe's model has.")
      }
      state.write {
        ($0.parameters.start + entry.offset).update(
          from: model.state.parameters.start + other.offset, count: entry.count)
      }
    }
    // Frozen norms normalize with the model's statistics.
    for layer in state.layout.network.layers { state.copyBuffers(of: layer, from: layer.path, in: model.state) }
    program.input.update(from: inputs.start, count: inputs.count)
    try program.forward(Program.Call(rows: rows, state: state, gradients: gradients.start))
    let count = rows * length
    var units: [ActivationInputs.Unit] = []
    var linear = 0
    for feature in 0..<features {
      let values = stride(from: feature, to: count, by: features).map { program.output[$0] }.sorted()
      linear += values.count { abs($0) < 1 }
      units.append(
        ActivationInputs.Unit(
          low: Self.percentile(0.15, of: values), median: Self.percentile(0.5, of: values),
          high: Self.percentile(0.85, of: values)))
    }
    return ActivationInputs(units: units, linearShare: Double(linear) / Double(count))
  }

  /// Linear between the two values next to position p (n − 1), as NumPy's default.
  private static func percentile(_ p: Double, of sorted: [Float]) -> Double {
    let position = p * Double(sorted.count - 1)
    let below = Int(position)
    let above = min(below + 1, sorted.count - 1)
    return Double(sorted[below]) + (position - Double(below)) * (Double(sorted[above]) - Double(sorted[below]))
  }
}
