import Kernels

/// A network compiled for a purpose and a largest number of rows: steps over one planned arena.
///
/// It holds scratch memory but no parameters; those come with each call. Only one thread at a time may run it.
package final class Program: @unchecked Sendable {
  let purpose: Purpose
  let maximumRows: Int
  /// Whether its steps may carry out several layers.
  let fuses: Bool
  /// The largest team that runs it.
  let threads: Int
  /// The team that runs it now; results do not depend on it.
  var team: Int
  let steps: [Step]
  /// The steps whose rows meet; nil for the others.
  let reductions: [(any BatchReduction)?]
  let lengths: [Int]
  let outputValue: Int
  let sequences: Sequences
  /// Of one row.
  private let multiplyAdds: Int
  let phases: Phases
  private var slices: Slices
  /// The memory that it runs in. Another of the same size may take its place between two calls, to return later.
  var arena: AlignedFloats
  /// Where each value, its gradient and each step's scratch start in the arena.
  let valueOffsets: [Int]
  let gradientOffsets: [Int]
  let copiedGradients: [Int]
  let addsToAddend: [Bool]
  let inputGradients: [(offset: Int, isAdded: Bool)]
  let scratchOffsets, sliceScratchOffsets, sliceScratchStrides: [Int]
  let workspaceOffset, workspaceStride: Int
  /// The state whose parameters each step has prepared.
  private var prepared: [UInt64]
  /// What this rank exchanges with others; nil if it works alone.
  let exchange: SliceExchange?
  let job: Job

  /// - Parameters:
  ///   - network: That of `layout`, or one whose layers stand at the same paths; nil: that of `layout`.
  ///   - fuses: Whether steps may carry out several layers; otherwise there is one for every layer.
  package init(
    _ layout: ParameterLayout, network: PlacedNetwork? = nil, maximumRows: Int, purpose: Purpose,
    precision: Precision = .float32, fuses: Bool = true, threads: Int, communicator: (any Communicator)? = nil
  ) throws {
    let network = network ?? layout.network
    multiplyAdds = network.layers.reduce(0) { $0 + $1.multiplyAdds }
    self.purpose = purpose
    self.maximumRows = maximumRows
    self.fuses = fuses
    self.threads = threads
    team = threads
    exchange = communicator.map { SliceExchange($0) }
    slices = Slices(network, rows: maximumRows, purpose: purpose)
    let lowering = try Lowering(
      network, layout: layout, maximumRows: maximumRows, slices: slices, members: threads, purpose: purpose,
      precision: precision, fuses: fuses)
    steps = lowering.steps
    reductions = steps.map { $0.operation as? any BatchReduction }
    lengths = lowering.lengths
    outputValue = lowering.output
    sequences = Sequences(lowering.sequences, rows: maximumRows)
    phases = Phases(steps)
    prepared = Array(repeating: 0, count: steps.count)
    let places = Places(
      steps, lengths, output: lowering.output, rows: maximumRows, slices: slices.mostSlices, members: threads,
      purpose: purpose, phases: phases)
    let plan = MemoryPlan(places.buffers)
    arena = try AlignedFloats(
      count: plan.count, for: "A batch of \(maximumRows) examples", code: .usage, remedy: "A smaller batch takes less.")
    valueOffsets = places.values.map { plan.offsets[$0] }
    gradientOffsets = places.gradients.map { $0 < 0 ? -1 : plan.offsets[$0] }
    inputGradients = places.inputGradients.map { ($0.buffer < 0 ? -1 : plan.offsets[$0.buffer], $0.isAdded) }
    copiedGradients = places.copiedGradients.map { $0 < 0 ? -1 : plan.offsets[$0] }
    addsToAddend = places.addsToAddend
    scratchOffsets = places.scratch.map { plan.offsets[$0] }
    sliceScratchOffsets = steps.indices.map { index in
      let (buffer, place) =
        places.addedScratch[index].map { (places.added, $0) } ?? (places.scratch[index], places.scratchCount[index])
      return plan.offsets[buffer] + place
    }
    sliceScratchStrides = places.sliceScratchStride
    workspaceOffset = plan.offsets[places.workspace]
    workspaceStride = places.workspaceStride
    job = Job(steps: steps.count)
  }

  deinit { slices.deallocate() }

  /// The size of its memory in bytes.
  var byteCount: Int { arena.count * MemoryLayout<Float>.stride }
  /// Where the input rows go.
  package var input: UnsafeMutablePointer<Float> { arena.start + valueOffsets[0] }
  /// The rows of the last layer's output.
  package var output: UnsafeMutablePointer<Float> { arena.start + valueOffsets[outputValue] }
  /// Where the gradient of the loss with respect to the output goes before `backward`.
  package var outputGradient: UnsafeMutablePointer<Float> { arena.start + gradientOffsets[outputValue] }
  /// The input of step `index`.
  func input(ofStep index: Int) -> UnsafeMutablePointer<Float> { arena.start + valueOffsets[steps[index].input] }
  /// The output of step `index`.
  func output(ofStep index: Int) -> UnsafeMutablePointer<Float> { arena.start + valueOffsets[steps[index].output] }
  var inputLength: Int { lengths[0] }
  var outputLength: Int { lengths[outputValue] }

  /// The steps whose layers keep running statistics, in order.
  var statisticalSteps: [Int] {
    steps.indices.filter { steps[$0].layer?.layer.traits.contains(.runningStatistics) == true }
  }

  /// A run over `rows` rows with the parameters and statistics of `state`.
  package struct Call {
    let rows: Int
    var state: ModelState
    var gradients: UnsafeMutablePointer<Float>?
    var key = RandomKey(seed: 0)
    /// Which statistics norms normalize with.
    var statistics: NormStatistics
    /// The number of rows of the batch before these, if it comes in parts.
    var firstRow = 0
    /// What the parts of a batch share, for each step; empty for a batch in one part.
    var contexts: [(any StepContext)?] = []
    /// The weights of the examples, and the lengths of those that are shorter than their shape.
    var weights = BatchWeights()
  }

  /// Called before every step of a forward (its input is valid) and after it (its output is valid).
  typealias Observer = (_ step: Step, _ pass: ForwardPass, _ moment: Moment) -> Void
  enum Moment { case before, after }

  package func forward(_ call: Call) throws { try forward(call, steps.indices) }

  func forward(_ call: Call, observe: Observer?) throws { try forward(call, steps.indices, observe: observe) }

  /// Runs some of the steps; their values are then where later steps read them.
  func forward(_ call: Call, _ range: Range<Int>, observe: Observer? = nil) throws {
    precondition(call.rows > 0 && call.rows <= maximumRows)
    take(call)
    if range.lowerBound == 0 {
      try takeLengths(call)
      clear(input, ofValue: 0, 0..<call.rows)
    }
    try prepare(range)
    var start = range.lowerBound
    for index in range where phases.endsBefore[index] || observe != nil {
      let (step, whole) = (steps[index], pass(index))
      let reduction = reductions[index].flatMap { $0.reducesForward(whole) ? $0 : nil }
      try runForward(start..<index, collecting: reduction == nil ? nil : index)
      try reduction?.reduce(whole)
      start = index
      observe?(step, whole, .before)
      if !step.operation.takesSlices {
        try gatherInput(ofStep: index)
        try step.operation.forward(whole)
        clear(whole.output, ofValue: step.output, 0..<call.rows)
        start = index + 1
      } else if observe != nil {
        try runForward(index..<index + 1)
        start = index + 1
      }
      observe?(step, whole, .after)
    }
    try runForward(start..<range.upperBound)
  }

  package func backward(_ call: Call) throws { try backward(call, steps.indices) }

  /// Runs some of the steps backward, last first.
  func backward(_ call: Call, _ range: Range<Int>) throws {
    take(call)
    var end = range.upperBound
    for index in range.reversed() where phases.endsBeforeBackward[index] {
      let whole = passBackward(index)
      let reduction = reductions[index].flatMap { $0.reducesBackward(whole.forward) ? $0 : nil }
      try runBackward(index + 1..<end, collecting: reduction == nil ? nil : index)
      try reduction?.reduce(whole)
      end = index + 1
      if !steps[index].operation.takesSlices {
        try finishParameterGradients()
        prepareGradient(index, 0..<call.rows)
        try exchange?.gather(whole.outputGradient, floatsOfRow: whole.forward.outputLength)
        try steps[index].operation.backward(whole)
        finishGradient(index, whole, 0..<call.rows)
        end = index
      }
    }
    try runBackward(range.lowerBound..<end)
    try addSliceScratch()
    try finishParameterGradients()
  }

  /// Adds the parts of all slices to what reduction `index` collects backward, and leaves the merging to the caller.
  func collectBackward(_ index: Int, _ call: Call) throws {
    take(call)
    try runBackward(index..<index, collecting: index)
  }

  /// Remembers the call, and cuts its rows into slices.
  private func take(_ call: Call) {
    let slices = slices.cut(call.rows)
    exchange?.take(slices)
    job.take(call, slices, own: exchange?.own ?? 0..<slices.count)
  }

  /// The rows of a batch of `rows` rows that this rank computes.
  func ownRows(of rows: Int) -> Range<Int> {
    guard let exchange else { return 0..<rows }
    exchange.take(slices.cut(rows))
    return exchange.ownRows
  }

  /// Brings the rows of other ranks to the input of step `index`, and to what it adds.
  func gatherInput(ofStep index: Int) throws {
    guard let exchange else { return }
    for value in [steps[index].input, steps[index].addend].compactMap(\.self) {
      try exchange.gather(arena.start + valueOffsets[value], floatsOfRow: lengths[value])
    }
  }

  /// Brings the rows of other ranks to the output.
  func gatherOutput() throws { try exchange?.gather(output, floatsOfRow: outputLength) }

  /// The slices of a batch of `rows` rows, and the largest number of them.
  func slices(of rows: Int) -> SliceBounds { slices.cut(rows) }
  var mostSlices: Int { slices.mostSlices }

  /// Tells the values between steps how long the sequences of `call` are.
  func takeLengths(_ call: Call) throws {
    if call.weights.lengths != nil { try sequences.take(call.weights, rows: call.rows) }
  }

  /// The lengths of the input sequences of step `index`; nil if all are full.
  func lengths(ofStep index: Int, _ call: Call) -> UnsafePointer<Int32>? {
    call.weights.lengths == nil ? nil : sequences.lengths(ofValue: steps[index].input)
  }

  /// Lets steps derive from the parameters what they need, if these have changed.
  private func prepare(_ range: Range<Int>) throws {
    let version = job.call.state.version
    for index in range where prepared[index] != version {
      let blocks = steps[index].operation.preparationBlocks(pass(index))
      if blocks > 0 { job.preparing.append((index, 0..<blocks)) }
    }
    guard !job.preparing.isEmpty else { return }
    defer { job.preparing.removeAll(keepingCapacity: true) }
    try run(.prepare, items: job.preparing.reduce(0) { $0 + $1.blocks.count })
    for (index, _) in job.preparing { prepared[index] = version }
  }

  /// Folds the statistics of the last `forward` into the running ones of `call.state`.
  func commit(_ call: Call) {
    take(call)
    for index in steps.indices { steps[index].operation.commit(CommitPass(pass(index))) }
  }

  /// By the path of each batch norm: from its running statistics to those of the batch that was committed last; those without are left
  /// out. Valid until the next run.
  var shiftsOfLastBatch: [String: StatisticsShift] {
    statisticalSteps.reduce(into: [:]) { shifts, index in
      guard let norm = steps[index].operation as? BatchNormOperation, let layer = steps[index].layer else { return }
      shifts[layer.path] = norm.shift(CommitPass(pass(index)))
    }
  }

  /// The first step with an output value that is not finite, on any rank.
  /// - Throws: `EvenkeelError` with code `unavailable` if other ranks do not answer.
  func firstNonFinite(rows: Int) throws -> String? {
    let own = ownRows(of: rows)
    let first = steps.firstIndex { step in
      let length = lengths[step.output]
      return ek_first_non_finite(
        arena.start + valueOffsets[step.output] + own.lowerBound * length, own.count * length, 1) >= 0
    }
    guard let exchange else { return first.map { steps[$0].name } }
    // The first of all ranks is the one that has most steps after it.
    let following = try exchange.communicator.largest(Double(steps.count - (first ?? steps.count)))
    return following > 0 ? steps[steps.count - Int(following)].name : nil
  }

  /// A small prediction is done before a second thread has woken.
  var teamOfCall: Int {
    purpose == .prediction && job.call.rows * multiplyAdds < Self.smallPrediction ? 1 : min(team, threads)
  }

  private static let smallPrediction = 4_000_000
}

extension Program.Call {
  /// A training run of a whole batch without randomness.
  package init(rows: Int, state: ModelState, gradients: UnsafeMutablePointer<Float>) {
    self.init(rows: rows, state: state, gradients: gradients, statistics: .batch(share: 1))
  }
}
