import Kernels
import Synchronization

/// What the members of a team share while they run a part of a program.
final class Job: @unchecked Sendable {
  enum Kind { case prepare, forward, backward }

  fileprivate(set) var kind = Kind.forward
  var call: Program.Call! = nil
  var slices: SliceBounds! = nil
  /// The batch as one slice, for operations that take none.
  var whole: SliceBounds { SliceBounds(wholeBounds, count: 1) }
  private let wholeBounds = UnsafeMutablePointer<Int>.allocate(capacity: 2)
  /// The steps that every slice goes through, and the reduction to which it then adds its part.
  fileprivate(set) var steps = 0..<0
  fileprivate(set) var collecting: Int?
  /// The steps whose parameter gradients are computed beside the slices, or that prepare, with the number of blocks of each.
  var pending: [(step: Int, blocks: Range<Int>)] = []
  /// With other ranks, the steps that follow when the slices' scratch of all has been added, last first.
  fileprivate var waiting: [Int] = []
  var preparing: [(step: Int, blocks: Range<Int>)] = []
  /// The slices of this rank, and those of them that run; blocks follow them.
  private(set) var own = 0..<0
  fileprivate(set) var running = 0..<0
  fileprivate let failure = Mutex<(item: Int, error: any Error)?>(nil)

  init(steps: Int) {
    pending.reserveCapacity(steps)
    waiting.reserveCapacity(steps)
    preparing.reserveCapacity(16)
  }
  deinit { wholeBounds.deallocate() }

  func take(_ call: Program.Call, _ slices: SliceBounds, own: Range<Int>) {
    (self.call, self.slices, self.own) = (call, slices, own)
    (wholeBounds[0], wholeBounds[1]) = (0, call.rows)
  }
}

extension Program {
  /// Runs the slices of this rank through some steps, and adds their parts to the reduction `collecting`.
  func runForward(_ range: Range<Int>, collecting: Int? = nil) throws {
    guard !range.isEmpty || collecting != nil else { return }
    (job.steps, job.collecting, job.running) = (range, collecting, job.own)
    try run(.forward, items: job.running.count)
  }

  /// Runs the slices backward through some steps, and beside them what is left to do for the parameters of steps before.
  func runBackward(_ range: Range<Int>, collecting: Int? = nil) throws {
    let hasSlices = !range.isEmpty || collecting != nil
    guard hasSlices || !job.pending.isEmpty else { return }
    (job.steps, job.collecting, job.running) = (range, collecting, hasSlices ? job.own : 0..<0)
    if exchange != nil {
      for (index, _) in job.pending where !steps[index].operation.addsSliceScratch {
        try steps[index].operation.gatherRows(passBackward(index))
      }
    }
    try run(.backward, items: job.running.count + job.pending.reduce(0) { $0 + $1.blocks.count })
    if let exchange { for (index, _) in job.pending { try gatherBlocks(ofStep: index, exchange) } }
    job.pending.removeAll(keepingCapacity: true)
    for index in range.reversed() {
      let blocks = steps[index].operation.gradientBlocks
      guard blocks > 0 else { continue }
      if exchange != nil, steps[index].operation.addsSliceScratch {
        job.waiting.append(index)
      } else {
        job.pending.append((index, ownBlocks(of: blocks, ofStep: index)))
      }
    }
  }

  /// Adds the slices' scratch of all steps that wait for it over ranks, in one exchange.
  func addSliceScratch() throws {
    guard let exchange, let first = job.waiting.last, let last = job.waiting.first else { return }
    let (start, end) = (sliceScratchOffsets[first], sliceScratchOffsets[last] + steps[last].operation.sliceScratchCount)
    try exchange.sum(arena.start + start, count: end - start, stride: sliceScratchStrides[first])
    for index in job.waiting { job.pending.append((index, 0..<steps[index].operation.gradientBlocks)) }
    job.waiting.removeAll(keepingCapacity: true)
  }

  /// Does what is left to do for the parameters.
  func finishParameterGradients() throws { try runBackward(0..<0) }

  /// The blocks of the parameter gradients of step `index` that this rank computes.
  private func ownBlocks(of count: Int, ofStep index: Int) -> Range<Int> {
    guard let exchange, steps[index].operation.gradientStart(ofBlock: 0, parameter: 0) != nil else { return 0..<count }
    return exchange.ownBlocks(of: count)
  }

  /// Brings the blocks of other ranks.
  private func gatherBlocks(ofStep index: Int, _ exchange: SliceExchange) throws {
    let operation = steps[index].operation
    guard operation.gradientStart(ofBlock: 0, parameter: 0) != nil else { return }
    let pass = passBackward(index)
    for parameter in 0..<steps[index].places.parameterCount {
      try exchange.gather(pass.parameterGradient(parameter), blocks: operation.gradientBlocks) {
        operation.gradientStart(ofBlock: $0, parameter: parameter)!
      }
    }
  }

  /// - Throws: The error of the lowest item that failed, so that errors do not depend on the team either. With other ranks it is kept
  ///   for `takeFailure`: this rank goes on like the others until all hear of it.
  func run(_ kind: Job.Kind, items: Int) throws {
    guard items > 0 else { return }
    job.kind = kind
    ek_team_run(
      { context, item, member in
        let program = Unmanaged<Program>.fromOpaque(context!)._withUnsafeGuaranteedRef { $0 }
        do { try program.run(item: item, member: Int(member)) } catch {
          program.job.failure.withLock { if $0 == nil || item < $0!.item { $0 = (item, error) } }
        }
      }, Unmanaged.passUnretained(self).toOpaque(), items, Int32(teamOfCall))
    guard exchange == nil, let error = takeFailure() else { return }
    job.pending.removeAll(keepingCapacity: true)
    throw error
  }

  /// What has failed on this rank, once.
  func takeFailure() -> (any Error)? {
    defer { exchange?.failure = nil }
    return job.failure.withLock { failure in
      defer { failure = nil }
      return failure?.error
    } ?? exchange?.failure
  }

  private func run(item: Int, member: Int) throws {
    switch job.kind {
    case .forward: try runForward(slice: job.running.lowerBound + item, member)
    case .backward where item < job.running.count: try runBackward(slice: job.running.lowerBound + item, member)
    case .backward:
      let (step, block) = block(item - job.running.count, of: job.pending)
      try steps[step].operation.parameterGradients(passOfBlocks(step, member: member), block: block)
    case .prepare:
      let (step, block) = block(item, of: job.preparing)
      try steps[step].operation.prepare(pass(step, member: member), block: block)
    }
  }

  private func block(_ item: Int, of blocks: [(step: Int, blocks: Range<Int>)]) -> (step: Int, block: Int) {
    var item = item
    for (step, blocks) in blocks {
      if item < blocks.count { return (step, blocks.lowerBound + item) }
      item -= blocks.count
    }
    preconditionFailure("There are fewer blocks than items.")
  }

  private func runForward(slice: Int, _ member: Int) throws {
    let rows = job.slices[slice]
    for index in job.steps {
      let pass = pass(index, rows, slice: slice, member: member)
      try steps[index].operation.forward(pass)
      clear(pass.output - rows.lowerBound * pass.outputLength, ofValue: steps[index].output, rows)
    }
    guard let index = job.collecting else { return }
    reductions[index]!.collect(pass(index, rows, slice: slice, member: member))
  }

  private func runBackward(slice: Int, _ member: Int) throws {
    let rows = job.slices[slice]
    for index in job.steps.reversed() {
      let pass = passBackward(index, rows, slice: slice, member: member)
      // A reduction that collected has brought its gradient along.
      if reductions[index]?.reducesBackward(pass.forward) != true { prepareGradient(index, rows) }
      try steps[index].operation.backward(pass)
      finishGradient(index, pass, rows)
    }
    guard let index = job.collecting else { return }
    prepareGradient(index, rows)
    reductions[index]!.collect(passBackward(index, rows, slice: slice, member: member))
  }

  /// Brings the gradient of a step's output to where its backward may change it.
  func prepareGradient(_ index: Int, _ rows: Range<Int>) {
    let step = steps[index]
    let length = lengths[step.output]
    var gradient = arena.start + gradientOffsets[step.output]
    if copiedGradients[index] >= 0 {
      let copy = arena.start + copiedGradients[index]
      (copy + rows.lowerBound * length).update(from: gradient + rows.lowerBound * length, count: rows.count * length)
      gradient = copy
    }
    clear(gradient, ofValue: step.output, rows)
  }

  /// Adds gradients that do not lie where they are needed.
  func finishGradient(_ index: Int, _ pass: BackwardPass, _ rows: Range<Int>) {
    let step = steps[index]
    if inputGradients[index].isAdded, let gradient = pass.inputGradient { add(gradient, to: step.input, rows) }
    if addsToAddend[index], let addend = step.addend { add(pass.outputGradient, to: addend, rows) }
  }

  /// Adds to the gradient of a value in some rows.
  private func add(_ gradient: UnsafeMutablePointer<Float>, to value: Int, _ rows: Range<Int>) {
    let sum = arena.start + gradientOffsets[value] + rows.lowerBound * lengths[value]
    ek_add(sum, gradient, rows.count * lengths[value], sum, 1)
  }

  /// Sets everything after the end of each sequence to 0, in values and in gradients; `values` are those of the whole batch.
  func clear(_ values: UnsafeMutablePointer<Float>, ofValue value: Int, _ rows: Range<Int>) {
    guard job.call.weights.lengths != nil, let positions = sequences.positions(ofValue: value) else { return }
    ek_clear_behind(
      values + rows.lowerBound * lengths[value], sequences.lengths(ofValue: value) + rows.lowerBound, rows.count,
      positions, lengths[value] / positions)
  }

  // ---- passes ---------------------------------------------------------------------------------------------------------

  /// The pass of the whole batch.
  func pass(_ index: Int, member: Int = 0) -> ForwardPass {
    pass(index, 0..<job.call.rows, slice: 0, member: member)
  }

  func passBackward(_ index: Int, member: Int = 0) -> BackwardPass {
    passBackward(index, 0..<job.call.rows, slice: 0, member: member)
  }

  /// The pass of the whole batch for the gradients of parameters: what ranks have merged over slices is as if of one slice.
  private func passOfBlocks(_ index: Int, member: Int) -> BackwardPass {
    passBackward(
      index, 0..<job.call.rows, slice: 0, member: member, slices: exchange == nil ? nil : job.whole)
  }

  private func passBackward(
    _ index: Int, _ rows: Range<Int>, slice: Int, member: Int, slices: SliceBounds? = nil
  ) -> BackwardPass {
    let step = steps[index]
    let isCopied = copiedGradients[index] >= 0
    let gradient = arena.start + (isCopied ? copiedGradients[index] : gradientOffsets[step.output])
    let input = inputGradients[index].offset
    return BackwardPass(
      pass(index, rows, slice: slice, member: member, slices: slices),
      outputGradient: gradient + rows.lowerBound * lengths[step.output],
      inputGradient: input < 0 ? nil : arena.start + input + rows.lowerBound * lengths[step.input],
      gradients: job.call.gradients!)
  }

  private func pass(
    _ index: Int, _ rows: Range<Int>, slice: Int, member: Int, slices: SliceBounds? = nil
  ) -> ForwardPass {
    let step = steps[index]
    let call = job.call!
    let first = rows.lowerBound
    let (inputLength, outputLength) = (lengths[step.input], lengths[step.output])
    return ForwardPass(
      purpose: purpose, rows: rows.count, inputLength: inputLength, outputLength: outputLength,
      firstRow: call.firstRow + first,
      input: UnsafePointer(arena.start + valueOffsets[step.input] + first * inputLength),
      output: arena.start + valueOffsets[step.output] + first * outputLength,
      scratch: arena.start + scratchOffsets[index],
      sliceScratch: arena.start + sliceScratchOffsets[index] + slice * sliceScratchStrides[index],
      workspace: arena.start + workspaceOffset + member * workspaceStride, key: call.key.branch(index),
      statistics: call.statistics, slice: slice, member: member,
      slices: slices ?? (step.operation.takesSlices ? job.slices : job.whole),
      sliceScratchStride: sliceScratchStrides[index],
      weights: BatchWeights(
        weights: call.weights.weights.map { $0 + first },
        lengths: call.weights.lengths == nil ? nil : sequences.lengths(ofValue: step.input) + first),
      addend: step.addend.map { UnsafePointer(arena.start + valueOffsets[$0] + first * outputLength) },
      memory: call.state.memory(step.places), exchange: exchange,
      context: call.contexts.isEmpty ? nil : call.contexts[index])
  }
}
