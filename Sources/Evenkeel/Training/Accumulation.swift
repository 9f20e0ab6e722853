/// Whose statistics normalize the examples of a batch that is taken in parts.
public enum BatchStatistics: String, Hashable, CaseIterable, Sendable {
  /// Each part's own: the gradients of k small batches, summed. Equal to a loop over micro-batches in PyTorch, each loss
  /// weighed by its share of the examples, and to `BatchNorm(ghostBatch:)`.
  case micro
  /// Those of all examples of the batch, forward and backward: equal, to rounding, to the batch in one part. PyTorch and Keras
  /// have nothing of the kind.
  case whole
}

/// The memory with which batches are taken in parts that are normalized by the statistics of the whole.
///
/// Forward: from norm to norm all parts go as far as the norm's input, are merged into its statistics, and leave what the
/// steps behind need of them (`Cut`) in `store`. Backward, likewise from norm to norm: Σ dz and Σ dz x̂ of all parts are known
/// before dx is. The values in front of a norm are computed anew from the input each time. A step of a network with K norms
/// takes one forward, one backward, and for each norm another forward up to it: for norms that are evenly spread about
/// 1 + (K + 1)/6 times as long as the batch in one part, with the memory of one part and of the widest cut for all.
final class WholeBatches {
  /// The norms that take statistics, in order.
  let norms: [WholeBatchNorm]
  /// By their number among the network's.
  let byIndex: [WholeBatchNorm?]
  /// In front of each norm, and behind it.
  let before, behind: [Cut]
  let store: AlignedFloats
  let widest: Int
  /// The gradients of parameters from one part.
  let gradients: AlignedFloats

  /// - Parameters:
  ///   - program: Of the parts.
  ///   - batch: The examples of the largest batch.
  /// - Throws: `EvenkeelError` with code `usage` for a norm whose statistics are of ghost batches, or renormalized.
  init(_ program: Program, batch: Int, parameters: Int, statistics: Int) throws {
    let norms = program.norms.filter { !$0.operation.options.frozen }
    for norm in norms where norm.operation.options.ghostBatch != nil || norm.operation.options.renormalization != nil {
      throw EvenkeelError.usage(
        "Layer \(norm.operation.name) (batchNorm) has ghost batches or renormalization; they cannot be combined with statistics of the whole batch; use those of each part (micro)."
      )
    }
    self.norms = norms.map { WholeBatchNorm($0, rows: program.maximumRows) }
    var byIndex = [WholeBatchNorm?](repeating: nil, count: statistics)
    for norm in self.norms { byIndex[norm.norm.index] = norm }
    self.byIndex = byIndex
    before = norms.map { Cut(before: $0.step, in: program) }
    behind = norms.map { Cut(before: $0.step + 1, in: program) }
    widest = (before + behind).map(\.width).max() ?? 0
    let (count, overflow) = widest.multipliedReportingOverflow(by: batch)
    store = try AlignedFloats(
      count: overflow ? .max : count, for: "What the norms keep of a whole batch of \(batch) examples", code: .usage,
      remedy: "A smaller batch takes less.")
    gradients = AlignedFloats(count: parameters)
  }

  /// The size of its memory in bytes, without the gradients that any accumulation needs.
  var byteCount: Int { norms.reduce(store.count * MemoryLayout<Float>.stride) { $0 + $1.byteCount } }
}

extension TrainingRun {
  /// Loss and gradients of a batch in parts that have statistics of their own; the statistics that it leaves are in
  /// `microState`. A batch in one part is the plain step.
  func passMicroBatches(_ parts: Parts, of batch: Range<Int>) throws -> Loss.Sums {
    var sums = Loss.Sums()
    if parts.count > 1 { microState!.copyStatistics(from: state) }
    for index in 0..<parts.count {
      let part = parts[index]
      var call = call(part, of: batch)
      call.gradients = index == 0 ? gradients.start : partGradients!.start
      call.share = min(1, Double(part.count) / Double(plan.largestPart))
      try gather(part, of: batch)
      try forward(call, program.stepRange)
      sums += try evaluateLoss(part, of: batch, call.weights)
      try program.backward(call)
      if index > 0 { accumulate(0, gradients.count) }
      guard parts.count > 1 else { break }
      call.state = microState!
      program.commit(call)
    }
    return sums
  }

  /// Loss and gradients of a batch in parts that are normalized by the statistics of all of them.
  func passWholeBatch(_ parts: Parts, of batch: Range<Int>, _ whole: WholeBatches) throws -> Loss.Sums {
    gradients.start.update(repeating: 0, count: gradients.count)
    try takeStatistics(parts, of: batch, whole)
    let last = whole.norms.indices.last!
    var sums = Loss.Sums()
    // From the last norm forward to the loss, and back to it.
    for index in 0..<parts.count {
      let part = parts[index]
      let (call, place) = wholeCall(part, of: batch, whole)
      whole.before[last].restore(program, rows: part.count, from: place)
      try forward(call, whole.before[last].step..<program.stepRange.upperBound)
      sums += try evaluateLoss(part, of: batch, call.weights)
      try goBackward(call, to: whole.behind[last].step, from: program.stepRange.upperBound, place, whole, last)
    }
    // From each norm back to the one before it.
    for norm in whole.norms.indices.reversed() {
      let step = whole.before[norm].step
      whole.norms[norm].writeGradients(to: gradients.start, offsets: program.steps[step].parameterOffsets)
      guard step > 0 else { break }
      for index in 0..<parts.count {
        let part = parts[index]
        let (call, place) = wholeCall(part, of: batch, whole)
        try gather(part, of: batch)
        try forward(call, 0..<step + 1)
        whole.behind[norm].restoreGradients(program, rows: part.count, from: place)
        try goBackward(call, to: norm > 0 ? whole.behind[norm - 1].step : 0, from: step + 1, place, whole, norm - 1)
      }
    }
    return sums
  }

  /// Brings all parts to each norm in turn and merges its statistics.
  private func takeStatistics(_ parts: Parts, of batch: Range<Int>, _ whole: WholeBatches) throws {
    for (index, norm) in whole.norms.enumerated() {
      norm.reset()
      let cut = whole.before[index]
      for partIndex in 0..<parts.count {
        let part = parts[partIndex]
        let (call, place) = wholeCall(part, of: batch, whole)
        if index == 0 {
          try gather(part, of: batch)
          try forward(call, 0..<cut.step)
        } else {
          whole.before[index - 1].restore(program, rows: part.count, from: place)
          try forward(call, whole.before[index - 1].step..<cut.step)
        }
        let operation = norm.norm.operation
        let bad = norm.population.merge(
          program.input(ofStep: cut.step), rows: part.count * operation.positions, threads: program.threads)
        guard bad < 0 else {
          throw failed("Layer \(operation.name) (batchNorm) got a value that is not finite in feature \(bad)")
        }
        cut.save(program, rows: part.count, to: place)
      }
      guard norm.population.isEnough else {
        throw EvenkeelError.usage(
          "Layer \(norm.norm.operation.name) (batchNorm) got one value per feature; training needs at least two examples per batch."
        )
      }
      do { try norm.finish() } catch let error as EvenkeelError { throw failed(error.message) }
    }
  }

  /// Goes back over some steps; then keeps the gradients behind the norm in front of them and adds to its sums.
  private func goBackward(
    _ call: Program.Call, to first: Int, from end: Int, _ place: UnsafeMutablePointer<Float>, _ whole: WholeBatches,
    _ next: Int
  ) throws {
    try program.backward(call, first..<end)
    for step in first..<end where program.norm(ofStep: step, in: whole) == nil {
      for (offset, count) in zip(program.steps[step].parameterOffsets, parameterCounts[step]) {
        accumulate(offset, count)
      }
    }
    guard next >= 0 else { return }
    whole.behind[next].saveGradients(program, rows: call.rows, to: place)
    program.addGradientSums(call, of: whole.norms[next].norm)
  }

  private func wholeCall(
    _ part: Range<Int>, of batch: Range<Int>, _ whole: WholeBatches
  ) -> (Program.Call, UnsafeMutablePointer<Float>) {
    var call = call(part, of: batch)
    call.whole = whole.byIndex
    call.gradients = whole.gradients.start
    return (call, whole.store.start + part.lowerBound * whole.widest)
  }
}

extension Program {
  var stepRange: Range<Int> { steps.indices }

  fileprivate func norm(ofStep step: Int, in whole: WholeBatches) -> WholeBatchNorm? {
    steps[step].statistics.flatMap { whole.byIndex[$0] }
  }
}

extension Trainer {
  /// The bytes that values, gradients and statistics of a step on `batchSize` examples take, parameters left out.
  package func stepByteCount(of network: Network) throws -> Int {
    let layout = try ParameterLayout(network)
    let plan = try plan(for: network, examples: batchSize)
    let program = try Program(
      network, layout: layout, maximumRows: plan.largestPart, purpose: .training, threads: threads)
    guard accumulating > 1, statistics == .whole else { return program.byteCount }
    let whole = try WholeBatches(
      program, batch: plan.batches.largest, parameters: layout.count, statistics: layout.statistics.count)
    return program.byteCount + whole.byteCount
  }
}
