import Kernels

extension Model {
  /// Replaces the running statistics of every batch norm with the exact ones of its input over all of `dataset`;
  /// parameters and input scaling do not change.
  ///
  /// Norm after norm in the order of the network, as a norm's input depends on the statistics of those before it: μ and
  /// σ² are merged over batches in double and in a fixed order, so that the batch size affects only rounding. The
  /// variance is over m − 1 or m as `BatchNorm.runningVariance` says, also for the inputs of later norms: everything is
  /// as in prediction, dropout off. (A training step on all data at once divides by m: the same if `.population` is
  /// chosen.)
  ///
  /// Use it
  /// * after training, on the training data: averages over batches lag behind the weights, more so with large decay or few
  ///   steps ("Precise BN", Wu and Johnson 2021, who find 10³ to 10⁴ examples enough; fvcore's `update_bn_stats`);
  /// * on unlabeled data of another domain (other light, another sensor), to adapt to it ("AdaBN", Li et al. 2016);
  /// * for weights that were averaged or changed by hand, as no batch ever had their statistics (PyTorch's
  ///   `swa_utils.update_bn`; Keras has none). `Trainer` does so automatically.
  ///
  /// It takes one forward pass if what the next norm needs of all examples fits into 256 MB, otherwise one up to each
  /// norm.
  ///
  /// Examples count by their weights, and sequences up to their lengths. Frozen norms are recalibrated too. The count
  /// of batches stays, but becomes at least 1. Without batch norms nothing happens.
  ///
  /// ```swift
  /// var adapted = model
  /// try adapted.recalibrate(on: otherLight)                      // no targets needed
  /// ```
  /// - Parameters:
  ///   - dataset: Examples of the network's shape; targets are not needed.
  ///   - batchSize: Examples per batch; nil for as many as fit a cache.
  ///   - threads: The most threads. The result does not depend on it.
  /// - Throws: `EvenkeelError`: `data` for examples of another shape, for none, for a single value per feature and for
  ///   values that are not finite, `usage` for a batch size or threads out of range. The model is then unchanged.
  public mutating func recalibrate(
    on dataset: Dataset, batchSize: Int? = nil, threads: Int = Machine.threads
  ) throws {
    try recalibrate(on: dataset, batchSize: batchSize, threads: threads, among: nil)
  }

  /// - Parameters:
  ///   - frozen: Whether frozen norms are recalibrated too.
  ///   - communicator: The ranks that share the batches; nil for this process alone.
  package mutating func recalibrate(
    on dataset: Dataset, batchSize: Int? = nil, threads: Int, frozen: Bool = true,
    among communicator: (any Communicator)?
  ) throws {
    try Machine.requireThreads(threads)
    if let batchSize, batchSize < 1 {
      throw EvenkeelError.usage("The batch size is \(batchSize); expected at least 1.")
    }
    try dataset.requireFit(network.input)
    guard !dataset.isEmpty else { throw EvenkeelError.data("The data set to recalibrate on has no rows.") }
    try dataset.requireWeight()
    let norms = state.layout.network.layers.filter { $0.layer.traits.contains(.runningStatistics) }
    guard !norms.isEmpty else { return }
    let rows = min(batchSize ?? state.layout.rowsAtOnce, dataset.count)
    let program = try Program(state.layout, maximumRows: rows, purpose: .prediction, threads: threads)
    // Works on a copy, so that a failure halfway changes nothing.
    let copy = try ModelState(copying: state)
    var recalibration = Recalibration(program, copy, dataset, scaling, communicator)
    for step in program.statisticalSteps where frozen || program.steps[step].layer?.takesBatchStatistics == true {
      try recalibration.measure(step)
    }
    try dataset.examples.requireUnchanged()
    state = copy
  }
}

/// The passes over the data, each up to one norm.
private struct Recalibration {
  private let program: Program
  private let state: ModelState
  private let dataset: Dataset
  private let scaling: InputScaling?
  /// What the steps after the last measured norm need of every example, if there is room for it.
  private var store: AlignedFloats?
  private let widest: Int
  private var last: Cut?
  private let weights: ExampleWeightBuffer
  private let communicator: (any Communicator)?

  /// 256 MB: what a laptop can spare.
  private static let roomInFloats = 1 << 26

  init(
    _ program: Program, _ state: ModelState, _ dataset: Dataset, _ scaling: InputScaling?,
    _ communicator: (any Communicator)?
  ) {
    self.program = program
    self.state = state
    self.dataset = dataset
    self.scaling = scaling
    self.communicator = communicator
    weights = ExampleWeightBuffer(dataset, batch: program.maximumRows)
    widest = program.statisticalSteps.map { Cut(before: $0, in: program).width }.max() ?? 0
    let (count, overflow) = widest.multipliedReportingOverflow(by: dataset.count)
    // Without this memory there is another way.
    if !overflow, count <= Self.roomInFloats { store = try? AlignedFloats(count: count, for: "") }
  }

  /// - Parameter index: The norm's step.
  mutating func measure(_ index: Int) throws {
    let step = program.steps[index]
    guard let layer = step.layer else { return }
    let (features, positions) = (layer.input.featureCount, layer.positions)
    let cut = Cut(before: index, in: program)
    let memory = BatchStatisticsStorage(features: features, rows: program.maximumRows * positions)
    let record = MomentsRecord(features: features)
    var moments = FeatureMoments(features: features)
    let batches = try SharedBatches(
      (dataset.count - 1) / program.maximumRows + 1, floats: record.floats.count, among: communicator)
    try batches.forEach { batch in
      let start = batch * program.maximumRows
      let rows = min(program.maximumRows, dataset.count - start)
      var call = Program.Call(rows: rows, state: state, statistics: .running)
      call.weights = weights.gather(rows) { start + $0 }
      let place = store.map { $0.start + start * widest }
      if let place, let last {
        try program.takeLengths(call)
        last.restore(program, rows: rows, from: place)
        try program.forward(call, last.step..<cut.step)
      } else {
        try dataset.gather(start, rows, into: program.input, scaling: scaling, threads: program.threads)
        try program.forward(call, 0..<cut.step)
      }
      record.weight = FeatureMoments.measure(
        program.input(ofStep: index), rows: rows * positions,
        layer.rowWeights(call.weights, lengths: program.lengths(ofStep: index, call), rows: rows), features: features,
        memory, threads: program.threads)
      record.moments.update(from: memory.scratch, count: ek_slice_stride(features))
      if let place { cut.save(program, rows: rows, to: place) }
      return record.floats.start
    } take: { _, floats in
      let bad = MomentsRecord.merge(floats, into: &moments)
      guard bad < 0 else {
        throw unchanged(NormFailure.notFinite(feature: bad).error(layer.path, layer.kind))
      }
    }
    last = cut
    guard moments.isEnough else {
      throw EvenkeelError.data(
        "The data gives layer \(layer.path) (\(layer.kind)) one value per feature; statistics need at least two.")
    }
    do { try state.write { try step.operation.recalibrate(moments, $0.buffers(of: layer.path)) } } catch let error
      as EvenkeelError
    { throw unchanged(error) }
  }

  private func unchanged(_ error: EvenkeelError) -> EvenkeelError {
    EvenkeelError(error.code, "\(error.message); nothing was changed.", layer: error.layer)
  }
}

/// The moments of a batch and how much it counts, as floats that ranks exchange.
private final class MomentsRecord {
  let floats: AlignedFloats
  let moments: UnsafeMutablePointer<Double>
  private static let head = 16

  init(features: Int) {
    floats = AlignedFloats(count: Self.head + 2 * ek_slice_stride(features))
    moments = Self.moments(floats.start)
  }

  private static func moments(_ floats: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(floats + head).assumingMemoryBound(to: Double.self)
  }

  var weight: FeatureMoments.BatchWeight {
    get { UnsafeRawPointer(floats.start).load(as: FeatureMoments.BatchWeight.self) }
    set { UnsafeMutableRawPointer(floats.start).storeBytes(of: newValue, as: FeatureMoments.BatchWeight.self) }
  }

  /// - Returns: The first feature that is not finite, or −1.
  static func merge(_ floats: UnsafeMutablePointer<Float>, into moments: inout FeatureMoments) -> Int {
    moments.merge(self.moments(floats), UnsafeRawPointer(floats).load(as: FeatureMoments.BatchWeight.self))
  }
}
