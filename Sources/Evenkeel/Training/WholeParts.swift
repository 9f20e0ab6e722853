/// Which statistics normalize the examples of a batch that is computed in parts.
public enum BatchStatistics: String, Hashable, CaseIterable, Sendable {
  /// Each part's own: the gradients of k small batches, summed. Equal to a loop over micro-batches in PyTorch, each
  /// loss weighted by its share of the examples, and to `BatchNorm(ghostBatch:)`.
  case micro
  /// Those of all examples of the batch, forward and backward: equal, up to rounding, to the batch in one part. PyTorch
  /// and Keras have no equivalent.
  case whole
}

/// Parts that are normalized by the statistics of the whole batch.
///
/// Forward: from norm to norm all parts go as far as the norm's input and are merged into its statistics. Backward,
/// likewise from norm to norm: Σ dz and Σ dz x̂ of all parts are known before dx is.
///
/// Where there is memory for it, each part waits at a norm in an arena of its own: a step takes as long, and as much
/// memory, as the batch in one part. Otherwise the parts take turns in the program's arena, and leave in `store` what
/// the steps on the other side of the norm need of them (`Cut`); backward, the values before a norm are recomputed from
/// the input each time. A step of a network with K norms then takes one forward, one backward, and for each norm another
/// forward up to it: for evenly spread norms about 1 + (K + 1)/6 times as long as the batch in one part, with the memory
/// of one part and of the widest cut of the whole batch. The numbers are the same.
final class WholeParts: BatchParts {
  /// The norms that take statistics, in order.
  let norms: [WholeBatchNorm]
  /// The gradients of parameters from one part.
  let gradients: AlignedFloats
  /// By step.
  private let contexts: [(any StepContext)?]
  /// The cuts before and after each norm.
  private let before, after: [Cut]
  /// One for each part; none if they take turns.
  private let arenas: [AlignedFloats]
  private let store: AlignedFloats
  private let widest: Int
  /// Where each step's parameters are.
  private let parameters: [[Range<Int>]]

  /// - Parameters:
  ///   - program: Of the parts.
  ///   - plan: How batches are divided into parts.
  ///   - mayKeep: Whether every part may have an arena, if half of the memory that is left is enough for them.
  /// - Throws: `EvenkeelError` with code `usage` for a norm whose statistics cannot be taken this way.
  init(_ program: Program, plan: BatchPlan, layout: ParameterLayout, mayKeep: Bool) throws {
    var contexts = [(any StepContext)?](repeating: nil, count: program.steps.count)
    var norms: [WholeBatchNorm] = []
    for index in program.statisticalSteps {
      let step = program.steps[index]
      guard let layer = step.layer, layer.takesBatchStatistics else { continue }
      guard let norm = step.operation as? BatchNormOperation else {
        throw EvenkeelError.usage(
          "Layer \(step.name) (\(layer.kind)) cannot take statistics of the whole batch, only those of each part (micro)."
        )
      }
      guard norm.options.ghostBatch == nil, norm.options.renormalization == nil else {
        throw EvenkeelError.usage(
          "Layer \(step.name) (batchNorm) has ghost batches or renormalization; they cannot be combined with statistics of the whole batch; use those of each part (micro)."
        )
      }
      norms.append(WholeBatchNorm(norm, rows: program.maximumRows))
      contexts[index] = norms.last
    }
    self.contexts = contexts
    self.norms = norms
    let steps = contexts.indices.filter { contexts[$0] != nil }
    before = steps.map { Cut(before: $0, in: program) }
    after = steps.map { Cut(before: $0 + 1, in: program) }
    widest = (before + after).map(\.width).max() ?? 0
    let batch = plan.batches.largest
    let others = plan.parts(of: batch, haveStatistics: false).count - 1
    let (size, isHuge) = program.byteCount.multipliedReportingOverflow(by: others)
    let keeps = mayKeep && !norms.isEmpty && !isHuge && size <= MemoryRoom.current().bytes / 2
    arenas = keeps ? [program.arena] + (0..<others).map { _ in AlignedFloats(count: program.arena.count) } : []
    let (count, overflow) = keeps ? (0, false) : widest.multipliedReportingOverflow(by: batch)
    store = try AlignedFloats(
      count: overflow ? .max : count, for: "What the norms keep of a whole batch of \(batch) examples", code: .usage,
      remedy: "A smaller batch takes less.")
    gradients = AlignedFloats(count: layout.count)
    let counts = Dictionary(uniqueKeysWithValues: layout.entries.map { ($0.offset, $0.count) })
    parameters = program.steps.map { (layout.offsets[$0.name] ?? []).map { $0..<$0 + counts[$0]! } }
  }

  /// The size of its memory in bytes, without the gradients that every accumulation needs.
  var byteCount: Int {
    let values = arenas.dropFirst().reduce(store.count) { $0 + $1.count }
    return norms.reduce(values * MemoryLayout<Float>.stride) { $0 + $1.byteCount }
  }

  func gradients(of batch: Batch, _ step: TrainingStep) throws -> Loss.Sums {
    let program = step.program
    step.gradients.start.update(repeating: 0, count: step.gradients.count)
    try takeStatistics(batch, step)
    let last = norms.count - 1
    var sums = Loss.Sums()
    // From the last norm forward to the loss, and back to the norm.
    for index in 0..<batch.parts.count {
      let part = batch.parts[index]
      let call = call(part, of: batch, step)
      try bring(index, to: before[last], of: batch, step)
      try step.forward(call, before[last].step..<program.steps.count, of: batch)
      sums += try step.evaluateLoss(part, of: batch)
      try goBackward(call, after[last].step..<program.steps.count, to: last, step)
    }
    // From each norm back to the one before it.
    for norm in norms.indices.reversed() {
      let index = before[norm].step
      norms[norm].finishGradients(
        step.gradients.start, offsets: step.state.layout.offsets[program.steps[index].name] ?? [])
      guard index > 0 else { break }
      for partIndex in 0..<batch.parts.count {
        let part = batch.parts[partIndex]
        let call = call(part, of: batch, step)
        if arenas.isEmpty {
          try bring(partIndex, to: nil, of: batch, step)
          try step.forward(call, 0..<index + 1, of: batch)
          after[norm].restoreGradients(program, rows: part.count, from: place(of: part))
        } else {
          program.arena = arenas[partIndex]
        }
        try goBackward(call, (norm > 0 ? after[norm - 1].step : 0)..<index + 1, to: norm - 1, step)
      }
    }
    return sums
  }

  func commit(_ batch: Batch, _ step: TrainingStep) { step.program.commit(call(batch.parts[0], of: batch, step)) }

  /// Runs all parts up to each norm in turn and merges its statistics.
  private func takeStatistics(_ batch: Batch, _ step: TrainingStep) throws {
    let program = step.program
    for (index, norm) in norms.enumerated() {
      norm.reset()
      let cut = before[index]
      for partIndex in 0..<batch.parts.count {
        let part = batch.parts[partIndex]
        let call = call(part, of: batch, step)
        let start = index > 0 ? before[index - 1] : nil
        try bring(partIndex, to: start, of: batch, step)
        try step.forward(call, (start?.step ?? 0)..<cut.step, of: batch)
        try program.gatherInput(ofStep: cut.step)
        let bad = norm.merge(program.input(ofStep: cut.step), rows: part.count, threads: program.team)
        guard bad < 0 else {
          throw batch.position.failed(
            NormFailure.notFinite(feature: bad).error(norm.operation.name, BatchNorm.kind).message)
        }
        if arenas.isEmpty { cut.save(program, rows: part.count, to: place(of: part)) }
      }
      guard norm.moments.isEnough else {
        throw NormFailure.oneValue.error(norm.operation.name, BatchNorm.kind)
      }
      do { try norm.finish() } catch let error as EvenkeelError { throw batch.position.failed(error.message) }
    }
  }

  /// Brings a part to the program as it was left at `cut`, or (nil) its examples.
  private func bring(_ index: Int, to cut: Cut?, of batch: Batch, _ step: TrainingStep) throws {
    let (program, part) = (step.program, batch.parts[index])
    if !arenas.isEmpty { program.arena = arenas[index] }
    guard let cut else { return try step.gather(part, of: batch) }
    if arenas.isEmpty { cut.restore(program, rows: part.count, from: place(of: part)) }
  }

  /// Where a part leaves what the other side of a norm needs of it.
  private func place(of part: Range<Int>) -> UnsafeMutablePointer<Float> { store.start + part.lowerBound * widest }

  /// Runs some steps backward; then keeps the gradients after norm `next`, if there is one, and adds to its sums.
  private func goBackward(_ call: Program.Call, _ range: Range<Int>, to next: Int, _ step: TrainingStep) throws {
    let program = step.program
    try program.backward(call, range)
    for index in range where contexts[index] == nil {
      for parameter in parameters[index] { step.gradients.add(gradients, parameter, threads: program.team) }
    }
    guard next >= 0 else { return }
    if arenas.isEmpty {
      after[next].saveGradients(program, rows: call.rows, to: place(of: call.firstRow..<call.firstRow + call.rows))
    }
    try program.collectBackward(before[next].step, call)
    try norms[next].operation.reduce(program.passBackward(before[next].step), into: norms[next])
  }

  private func call(_ part: Range<Int>, of batch: Batch, _ step: TrainingStep) -> Program.Call {
    var call = step.call(part, of: batch)
    call.contexts = contexts
    call.gradients = gradients.start
    return call
  }
}
