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
/// Forward: from norm to norm all parts go as far as the norm's input, are merged into its statistics, and leave what
/// the steps after it need of them (`Cut`) in `store`. Backward, likewise from norm to norm: Σ dz and Σ dz x̂ of all
/// parts are known before dx is. The values before a norm are recomputed from the input each time. A step of a network
/// with K norms takes one forward, one backward, and for each norm another forward up to it: for evenly spread norms
/// about 1 + (K + 1)/6 times as long as the batch in one part, with the memory of one part and of the widest cut of the
/// whole batch.
final class WholeParts: BatchParts {
  /// The norms that take statistics, in order.
  let norms: [WholeBatchNorm]
  /// The gradients of parameters from one part.
  let gradients: AlignedFloats
  /// By step.
  private let contexts: [(any StepContext)?]
  /// The cuts before and after each norm.
  private let before, after: [Cut]
  private let store: AlignedFloats
  private let widest: Int
  /// Where each step's parameters are.
  private let parameters: [[Range<Int>]]

  /// - Parameters:
  ///   - program: Of the parts.
  ///   - batch: The examples of the largest batch.
  /// - Throws: `EvenkeelError` with code `usage` for a norm whose statistics cannot be taken this way.
  init(_ program: Program, batch: Int, layout: ParameterLayout) throws {
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
    let (count, overflow) = widest.multipliedReportingOverflow(by: batch)
    store = try AlignedFloats(
      count: overflow ? .max : count, for: "What the norms keep of a whole batch of \(batch) examples", code: .usage,
      remedy: "A smaller batch takes less.")
    gradients = AlignedFloats(count: layout.count)
    let counts = Dictionary(uniqueKeysWithValues: layout.entries.map { ($0.offset, $0.count) })
    parameters = program.steps.map { (layout.offsets[$0.name] ?? []).map { $0..<$0 + counts[$0]! } }
  }

  /// The size of its memory in bytes, without the gradients that every accumulation needs.
  var byteCount: Int { norms.reduce(store.count * MemoryLayout<Float>.stride) { $0 + $1.byteCount } }

  func gradients(of batch: Batch, _ step: TrainingStep) throws -> Loss.Sums {
    let program = step.program
    step.gradients.start.update(repeating: 0, count: step.gradients.count)
    try takeStatistics(batch, step)
    let last = norms.count - 1
    var sums = Loss.Sums()
    // From the last norm forward to the loss, and back to the norm.
    for index in 0..<batch.parts.count {
      let part = batch.parts[index]
      let (call, place) = call(part, of: batch, step)
      before[last].restore(program, rows: part.count, from: place)
      try step.forward(call, before[last].step..<program.steps.count, of: batch)
      sums += try step.evaluateLoss(part, of: batch)
      try goBackward(call, after[last].step..<program.steps.count, place, to: last, step)
    }
    // From each norm back to the one before it.
    for norm in norms.indices.reversed() {
      let index = before[norm].step
      norms[norm].finishGradients(
        step.gradients.start, offsets: step.state.layout.offsets[program.steps[index].name] ?? [])
      guard index > 0 else { break }
      for partIndex in 0..<batch.parts.count {
        let part = batch.parts[partIndex]
        let (call, place) = call(part, of: batch, step)
        try step.batches.gather(part, of: batch, to: program.input)
        try step.forward(call, 0..<index + 1, of: batch)
        after[norm].restoreGradients(program, rows: part.count, from: place)
        try goBackward(call, (norm > 0 ? after[norm - 1].step : 0)..<index + 1, place, to: norm - 1, step)
      }
    }
    return sums
  }

  func commit(_ batch: Batch, _ step: TrainingStep) { step.program.commit(call(batch.parts[0], of: batch, step).0) }

  /// Runs all parts up to each norm in turn and merges its statistics.
  private func takeStatistics(_ batch: Batch, _ step: TrainingStep) throws {
    let program = step.program
    for (index, norm) in norms.enumerated() {
      norm.reset()
      let cut = before[index]
      for partIndex in 0..<batch.parts.count {
        let part = batch.parts[partIndex]
        let (call, place) = call(part, of: batch, step)
        if index == 0 {
          try step.batches.gather(part, of: batch, to: program.input)
          try step.forward(call, 0..<cut.step, of: batch)
        } else {
          before[index - 1].restore(program, rows: part.count, from: place)
          try step.forward(call, before[index - 1].step..<cut.step, of: batch)
        }
        let bad = norm.merge(program.input(ofStep: cut.step), rows: part.count, threads: program.team)
        guard bad < 0 else {
          throw batch.position.failed(
            NormFailure.notFinite(feature: bad).error(norm.operation.name, BatchNorm.kind).message)
        }
        cut.save(program, rows: part.count, to: place)
      }
      guard norm.moments.isEnough else {
        throw NormFailure.oneValue.error(norm.operation.name, BatchNorm.kind)
      }
      do { try norm.finish() } catch let error as EvenkeelError { throw batch.position.failed(error.message) }
    }
  }

  /// Runs some steps backward; then keeps the gradients after norm `next`, if there is one, and adds to its sums.
  private func goBackward(
    _ call: Program.Call, _ range: Range<Int>, _ place: UnsafeMutablePointer<Float>, to next: Int, _ step: TrainingStep
  ) throws {
    let program = step.program
    try program.backward(call, range)
    for index in range where contexts[index] == nil {
      for parameter in parameters[index] { step.gradients.add(gradients, parameter, threads: program.team) }
    }
    guard next >= 0 else { return }
    after[next].saveGradients(program, rows: call.rows, to: place)
    try program.collectBackward(before[next].step, call)
    norms[next].operation.reduce(program.passBackward(before[next].step), into: norms[next])
  }

  private func call(
    _ part: Range<Int>, of batch: Batch, _ step: TrainingStep
  ) -> (Program.Call, UnsafeMutablePointer<Float>) {
    var call = step.call(part, of: batch)
    call.contexts = contexts
    call.gradients = gradients.start
    return (call, store.start + part.lowerBound * widest)
  }
}
