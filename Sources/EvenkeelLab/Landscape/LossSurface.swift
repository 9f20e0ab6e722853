import Evenkeel

/// The mean loss of a network on a fixed batch as a function of its parameters only, L: ℝⁿ → ℝ, with its gradient.
///
/// Norms take the statistics of the batch, as in training, and gradients go through them; nothing is drawn (dropout and
/// injected noise are off) and nothing is kept: the running statistics of the model that it was made from do not move. A
/// frozen norm keeps the model's running statistics.
///
/// A point is a flat list of `count` numbers: all weights in the order of the network, then biases, scales and shifts, each
/// parameter padded with zeros to a multiple of 16. `ranges(where:)` says where they lie.
///
/// ```swift
/// let surface = try LossSurface(model, examples: training)
/// let (loss, gradient) = try surface.gradient(at: surface.point)
/// ```
public final class LossSurface {
  /// The network without randomness.
  let network: PlacedNetwork
  let layout: ParameterLayout
  let loss: Loss
  let rows: Int
  /// Outputs of one example.
  let width: Int
  let threads: Int
  /// `rows` examples as the network takes them, scaled.
  let inputs: AlignedFloats
  /// The model's point, with its running statistics for frozen norms.
  let state: ModelState
  private let targetBuffer: TargetBuffer
  private let program: Program
  private let gradients: AlignedFloats

  /// The surface of `model`'s network on all of `examples` at once.
  /// - Parameters:
  ///   - model: Its network, scaling and frozen statistics; the parameters are those that are asked for.
  ///   - examples: With targets; all are one batch.
  ///   - loss: The model's own by default.
  ///   - threads: As `Trainer.threads`.
  /// - Throws: `EvenkeelError` if the examples or their targets do not fit the model, or a value is not finite. That a batch
  ///   norm would see a single example is an error of `loss(at:)`.
  public init(_ model: Model, examples: Dataset, loss: Loss? = nil, threads: Int = 1) throws {
    guard let loss = loss ?? model.output?.loss else {
      throw EvenkeelError.usage("The model is not trained and no loss is given, so there is no loss surface.")
    }
    guard !examples.isEmpty else { throw EvenkeelError.data("A loss surface needs at least one example.") }
    guard examples.shape.count == model.network.input.count else {
      throw EvenkeelError.data("Expected examples of shape \(model.network.input), got \(examples.shape).")
    }
    guard examples.weights == nil, examples.lengths == nil else {
      throw EvenkeelError.usage("A loss surface needs examples without weights and lengths.")
    }
    self.loss = loss
    self.threads = threads
    network = try model.network.withoutChance().placed()
    guard network.members == 1 else {
      throw EvenkeelError.usage("An ensemble of \(network.members) members has no loss surface of its own.")
    }
    state = try ModelState(copying: model.state)
    layout = state.layout
    point = Array(state.parameters.buffer)
    rows = examples.count
    width = network.outputCount
    let output =
      try model.output.flatMap { $0.loss == loss ? $0 : nil }
      ?? OutputDescription(loss: loss, dataset: examples, width: width)
    targetBuffer = try TargetBuffer(examples, output: output, width: width)
    let scaling = try model.scaling ?? InputScaling(fittedTo: examples, threads: threads)
    inputs = try AlignedFloats(count: rows * network.input.count, for: "A batch of \(rows) examples")
    try examples.gather(0, rows, into: inputs.start, scaling: scaling, threads: threads)
    program = try Program(layout, network: network, maximumRows: rows, purpose: .training, threads: threads)
    gradients = try AlignedFloats(count: layout.count, for: "The gradient")
  }

  /// n, the padding included.
  public var count: Int { layout.count }
  /// The model's point.
  public let point: [Float]
  var targets: BatchTargets { targetBuffer.batch(at: 0) }

  /// Where the parameters that `matches` chooses, by name in stored files and role, are in a point.
  public func ranges(where matches: (_ name: String, _ role: ParameterRole) -> Bool = { _, _ in true }) -> [Range<Int>]
  {
    layout.entries.filter { matches($0.name, $0.description.role) }.map { $0.offset..<$0.offset + $0.count }
  }

  /// L(w).
  /// - Throws: `EvenkeelError` with code `data` if the loss is not finite there, `usage` if a batch norm sees a single example.
  public func loss(at point: [Float]) throws -> Double { try evaluate(point, wantsGradient: false) }

  /// L(w) and ∇L(w).
  /// - Throws: `EvenkeelError` with code `data` if one of them is not finite there.
  public func gradient(at point: [Float]) throws -> (loss: Double, gradient: [Float]) {
    let loss = try evaluate(point, wantsGradient: true)
    let gradient = Array(gradients.buffer)
    guard gradient.allSatisfy(\.isFinite) else {
      throw EvenkeelError.data("The gradient of the loss is not finite at this point of its surface.")
    }
    return (loss, gradient)
  }

  private func evaluate(_ point: [Float], wantsGradient: Bool) throws -> Double {
    precondition(point.count == count, "A point of this surface has \(count) numbers, not \(point.count).")
    state.write { $0.parameters.start.update(from: point, count: count) }
    program.input.update(from: inputs.start, count: inputs.count)
    let call = Program.Call(rows: rows, state: state, gradients: gradients.start)
    try program.forward(call)
    let sums = loss.evaluate(
      program.output, rows: rows, width: width, targets: targets,
      gradient: wantsGradient ? program.outputGradient : nil)
    guard sums.loss.isFinite else { throw EvenkeelError.data("The loss is \(sums.loss) at this point of its surface.") }
    if wantsGradient { try program.backward(call) }
    return sums.loss / Double(rows)
  }
}

extension Network {
  /// The same network, its parameters at the same places, with nothing drawn at random.
  func withoutChance() -> Network {
    mapLayers { layer, _ in layer.traits.contains(.random) ? [Silence(traits: layer.traits)] : [layer] }
  }
}

/// Replaces a layer that draws random numbers: passes values through, as that layer does in prediction.
private struct Silence: Layer, LayerOperation {
  static let kind = "silence"
  let traits: LayerTraits

  func outputLength(of length: Int, for input: Shape) -> Int? { length }

  var backwardReads: BackwardReads { [] }
  var worksInPlace: Bool { true }
  var passesGradient: Bool { true }

  func forward(_ pass: ForwardPass) {
    if UnsafePointer(pass.output) != pass.input {
      pass.output.update(from: pass.input, count: pass.rows * pass.inputLength)
    }
  }

  func backward(_ pass: BackwardPass) {}
}
