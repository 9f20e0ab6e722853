import Kernels
import Synchronization

/// A network with its parameters and running statistics: a value. Copies share nothing that changes.
///
/// Predicting never writes, and one model may predict on many threads at once. Training is `Trainer.fit(&model, …)`.
///
/// ```swift
/// var model = try Model(network, seed: 1)
/// try trainer.fit(&model, to: training, epochs: 5)             // a training is mutating
/// let quality = try model.evaluate(test)                       // whatever predicts is not
/// let before = model                                           // a copy, which later steps leave as it is
/// ```
public struct Model: Sendable {
  /// What the model computes.
  public let network: Network
  /// How raw inputs are standardized; fitted by the first training.
  public package(set) var scaling: InputScaling?
  /// How the columns of a table become features.
  public package(set) var encoding: TableEncoding?
  /// What images become before the model sees them; nil for one that was trained on other data.
  public package(set) var images: ImageInput?
  /// What the outputs mean; set by training.
  public package(set) var output: OutputDescription?
  /// How it was last trained, as far as its statistics depend on it; nil before training.
  public package(set) var training: TrainingSummary?
  /// The table that it was trained on; nil for other data, and in older models.
  package var table: TrainingTable?

  package var state: ModelState
  let programs: ProgramPool

  /// A model before training.
  /// - Throws: `EvenkeelError` with code `usage` that names the layer that does not fit.
  public init(_ network: Network, seed: UInt64 = 0) throws {
    try self.init(network, state: try ModelState(ParameterLayout(network)))
    state.initialize(seed: seed)
  }

  init(_ network: Network, state: ModelState) throws {
    self.network = network
    self.state = state
    programs = ProgramPool(state.layout)
  }

  /// The number of learned values.
  public var parameterCount: Int { state.layout.learnedCount }

  /// Of one example.
  package var multiplyAdds: Int { state.layout.network.layers.reduce(0) { $0 + $1.multiplyAdds } }

  /// The number of values that are predicted for an example.
  package var outputCount: Int { state.layout.network.outputCount }

  /// The running statistics of every norm that keeps some, by its path: `1`, `3.block.1`. A custom norm is included if
  /// its buffers have PyTorch's names.
  public var runningStatistics: [(name: String, statistics: RunningStatistics)] {
    state.layout.network.layers.compactMap { layer in state.runningStatistics(of: layer).map { (layer.path, $0) } }
  }

  /// Every parameter by its name in stored files, in the order of the network.
  public var parameters: [(name: String, role: ParameterRole, values: Tensor)] {
    state.layout.entries.map { entry in
      let values = UnsafeBufferPointer(start: state.parameters.start + entry.offset, count: entry.count)
      return (entry.name, entry.description.role, Tensor(Array(values), shape: entry.description.shape))
    }
  }

  /// What the layers keep beside their parameters, by its name in stored files, in the order of the network: running statistics and
  /// what layers of your own declare. A count is a tensor of shape `[]`.
  public var buffers: [(name: String, values: Tensor)] {
    state.layout.buffers.map { buffer in
      let shape = buffer.description.shape
      guard !buffer.description.isCount else {
        return (buffer.name, Tensor([Float(state.bufferCounts[buffer.offset])], shape: shape))
      }
      let values = UnsafeBufferPointer(start: state.bufferValues.start + buffer.offset, count: shape.count)
      return (buffer.name, Tensor(Array(values), shape: shape))
    }
  }

  /// Replaces the parameter `name`.
  /// - Throws: `EvenkeelError` with code `usage` for an unknown name or another shape.
  public mutating func setParameter(_ name: String, to values: Tensor) throws {
    guard let entry = state.layout.entries.first(where: { $0.name == name }) else {
      throw EvenkeelError.usage("The model has no parameter \"\(name)\".")
    }
    guard values.shape == entry.description.shape else {
      throw EvenkeelError.usage("\(name): expected the shape \(entry.description.shape), got \(values.shape).")
    }
    try makeStateUnique()
    state.write { state in
      values.values.withUnsafeBufferPointer {
        (state.parameters.start + entry.offset).update(from: $0.baseAddress!, count: entry.count)
      }
    }
  }

  /// Replaces the buffer `name`, such as running statistics; not a count.
  /// - Throws: `EvenkeelError`: `usage` for an unknown name or another shape, `data` for a value below the least that it may have.
  package mutating func setBuffer(_ name: String, to values: Tensor) throws {
    guard let buffer = state.layout.buffers.first(where: { $0.name == name }),
      case .values(_, let minimum) = buffer.description.content
    else { throw EvenkeelError.usage("The model has no buffer \"\(name)\".") }
    guard values.shape == buffer.description.shape else {
      throw EvenkeelError.usage("\(name): expected the shape \(buffer.description.shape), got \(values.shape).")
    }
    guard values.values.allSatisfy({ $0 >= minimum }) else {
      throw EvenkeelError.data("\(name): expected values of at least \(minimum).")
    }
    try makeStateUnique()
    state.write { state in
      values.values.withUnsafeBufferPointer {
        (state.bufferValues.start + buffer.offset).update(from: $0.baseAddress!, count: $0.count)
      }
    }
  }

  /// A model that shares no memory with this one that training writes to.
  func copied() throws -> Model {
    var copy = self
    copy.state = try ModelState(copying: state)
    return copy
  }

  mutating func makeStateUnique() throws {
    if !isKnownUniquelyReferenced(&state) { state = try ModelState(copying: state) }
  }

  /// Predicts one observation from `network.input.count` raw values, before scaling.
  ///
  ///
  /// ```swift
  /// let probabilities = try model.predict([Float](repeating: 0, count: 784))
  /// ```
  /// - Returns: Probabilities for a classifier, values in the target's units for a regression, plain outputs before training.
  /// - Throws: `EvenkeelError` for another number of values or one that is not finite.
  public func predict(_ observation: [Float]) throws -> [Float] {
    try predict(Tensor(observation, shape: [1, observation.count])).values
  }

  /// Predicts the rows of `rows`, shape `[n, …]`.
  public func predict(_ rows: Tensor) throws -> Tensor { try predict(dataset(of: rows)) }

  /// The rows of `rows` as examples of the network's shape.
  /// - Throws: `EvenkeelError` with code `data` for no rows or rows of another length.
  func dataset(of rows: Tensor) throws -> Dataset {
    guard rows.rowCount > 0, rows.rowLength == network.input.count else {
      throw EvenkeelError.data(
        "Expected rows of \(network.input.count) values (\(network.input)), got the shape \(rows.shape).")
    }
    return try Dataset(rows.values, shape: network.input)
  }

  /// Predicts every example of `dataset`; the result has the shape `[n, outputs]`.
  ///
  /// ```swift
  /// let outputs = try model.predict(test)                        // [examples, outputs]
  /// let first = outputs[row: 0]
  /// ```
  public func predict(_ dataset: Dataset, threads: Int? = nil) throws -> Tensor {
    let values = try predictInDouble(dataset, threads: threads).map { Float($0) }
    let width = outputCount
    if let position = values.firstIndex(where: { !$0.isFinite }) {
      throw outOfRange(values[position], position / width)
    }
    return Tensor(values, shape: [dataset.count, width])
  }

  /// The same in double, which a regression target needs if it is far from 0 relative to its deviation: `outputs`
  /// values per example, example after example.
  public func predictInDouble(_ dataset: Dataset, threads: Int? = nil) throws -> [Double] {
    try predictInDouble(dataset, InferenceRun(threads: threads))
  }

  func predictInDouble(_ dataset: Dataset, _ options: InferenceRun) throws -> [Double] {
    let width = outputCount
    // In double, and as floats if those are asked for.
    try Machine.requireMemory(
      dataset.count * width * (MemoryLayout<Double>.stride + MemoryLayout<Float>.stride),
      for: "Keeping the predictions of \(dataset.count) examples")
    var result = [Double](repeating: 0, count: dataset.count * width)
    try run(dataset, options) { outputs, start, rows, _ in
      result.withUnsafeMutableBufferPointer { buffer in
        let target = buffer.baseAddress! + start * width
        if let output {
          output.interpret(outputs, rows: rows, width: width, into: target)
        } else {
          for index in 0..<rows * width { target[index] = Double(outputs[index]) }
        }
      }
    }
    if let position = result.firstIndex(where: { !$0.isFinite }) {
      throw outOfRange(result[position], position / width)
    }
    return result
  }

  private func outOfRange(_ value: some BinaryFloatingPoint, _ example: Int) -> EvenkeelError {
    .data("The model's output for example \(example) is \(value): its parameters or that example are out of range.")
  }

  /// How well the model does on `dataset`, with running statistics; examples count by their weights, those of a class that the model
  /// does not know as wrong.
  ///
  /// ```swift
  /// let quality = try model.evaluate(test)
  /// print(quality.loss, quality.accuracy ?? 0)
  /// ```
  /// - Throws: `EvenkeelError` if the data has other targets than the model was trained for, or no rows.
  public func evaluate(_ dataset: Dataset, threads: Int? = nil) throws -> Quality {
    try evaluate(dataset, InferenceRun(threads: threads))
  }

  /// Makes sure before training that `datasets` can be evaluated after it; those without rows are skipped.
  /// - Parameters:
  ///   - loss: What training will minimize.
  ///   - training: The data to train on.
  /// - Throws: What `evaluate` throws for data that does not fit.
  package func requireEvaluable(_ datasets: [Dataset], after loss: Loss, on training: Dataset) throws {
    let width = outputCount
    let output = try output ?? OutputDescription(loss: loss, dataset: training, width: width)
    for dataset in datasets where !dataset.isEmpty {
      try dataset.requireFit(network.input)
      try dataset.requireWeight()
      let targets = try TargetBuffer(dataset, output: output, width: width, takesUnknownClasses: true)
      if targets.isUnknownThroughout { throw output.knowsNoClass(of: dataset.count) }
    }
  }

  func evaluate(_ dataset: Dataset, _ options: InferenceRun) throws -> Quality {
    var evaluator = try Evaluator(output, width: outputCount)
    try evaluator.add(dataset) { try run(dataset, options, $0) }
    return try evaluator.quality()
  }

  /// How data goes through the network without training it.
  struct InferenceRun {
    /// All processors' if nil.
    var threads: Int?
    /// Examples per batch; as many as fit a cache if nil.
    var batch: Int?
    /// Whether batch norms normalize with each batch's statistics; batches then have equal size.
    var usesBatchStatistics = false
    /// Observes every layer.
    var observe: Program.Observer?
    /// The ranks that share the batches; nil for this process alone.
    var communicator: (any Communicator)?
  }

  /// Takes the outputs of a batch, which it may change: where it starts, its number of examples, and their weights.
  typealias BatchOfOutputs = (UnsafeMutablePointer<Float>, _ start: Int, _ rows: Int, BatchWeights)
    throws -> Void

  /// Runs the network in batches over `dataset`, scaled, and hands each batch's outputs, divided by the temperature, to `body`.
  func run(
    _ dataset: Dataset, _ options: InferenceRun, _ body: BatchOfOutputs
  ) throws {
    try dataset.requireFit(network.input)
    guard !dataset.isEmpty else { return }
    let batch = min(dataset.count, options.batch ?? state.layout.rowsAtOnce)
    let even = options.usesBatchStatistics ? Parts(rows: dataset.count, largest: batch, smallest: 2) : nil
    let most = even?.largest ?? batch
    let program = try programs.take(rows: most, threads: options.threads ?? Machine.threads)
    defer { programs.give(program) }
    let buffer = ExampleWeightBuffer(dataset, batch: most)
    func rows(_ index: Int) -> Range<Int> {
      even?[index] ?? index * batch..<min((index + 1) * batch, dataset.count)
    }
    func weights(_ rows: Range<Int>) -> BatchWeights { buffer.gather(rows.count) { rows.lowerBound + $0 } }
    let batches = try SharedBatches(
      even?.count ?? (dataset.count - 1) / batch + 1, floats: most * program.outputLength, among: options.communicator)
    try batches.forEach { index in
      let rows = rows(index)
      try dataset.gather(
        rows.lowerBound, rows.count, into: program.input, scaling: scaling, threads: program.threads)
      try program.forward(
        Program.Call(
          rows: rows.count, state: state, statistics: options.usesBatchStatistics ? .batch(share: 1) : .running,
          weights: weights(rows)),
        observe: options.observe)
      finish(program.output, rows: rows.count)
      return program.output
    } take: { index, outputs in
      let rows = rows(index)
      try body(outputs, rows.lowerBound, rows.count, weights(rows))
    } end: {
      try dataset.examples.requireUnchanged()
    }
  }

  /// Makes the network's outputs the model's: the mean of members', divided by the temperature.
  func finish(_ outputs: UnsafeMutablePointer<Float>, rows: Int) {
    OutputDescription.mergeMembers(
      outputs, rows: rows, members: state.layout.network.members, width: outputCount, kind: output?.loss.kind)
    output?.temper(outputs, count: rows * outputCount)
  }
}

/// Inference programs that wait for the next call: only scratch memory, so copies of a model may share them.
final class ProgramPool: Sendable {
  private let layout: ParameterLayout
  private let idle = Mutex<[Program]>([])

  init(_ layout: ParameterLayout) { self.layout = layout }

  func take(rows: Int, fuses: Bool = true, threads: Int) throws -> Program {
    let waiting = idle.withLock { programs in
      programs.firstIndex { $0.maximumRows >= rows && $0.fuses == fuses && $0.threads == threads }
        .map { programs.remove(at: $0) }
    }
    return try waiting
      ?? Program(layout, maximumRows: rows, purpose: .prediction, fuses: fuses, threads: threads)
  }

  /// More threads at once than the machine has are rare; each program holds a batch's memory.
  private static let mostIdle = 8

  func give(_ program: Program) { idle.withLock { if $0.count < Self.mostIdle { $0.append(program) } } }
}
