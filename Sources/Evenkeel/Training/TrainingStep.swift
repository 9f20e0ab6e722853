import Kernels

/// The steps of a training run: gradients of a batch, then the update. It owns all memory that a step writes to except
/// the model's and the data's; a step allocates nothing.
final class TrainingStep {
  let program: Program
  let state: ModelState
  let gradients: AlignedFloats
  let batches: Batches
  let optimizer: OptimizerState
  private let trainer: Trainer
  private let slicedLoss: SlicedLoss
  /// How batches are computed in parts, with norm statistics of the whole or of each part; nil if none is.
  private let wholeParts: WholeParts?
  private let microParts: MicroParts?
  private let kept: ScaleAndShiftBackup?
  private let key: RandomKey
  /// What has failed on this rank alone since all ranks last agreed.
  var ownFailure: (any Error)?
  /// The total number of steps.
  private let total: Int

  init(_ trainer: Trainer, _ model: Model, _ batches: Batches, epochs: Int) throws {
    self.trainer = trainer
    self.batches = batches
    state = model.state
    let (layout, plan) = (state.layout, batches.plan)
    program = try Program(
      layout, maximumRows: plan.largestPart, purpose: .training, precision: trainer.precision,
      threads: trainer.threads, communicator: trainer.communicator)
    slicedLoss = SlicedLoss(model.output!.loss, slices: program.mostSlices)
    try Machine.requireMemory(
      trainer.learnedByteCount(layout), for: "Training \(layout.learnedCount) learned values", code: .usage)
    let isInParts = trainer.accumulating > 1
    let whole =
      isInParts && trainer.statistics == .whole
      ? try WholeParts(program, plan: plan, layout: layout, mayKeep: true) : nil
    wholeParts = whole.flatMap { $0.norms.isEmpty ? nil : $0 }
    microParts =
      isInParts ? MicroParts(state, gradients: whole?.gradients ?? AlignedFloats(count: layout.count)) : nil
    gradients = AlignedFloats(count: layout.count)
    optimizer = OptimizerState(trainer.optimizer, count: layout.count, team: batches.team)
    kept = trainer.freezing?.includesScaleAndShift == true ? ScaleAndShiftBackup(layout) : nil
    key = RandomKey(seed: trainer.seed)
    let (total, overflow) = epochs.multipliedReportingOverflow(by: batches.count)
    self.total = overflow ? .max : total
  }

  /// Makes the step at `position`. If it throws, the model keeps the state before this step.
  /// - Parameter shouldStop: Whether this rank wants no step after this one.
  /// - Returns: The sums of the loss over the batch, before the step, and, with other ranks, whether any wants to stop.
  func make(at position: TrainingPosition, shouldStop: () -> Bool) throws -> (sums: Loss.Sums, stops: Bool?) {
    program.team = batches.team.current
    defer { batches.team.noteStep() }
    let isFrozen = trainer.freezing.map { position.epoch >= $0.afterEpoch } ?? false
    let batch = batches.batch(at: position, norms: isFrozen ? .frozen : wholeParts == nil ? .ofParts : .ofWhole)
    // ---- gradients ----------------------------------------------------------------------------------------------
    let (sums, stops) = try agreed(shouldStop) {
      try parts(for: batch)?.gradients(of: batch, self) ?? gradientsAtOnce(of: batch)
    }
    // A batch of examples without weight changes nothing.
    guard batch.weight > 0 else { return (sums, stops) }
    // ---- update -------------------------------------------------------------------------------------------------
    if isFrozen { kept?.keep(state.parameters, gradients: gradients) }
    try optimizer.update(
      state, gradients, step: position.step + 1,
      factor: trainer.schedule.factor(step: position.step, total: total, stepsPerEpoch: batches.count),
      scale: clipping(), at: position)
    if isFrozen { kept?.restore(state.parameters) }
    state.write { _ in parts(for: batch)?.commit(batch, self) ?? commitAtOnce(batch) }
    // -------------------------------------------------------------------------------------------------------------
    return (sums, stops)
  }

  /// Computes gradients, and lets all ranks go on, or none if one of them has failed.
  private func agreed(
    _ shouldStop: () -> Bool, _ gradients: () throws -> Loss.Sums
  ) throws -> (sums: Loss.Sums, stops: Bool?) {
    guard let communicator = trainer.communicator else { return (try gradients(), nil) }
    let result = Result { try gradients() }
    if case .failure(let error as EvenkeelError) = result, error.code == .unavailable { throw error }
    let failure = ownFailure ?? program.takeFailure()
    ownFailure = nil
    let stops = try Agreement(among: communicator).settle(failure, stops: shouldStop())
    return (try result.get(), stops)
  }

  /// How the batch is computed in parts; nil if it is in one.
  private func parts(for batch: Batch) -> (any BatchParts)? {
    guard batch.parts.count > 1 else { return nil }
    return batch.norms == .ofWhole ? wholeParts : microParts
  }

  /// A batch in one part: forward, loss, backward.
  private func gradientsAtOnce(of batch: Batch) throws -> Loss.Sums {
    let (all, call) = (0..<batch.count, call(0..<batch.count, of: batch))
    try gather(all, of: batch)
    try forward(call, program.steps.indices, of: batch)
    let sums = try evaluateLoss(all, of: batch)
    try program.backward(call)
    return sums
  }

  /// Folds the statistics of a successful step into the running ones.
  private func commitAtOnce(_ batch: Batch) { program.commit(call(0..<batch.count, of: batch)) }

  /// The factor on gradients that keeps their norm below the trainer's limit.
  private func clipping() -> Double {
    guard let limit = trainer.clippingNorm else { return 1 }
    let norm = ek_sum_of_squares(gradients.start, gradients.count, Int32(batches.team.current)).squareRoot()
    return norm > limit ? limit / (norm + 1e-6) : 1
  }

  // ---- what the ways to compute gradients share -----------------------------------------------------------------------

  /// A run over `part` of the batch.
  func call(_ part: Range<Int>, of batch: Batch) -> Program.Call {
    let takesWhole = batch.norms == .ofWhole && batch.parts.count > 1
    // What statistics are taken of, and the most that they are taken of in this run.
    let rows = Double(takesWhole ? batch.count : part.count)
    let full = Double(takesWhole ? batches.plan.batches.largest : batches.plan.largestPart)
    var call = Program.Call(
      rows: part.count, state: state, gradients: gradients.start,
      key: key.branch(RandomStream.dropout).branch(batch.position.step),
      statistics: batch.norms == .frozen ? .running : .batch(share: min(1, rows / full)))
    call.firstRow = part.lowerBound
    call.weights = batch.weights(part)
    return call
  }

  /// Brings the examples of `part` that this rank computes to the program. With other ranks it goes on if that fails, until all hear of it.
  func gather(_ part: Range<Int>, of batch: Batch) throws {
    let own = program.ownRows(of: part.count)
    let examples = part.lowerBound + own.lowerBound..<part.lowerBound + own.upperBound
    do {
      try batches.gather(examples, of: batch, to: program.input + own.lowerBound * program.inputLength)
    } catch {
      guard trainer.communicator != nil else { throw error }
      ownFailure = ownFailure ?? error
    }
  }

  /// Runs steps of the program; an error says where in training a value went out of range.
  func forward(_ call: Program.Call, _ steps: Range<Int>, of batch: Batch) throws {
    do { try program.forward(call, steps) } catch let error as EvenkeelError where error.code == .data {
      throw batch.position.failed(error.message)
    }
  }

  /// The loss of `part` from the program's outputs; writes the gradient of the whole batch's mean.
  func evaluateLoss(_ part: Range<Int>, of batch: Batch) throws -> Loss.Sums {
    let weights = batch.weights(part)
    let sums = try slicedLoss.evaluate(program, part.count, batches.targets(part, of: batch), weights)
    guard sums.loss.isFinite else {
      throw batch.position.diverged(
        "the loss is \(sums.loss.isNaN ? .nan : sums.loss)", layer: try program.firstNonFinite(rows: part.count))
    }
    if part.count < batch.count {
      let total = batch.weight
      let share = total > 0 ? Float(weights.total(part.count) / total) : 0
      for index in 0..<part.count * program.outputLength { program.outputGradient[index] *= share }
    }
    return sums
  }
}
