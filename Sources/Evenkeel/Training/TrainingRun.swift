import Kernels

/// One training under way: the program, the gradients, the optimizer's state and the position. It owns all memory that a
/// step writes to; a step allocates nothing.
final class TrainingRun {
  private let trainer: Trainer
  private let dataset: Dataset
  private let scaling: InputScaling?
  private let output: OutputDescription
  private let model: Model
  private var state: ModelState { model.state }
  private let program: Program
  private let targets: TargetBuffer
  private let weights: WeightBuffer
  private let gradients: AlignedFloats
  private let first: AlignedFloats
  private let second: AlignedFloats
  private let augmenter: Augmenter?
  private let key: RandomKey
  private let epochs: Int
  private var order: [Int32]
  /// The rows of the data's storage in the order of the epoch.
  private var storageRows: [Int32]
  /// Complete epochs, and the batches and sums of the one that is under way.
  private(set) var epoch: Int
  private(set) var batch: Int
  private(set) var sums: Loss.Sums
  /// Steps made in all.
  private(set) var step: Int

  init(_ trainer: Trainer, _ model: Model, _ dataset: Dataset, epochs: Int, resuming: Checkpoint?) throws {
    self.trainer = trainer
    self.dataset = dataset
    self.epochs = epochs
    scaling = model.scaling
    output = model.output!
    self.model = model
    let layout = model.state.layout
    guard dataset.count > 1 || layout.statistics.isEmpty else {
      throw EvenkeelError.data("The training data has one example; batch normalization needs at least 2 in a batch.")
    }
    guard trainer.batchSize > 1 || layout.statistics.isEmpty else {
      throw EvenkeelError.usage("The batch size is 1; batch normalization needs at least 2 examples in a batch.")
    }
    try model.network.requireGhostBatches(in: min(trainer.batchSize, dataset.count))
    // A single example that is left over joins the batch before it.
    let most = min(trainer.batchSize, dataset.count - 1) + 1
    program = try Program(
      model.network, layout: layout, maximumRows: most, purpose: .training, threads: trainer.threads)
    targets = try TargetBuffer(dataset, output: output, width: layout.output.count, batch: most)
    weights = WeightBuffer(dataset, batch: most)
    gradients = AlignedFloats(count: layout.count)
    first = AlignedFloats(count: trainer.optimizer.keepsFirst ? layout.count : 0)
    second = AlignedFloats(count: trainer.optimizer.keepsSecond ? layout.count : 0)
    augmenter =
      trainer.augmentation.isEmpty
      ? nil
      : Augmenter(
        dataset, trainer.augmentation, scaling: model.scaling!, seed: trainer.seed, capacity: most,
        threads: trainer.threads)
    key = RandomKey(seed: trainer.seed)
    order = []
    storageRows = Array(repeating: 0, count: dataset.count)
    epoch = 0
    batch = 0
    step = 0
    sums = Loss.Sums()
    if let resuming { try restore(resuming) }
    shuffle()
  }

  /// The batches of an epoch.
  var batches: Int {
    let size = fullBatch
    return max(1, (dataset.count - (dataset.count % size == 1 ? 1 : 0) + size - 1) / size)
  }
  /// The examples of a batch that is not the rest of an epoch.
  private var fullBatch: Int { min(trainer.batchSize, dataset.count) }
  var quality: Quality { Quality(sums, output: output, width: targets.width) }

  /// The order of the examples of this epoch follows from the seed and the epoch alone.
  private func shuffle() {
    order = (0..<Int32(dataset.count)).map { $0 }
    var random = RandomNumbers(key.branch(RandomStream.shuffle).branch(epoch))
    random.shuffle(&order)
    for (position, index) in order.enumerated() { storageRows[position] = dataset.rows[Int(index)] }
  }

  /// Makes the steps that the epoch has left.
  func finishEpoch(
    validation: Dataset?, shouldStop: () -> Bool, onEvent: (Trainer.Event) throws -> Void,
    observing: Trainer.Observer?
  ) throws {
    while batch < batches {
      try makeStep()
      try observing?(step, model.copied)
      let quality = quality
      try onEvent(
        .step(
          epoch: epoch + 1, batch: batch, batches: batches, loss: quality.loss, accuracy: quality.accuracy,
          examples: sums.examples))
      if let interval = trainer.evaluationInterval, step % interval == 0, let validation, !validation.isEmpty {
        try onEvent(.evaluated(step: step, try model.evaluate(validation, threads: trainer.threads)))
      }
      if shouldStop(), batch < batches || epoch + 1 < epochs {
        throw EvenkeelError(.interrupted, "Interrupted in epoch \(epoch + 1) after batch \(batch) of \(batches).")
      }
    }
    epoch += 1
    batch = 0
    shuffle()
  }

  private func makeStep() throws {
    if batch == 0 { sums = Loss.Sums() }
    let start = batch * trainer.batchSize
    let rows = batch == batches - 1 ? dataset.count - start : trainer.batchSize
    let threads = Int32(trainer.threads)
    let bad = gather(start, rows)
    if bad >= 0 {
      throw EvenkeelError.data(
        "Batch \(batch + 1) of epoch \(epoch + 1): example \(storageRows[start + bad / program.inputLength]) is not finite in \(dataset.featureName(bad % program.inputLength)); nothing was changed."
      )
    }
    let batchWeights = weights.gather(rows) { Int(order[start + $0]) }
    let call = Program.Call(
      rows: rows, state: state, gradients: gradients.start, key: key.branch(RandomStream.dropout).branch(step),
      share: min(1, Double(rows) / Double(fullBatch)), weights: batchWeights)
    do { try program.forward(call) } catch let error as EvenkeelError where error.code == .data {
      throw EvenkeelError.data(
        "Step \(step + 1) of epoch \(epoch + 1): \(error.message); the model keeps the step before.")
    }
    let batchTargets = order.withUnsafeBufferPointer {
      targets.gather(UnsafeBufferPointer(rebasing: $0[start..<start + rows]))
    }
    let batchSums = output.loss.evaluate(
      program.output, rows: rows, width: program.outputLength, targets: batchTargets, weights: batchWeights.weights,
      gradient: program.outputGradient)
    guard batchSums.loss.isFinite else {
      throw diverged("the loss is \(batchSums.loss)", layer: program.firstNonFinite(rows: rows))
    }
    // A batch of examples that count nothing changes nothing.
    guard batchWeights.total(rows) > 0 else {
      sums += batchSums
      step += 1
      batch += 1
      return
    }
    try program.backward(call)
    var scale = 1.0
    if let clippingNorm = trainer.clippingNorm {
      let norm = ek_sum_of_squares(gradients.start, gradients.count, threads).squareRoot()
      if norm > clippingNorm { scale = clippingNorm / (norm + 1e-6) }
    }
    let largest = Double(ek_largest_magnitude(gradients.start, gradients.count, threads))
    guard largest.isFinite else {
      let position = ek_first_non_finite(gradients.start, gradients.count, threads)
      throw diverged("a gradient is not finite", layer: state.layout.name(at: position))
    }
    let (total, overflow) = epochs.multipliedReportingOverflow(by: batches)
    var settings = trainer.optimizer.settings(
      step: step + 1,
      factor: trainer.schedule.factor(step: step, total: overflow ? .max : total, stepsPerEpoch: batches),
      gradientScale: scale, decayed: state.layout.weightCount)
    // A step so large that a parameter may leave the range of a float is made on trial.
    let reach = settings.learning_rate * max(1e3, largest * scale, trainer.optimizer.weightDecay)
    let before = reach < 1e30 ? nil : [state.parameters, first, second].map { AlignedFloats(copying: $0) }
    ek_optimizer_step(
      &settings, state.parameters.start, gradients.start, first.start, second.start, gradients.count, threads)
    if let before {
      let position = ek_first_non_finite(state.parameters.start, state.parameters.count, threads)
      if position >= 0 {
        for (buffer, kept) in zip([state.parameters, first, second], before) {
          buffer.start.update(from: kept.start, count: kept.count)
        }
        throw diverged("the update leaves the range of a float", layer: state.layout.name(at: position))
      }
    }
    program.commit(call)
    state.noteChange()
    sums += batchSums
    step += 1
    batch += 1
  }

  /// Copies the examples at `start` ..< `start + rows` of the epoch's order to the program's input.
  /// - Returns: The first position, in the rows as stored, that is NaN or infinite, or −1.
  private func gather(_ start: Int, _ rows: Int) -> Int {
    if let augmenter {
      return order.withUnsafeBufferPointer {
        augmenter.gather(
          UnsafeBufferPointer(rebasing: $0[start..<start + rows]), epoch: epoch, into: program.input)
      }
    }
    return storageRows.withUnsafeBufferPointer {
      dataset.examples.gather(
        $0.baseAddress! + start, rows, into: program.input, scaling: scaling, threads: trainer.threads)
    }
  }

  private func diverged(_ what: String, layer: String?) -> EvenkeelError {
    EvenkeelError.data(
      "Training diverged: at step \(step + 1) (epoch \(epoch + 1), batch \(batch + 1)) \(what)\(layer.map { ", first in layer \($0)" } ?? ""); the model keeps the step before. A smaller learning rate or clipping may help."
    )
  }

  /// A copy of all that a later run needs to go on from here.
  func checkpoint(_ history: History, _ best: (loss: Double, epoch: Int, state: ModelState)?) -> Checkpoint {
    Checkpoint(
      model: model.copied(), first: Array(first.buffer), second: Array(second.buffer), epoch: epoch,
      batch: batch, step: step, settings: trainer.settings(for: dataset), sums: sums, history: history,
      best: best.map { Checkpoint.Best(loss: $0.loss, epoch: $0.epoch, state: $0.state) })
  }

  private func restore(_ checkpoint: Checkpoint) throws {
    for (name, value) in trainer.settings(for: dataset).sorted(by: { $0.key < $1.key }) {
      guard let before = checkpoint.settings[name], before != value else { continue }
      throw EvenkeelError.usage("The checkpoint is of a run whose \(name) is \(before); this one's is \(value).")
    }
    guard checkpoint.state.parameters.count == state.parameters.count, checkpoint.first.count == first.count,
      checkpoint.second.count == second.count, checkpoint.batch <= batches
    else {
      throw EvenkeelError.usage("The checkpoint is of a run with another network, optimizer, data set or batch size.")
    }
    state.parameters.start.update(from: checkpoint.state.parameters.start, count: state.parameters.count)
    state.runningStatistics.start.update(
      from: checkpoint.state.runningStatistics.start, count: state.runningStatistics.count)
    state.batchCounts.update(from: checkpoint.state.batchCounts, count: state.layout.statistics.count)
    state.noteChange()
    checkpoint.first.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { first.start.update(from: base, count: source.count) }
    }
    checkpoint.second.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { second.start.update(from: base, count: source.count) }
    }
    (epoch, batch, step, sums) = (checkpoint.epoch, checkpoint.batch, checkpoint.step, checkpoint.sums)
  }
}
