import Kernels

/// One training under way: the program, the gradients, the optimizer's state and the position. It owns all memory that a
/// step writes to; a step allocates nothing.
final class TrainingRun {
  let trainer: Trainer
  let dataset: Dataset
  private let scaling: InputScaling?
  let output: OutputDescription
  let model: Model
  var state: ModelState { model.state }
  let program: Program
  let targets: TargetBuffer
  let weights: WeightBuffer
  let gradients: AlignedFloats
  private let first: AlignedFloats
  private let second: AlignedFloats
  private let augmenter: Augmenter?
  let plan: BatchPlan
  /// Where batches are taken in parts: the gradients of one, and the running statistics as the parts leave them.
  let partGradients: AlignedFloats?
  let microState: ModelState?
  private let whole: WholeBatches?
  /// The size of each step's parameters.
  let parameterCounts: [[Int]]
  private let kept: KeptParameters?
  let averaged: AveragedWeights?
  private let key: RandomKey
  private lazy var settings = trainer.settings(for: dataset, fingerprint: dataset.fingerprint)
  private let epochs: Int
  var order: [Int32]
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
    try trainer.requireStatistics(of: model.network, examples: dataset.count)
    plan = try trainer.plan(for: model.network, examples: dataset.count)
    let most = plan.batches.largest
    let isInParts = trainer.accumulating > 1
    program = try Program(
      model.network, layout: layout, maximumRows: plan.largestPart, purpose: .training, precision: trainer.precision,
      threads: trainer.threads)
    targets = try TargetBuffer(
      dataset, output: output, width: layout.output.count, batch: most, tellsTargetsApart: layout.output.count > 1)
    weights = WeightBuffer(dataset, batch: most)
    guard !isInParts || trainer.statistics == .micro || dataset.weights == nil && dataset.lengths == nil else {
      throw EvenkeelError.usage(
        "Weighted or variable-length examples cannot be combined with statistics of the whole batch; use those of each part (micro)."
      )
    }
    try Machine.requireMemory(
      trainer.learnedByteCount(layout), for: "Training \(layout.learnedCount) learned values", code: .usage)
    let whole =
      isInParts && trainer.statistics == .whole
      ? try WholeBatches(program, batch: most, parameters: layout.count, statistics: layout.statistics.count) : nil
    self.whole = whole.flatMap { $0.norms.isEmpty ? nil : $0 }
    partGradients = isInParts ? whole?.gradients ?? AlignedFloats(count: layout.count) : nil
    microState = isInParts ? ModelState(sharingParametersOf: model.state) : nil
    let counts = Dictionary(uniqueKeysWithValues: layout.entries.map { ($0.offset, $0.count) })
    parameterCounts = program.steps.map { $0.parameterOffsets.map { counts[$0]! } }
    kept = trainer.freezing?.includesScaleAndShift == true ? KeptParameters(scalesAndShiftsOf: layout) : nil
    averaged = trainer.averaging.map { AveragedWeights($0, count: layout.count) }
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
  var batches: Int { plan.batches.count }
  /// What a step of the optimizer changes.
  private var buffers: [AlignedFloats] { [state.parameters, first, second] }
  var quality: Quality { Quality(sums, targets.targetSums, output: output, width: targets.width) }

  static func order(_ count: Int, epoch: Int, seed: UInt64) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    var random = RandomNumbers(RandomKey(seed: seed).branch(RandomStream.shuffle).branch(epoch))
    random.shuffle(&order)
    return order
  }

  /// The order of the examples of this epoch follows from the seed and the epoch alone.
  private func shuffle() {
    order = Self.order(dataset.count, epoch: epoch, seed: trainer.seed)
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
    try dataset.examples.requireUnchanged()
    epoch += 1
    batch = 0
    averaged?.noteEpoch(epoch, state.parameters, threads: trainer.threads)
    shuffle()
  }

  private func makeStep() throws {
    if batch == 0 { (sums, _) = (Loss.Sums(), targets.clearSums()) }
    let threads = Int32(trainer.threads)
    let range = plan.batches[batch]
    let isFrozen = isFrozen(inEpoch: epoch)
    let parts = plan.parts(of: range.count, haveStatistics: whole == nil && !isFrozen)
    let takesWhole = whole != nil && !isFrozen && parts.count > 1
    let batchSums =
      if let whole, takesWhole { try passWholeBatch(parts, of: range, whole) } else {
        try passMicroBatches(parts, of: range)
      }
    // A batch of examples that count nothing changes nothing.
    guard weight(of: range) > 0 else {
      sums += batchSums
      step += 1
      batch += 1
      return
    }
    if isFrozen { kept?.keep(state.parameters, gradients: gradients) }
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
    // A step so large that a parameter, or the square of a gradient, may leave the range of a float is made on trial.
    let isLarge = largest * scale > 1e15 || settings.learning_rate * max(1, trainer.optimizer.weightDecay) > 1e9
    let before = isLarge ? buffers.map { AlignedFloats(copying: $0) } : nil
    ek_optimizer_step(
      &settings, state.parameters.start, gradients.start, first.start, second.start, gradients.count, threads)
    if let before {
      let positions = buffers.map { ek_first_non_finite($0.start, $0.count, threads) }
      if let position = positions.first(where: { $0 >= 0 }) {
        for (buffer, kept) in zip(buffers, before) { buffer.start.update(from: kept.start, count: kept.count) }
        throw diverged("the update leaves the range of a float", layer: state.layout.name(at: position))
      }
    }
    if isFrozen { kept?.restore(state.parameters) }
    commit(parts, of: range, takesWhole: takesWhole)
    state.noteChange()
    averaged?.noteStep(state.parameters, threads: trainer.threads)
    sums += batchSums
    step += 1
    batch += 1
  }

  /// Folds the statistics of a step that has succeeded into the running ones.
  private func commit(_ parts: Parts, of batch: Range<Int>, takesWhole: Bool) {
    if parts.count > 1, !takesWhole { return state.copyStatistics(from: microState!) }
    var call = call(0..<parts[0].count, of: batch)
    call.share = min(1, Double(batch.count) / Double(parts.count == 1 ? plan.largestPart : plan.batches.largest))
    if takesWhole { call.whole = whole!.byIndex }
    program.commit(call)
  }

  /// A run over `part` of the examples at `batch` in the epoch's order.
  func call(_ part: Range<Int>, of batch: Range<Int>) -> Program.Call {
    var call = Program.Call(
      rows: part.count, state: state, gradients: gradients.start, key: key.branch(RandomStream.dropout).branch(step))
    call.firstRow = part.lowerBound
    let start = batch.lowerBound + part.lowerBound
    call.weights = weights.gather(part.count) { Int(order[start + $0]) }
    call.isFrozen = isFrozen(inEpoch: epoch)
    return call
  }

  /// Whether training freezes all norms in epoch `epoch`, from 0.
  func isFrozen(inEpoch epoch: Int) -> Bool { trainer.freezing.map { epoch >= $0.afterEpoch } ?? false }

  /// Runs steps of the program, saying where in the training a value went out of range.
  func forward(_ call: Program.Call, _ steps: Range<Int>) throws {
    do { try program.forward(call, steps) } catch let error as EvenkeelError where error.code == .data {
      throw failed(error.message)
    }
  }

  func failed(_ what: some StringProtocol) -> EvenkeelError {
    .data("Step \(step + 1) of epoch \(epoch + 1): \(what); the model keeps the state before this step.")
  }

  /// The loss of `part`, whose outputs the program has; leaves the gradient of the whole batch's mean.
  func evaluateLoss(_ part: Range<Int>, of batch: Range<Int>, _ weights: BatchWeights) throws -> Loss.Sums {
    let start = batch.lowerBound + part.lowerBound
    let batchTargets = order.withUnsafeBufferPointer {
      targets.gather(UnsafeBufferPointer(rebasing: $0[start..<start + part.count]))
    }
    let sums = output.loss.evaluate(
      program.output, rows: part.count, width: program.outputLength, targets: batchTargets,
      weights: weights.weights, gradient: program.outputGradient)
    guard sums.loss.isFinite else {
      throw diverged("the loss is \(sums.loss)", layer: program.firstNonFinite(rows: part.count))
    }
    if part.count < batch.count {
      let total = weight(of: batch)
      let share = total > 0 ? Float(weights.total(part.count) / total) : 0
      for index in 0..<part.count * program.outputLength { program.outputGradient[index] *= share }
    }
    return sums
  }

  /// Σ w over the examples at `range` of the epoch's order.
  private func weight(of range: Range<Int>) -> Double {
    guard dataset.weights != nil || dataset.lengths != nil else { return Double(range.count) }
    return range.reduce(0) { $0 + Double(dataset.weight(Int(order[$1]))) }
  }

  /// Adds the part's gradients at `offset` ..< `offset + count` to those of the batch.
  func accumulate(_ offset: Int, _ count: Int) {
    let sum = gradients.start + offset
    ek_add(sum, partGradients!.start + offset, count, sum, Int32(trainer.threads))
  }

  /// Copies the examples of `part` of the batch to the program's input.
  func gather(_ part: Range<Int>, of batch: Range<Int>) throws {
    let (start, rows) = (batch.lowerBound + part.lowerBound, part.count)
    let bad: Int
    do { bad = try dataset.examples.reading { gather(start, rows) } } catch let error as EvenkeelError {
      throw failed(error.message.dropLast())
    }
    if bad >= 0 {
      throw EvenkeelError.data(
        "Batch \(self.batch + 1) of epoch \(epoch + 1): example \(storageRows[start + bad / program.inputLength]) is not finite in \(dataset.featureName(bad % program.inputLength)); nothing was changed."
      )
    }
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
      "Training diverged: at step \(step + 1) (epoch \(epoch + 1), batch \(batch + 1)) \(what)\(layer.map { ", first in layer \($0)" } ?? ""); the model keeps the state before this step. A smaller learning rate or clipping may help."
    )
  }

  /// A copy of all that a later run needs to go on from here.
  /// - Throws: `EvenkeelError` with code `data` if there is not the memory for it.
  func checkpoint(_ history: History, _ best: (loss: Double, epoch: Int, state: ModelState)?) throws -> Checkpoint {
    try Machine.requireMemory(
      (state.parameters.count + first.count + second.count + (averaged?.values.count ?? 0))
        * MemoryLayout<Float>.stride,
      for: "A checkpoint")
    return Checkpoint(
      model: try model.copied(), first: Array(first.buffer), second: Array(second.buffer),
      averaged: averaged.map { Array($0.values.buffer) } ?? [], averagedCount: averaged?.count ?? 0, epoch: epoch,
      batch: batch, step: step, settings: settings, threads: trainer.threads, sums: sums,
      targetSums: targets.targetSums, history: history,
      best: best.map { Checkpoint.Best(loss: $0.loss, epoch: $0.epoch, state: $0.state) })
  }

  private func restore(_ checkpoint: Checkpoint) throws {
    for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
      guard let before = checkpoint.settings[name], before != value else { continue }
      throw EvenkeelError.usage("The checkpoint is from a run whose \(name) is \(before); this run's is \(value).")
    }
    guard checkpoint.state.parameters.count == state.parameters.count, checkpoint.first.count == first.count,
      checkpoint.second.count == second.count, checkpoint.averaged.count == averaged?.values.count ?? 0,
      checkpoint.batch <= batches
    else {
      throw EvenkeelError.usage("The checkpoint is from a run with another network, optimizer, data set or batch size.")
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
    checkpoint.averaged.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { averaged?.values.start.update(from: base, count: source.count) }
    }
    averaged?.count = checkpoint.averagedCount
    targets.targetSums = checkpoint.targetSums
    (epoch, batch, step, sums) = (checkpoint.epoch, checkpoint.batch, checkpoint.step, checkpoint.sums)
  }
}
