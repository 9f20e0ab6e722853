/// A training run in progress: its steps, its position, and what is kept of it.
final class TrainingRun {
  private let trainer: Trainer
  private let model: Model
  private let batches: Batches
  private let steps: TrainingStep
  private let averaged: AveragedWeights?
  private let epochs: Int
  private lazy var settings = RunSettings(
    trainer, examples: batches.dataset.count, fingerprint: batches.dataset.fingerprint, blocks: batches.blocks)
  private(set) var position = TrainingPosition()
  /// The steps that were made before this run.
  private var resumedAt = 0
  /// Over the batches of the current epoch.
  private var sums = Loss.Sums()

  init(_ trainer: Trainer, _ model: Model, _ dataset: Dataset, epochs: Int, resuming: Checkpoint?) throws {
    self.trainer = trainer
    self.model = model
    self.epochs = epochs
    try trainer.requireStatistics(of: model.state.layout.network, in: dataset)
    // A run goes on in its order, whatever memory there is now.
    batches = try Batches(trainer, model, dataset, in: resuming == nil ? dataset.blocks : resuming?.settings.blocks)
    steps = try TrainingStep(trainer, model, batches, epochs: epochs)
    averaged = trainer.averaging.map { AveragedWeights($0, count: model.state.layout.count) }
    if let resuming { try restore(resuming) }
    batches.shuffle(epoch: position.epoch)
  }

  private var state: ModelState { model.state }
  private var targets: TargetBuffer { batches.targets }
  /// Complete epochs.
  var epoch: Int { position.epoch }
  var quality: Quality { Quality(sums, targets.targetSums, output: model.output!, width: targets.width) }

  /// By the path of each batch norm: from its running statistics to those of the last batch.
  var shiftsOfLastBatch: [String: StatisticsShift] {
    position.step == resumedAt ? [:] : steps.program.shiftsOfLastBatch
  }

  /// Makes sure that all ranks are about to do the same.
  /// - Throws: On all ranks the same `EvenkeelError`, which names the first rank that is not.
  func meet(_ validation: Dataset?) throws {
    guard let communicator = trainer.communicator else { return }
    try Agreement(among: communicator).require(
      RankDescription(model, settings, position: position.step, validation: validation?.fingerprint))
    communicator.state = .together
  }

  /// Does what may fail on this rank alone. With other ranks it goes on until all hear of it.
  func attempt(_ body: () throws -> Void) throws {
    do { try body() } catch {
      guard trainer.communicator != nil else { throw error }
      steps.ownFailure = steps.ownFailure ?? error
    }
  }

  /// Lets all ranks hear what has failed on one since the last step.
  /// - Parameter state: How far the ranks are together then.
  func part(_ state: RankState) throws {
    guard let communicator = trainer.communicator else { return }
    try Agreement(among: communicator).settle(steps.ownFailure)
    communicator.state = state
  }

  /// Makes the remaining steps of the epoch.
  func finishEpoch(
    validation: Dataset?, shouldStop: () -> Bool, onEvent: (Trainer.Event) throws -> Void,
    observing: Trainer.Observer?
  ) throws {
    batches.team.begin()
    while position.batch < batches.count {
      if position.batch == 0 { (sums, _) = (Loss.Sums(), targets.clearSums()) }
      let (stepSums, stops) = try step(shouldStop)
      sums += stepSums
      averaged?.noteStep(state.parameters, threads: batches.team.current)
      position.step += 1
      position.batch += 1
      try observing?(position.step, model.copied)
      let quality = quality
      try onEvent(
        .step(
          epoch: position.epoch + 1, batch: position.batch, batches: batches.count, loss: quality.loss,
          accuracy: quality.accuracy, examples: sums.examples))
      if let interval = trainer.evaluationInterval, position.step % interval == 0, let validation, !validation.isEmpty {
        try onEvent(.evaluated(step: position.step, try trainer.quality(of: model, on: validation)))
        batches.team.begin()
      }
      if stops ?? shouldStop(), position.batch < batches.count || position.epoch + 1 < epochs {
        throw EvenkeelError(
          .interrupted,
          "Interrupted in epoch \(position.epoch + 1) after batch \(position.batch) of \(batches.count).")
      }
    }
    try attempt { try batches.dataset.examples.requireUnchanged() }
    position.epoch += 1
    position.batch = 0
    averaged?.noteEpoch(position.epoch, state.parameters, threads: batches.team.current)
    batches.shuffle(epoch: position.epoch)
  }

  /// Makes a step. What stops one rank stops all, for the same reason, unless they cannot hear of one another.
  private func step(_ shouldStop: () -> Bool) throws -> (sums: Loss.Sums, stops: Bool?) {
    do { return try steps.make(at: position, shouldStop: shouldStop) } catch {
      if (error as? EvenkeelError)?.code != .unavailable { trainer.communicator?.state = .ended }
      throw error
    }
  }

  /// The model with the averaged weights and matching statistics; nil before any were averaged.
  func averagedModel() throws -> Model? {
    guard let averaged, averaged.count > 0 else { return nil }
    var result = try model.copied()
    result.state.write { $0.parameters.start.update(from: averaged.values.start, count: averaged.values.count) }
    // Statistics that training froze are those with which these weights were learned.
    if let freezing = trainer.freezing, position.epoch >= freezing.afterEpoch { return result }
    let examples = batches.dataset.subset(
      Batches.order(batches.dataset.count, epoch: 0, seed: trainer.seed).prefix(AveragedWeights.recalibrationExamples)
        .map { Int($0) })
    try result.recalibrate(
      on: examples, threads: trainer.threads, frozen: false, among: trainer.communicator)
    return result
  }

  /// A copy of everything that a later run needs to continue from here.
  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory for it.
  func checkpoint(_ history: History, _ best: Checkpoint.Best?) throws -> Checkpoint {
    let (first, second) = (steps.optimizer.first, steps.optimizer.second)
    try Machine.requireMemory(
      (state.parameters.count + first.count + second.count + (averaged?.values.count ?? 0))
        * MemoryLayout<Float>.stride,
      for: "A checkpoint")
    return Checkpoint(
      model: try model.copied(), first: Array(first.buffer), second: Array(second.buffer),
      averaged: averaged.map { Array($0.values.buffer) } ?? [], averagedCount: averaged?.count ?? 0,
      epoch: position.epoch, batch: position.batch, step: position.step, epochs: epochs, settings: settings,
      sums: sums,
      targetSums: targets.targetSums, history: history, best: best)
  }

  private func restore(_ checkpoint: Checkpoint) throws {
    try settings.requireSame(as: checkpoint.settings)
    let (first, second) = (steps.optimizer.first, steps.optimizer.second)
    guard checkpoint.state.parameters.count == state.parameters.count, checkpoint.first.count == first.count,
      checkpoint.second.count == second.count, checkpoint.averaged.count == averaged?.values.count ?? 0,
      checkpoint.batch <= batches.count
    else {
      throw EvenkeelError.usage("The checkpoint is from a run with another network, optimizer, data set or batch size.")
    }
    state.write {
      $0.parameters.start.update(from: checkpoint.state.parameters.start, count: state.parameters.count)
      $0.copyBuffers(from: checkpoint.state)
    }
    func restore(_ values: [Float], to buffer: AlignedFloats?) {
      values.withUnsafeBufferPointer { source in
        if let base = source.baseAddress { buffer?.start.update(from: base, count: source.count) }
      }
    }
    restore(checkpoint.first, to: first)
    restore(checkpoint.second, to: second)
    restore(checkpoint.averaged, to: averaged?.values)
    averaged?.count = checkpoint.averagedCount
    targets.targetSums = checkpoint.targetSums
    position = TrainingPosition(epoch: checkpoint.epoch, batch: checkpoint.batch, step: checkpoint.step)
    sums = checkpoint.sums
    resumedAt = position.step
  }
}
