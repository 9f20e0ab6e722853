import Kernels
import Primitives

/// A network compiled for a purpose and a largest number of rows: steps over one planned arena.
///
/// It holds scratch memory but no parameters; those come with each call. Only one thread at a time may run it.
package final class Program: @unchecked Sendable {
  let purpose: Purpose
  let maximumRows: Int
  let threads: Int
  let steps: [Step]
  let lengths: [Int]
  let outputValue: Int
  private let sequences: Sequences
  /// Of one row.
  private let multiplyAdds: Int
  let arena: AlignedFloats
  /// Where each value, its gradient and each step's scratch start in the arena.
  let valueOffsets: [Int]
  let gradientOffsets: [Int]
  private let copiedGradients: [Int]
  private let addsToAddend: [Bool]
  private let inputGradients: [(offset: Int, isAdded: Bool)]
  private let scratchOffsets: [Int]
  private let workspaceOffset: Int

  /// - Parameter network: That of `layout`, or one whose layers stand at the same paths; nil: that of `layout`.
  package init(
    _ layout: ParameterLayout, network: PlacedNetwork? = nil, maximumRows: Int, purpose: Purpose,
    precision: Precision = .float32, threads: Int
  ) throws {
    let network = network ?? layout.network
    multiplyAdds = network.layers.reduce(0) { $0 + $1.multiplyAdds }
    self.purpose = purpose
    self.maximumRows = maximumRows
    self.threads = threads
    let team = Self.teamSize(rows: maximumRows, multiplyAdds: multiplyAdds, purpose: purpose, threads: threads)
    _ = ek_set_team_size(Int32(team))
    let lowering = try Lowering(
      network, layout: layout, maximumRows: maximumRows, purpose: purpose, precision: precision)
    steps = lowering.steps
    lengths = lowering.lengths
    outputValue = lowering.output
    sequences = Sequences(lowering.sequences, rows: maximumRows)
    let places = Places(steps, lengths, output: lowering.output, rows: maximumRows, purpose: purpose)
    let plan = MemoryPlan(places.buffers)
    arena = try AlignedFloats(
      count: plan.count, for: "A batch of \(maximumRows) examples", code: .usage, remedy: "A smaller batch takes less.")
    valueOffsets = places.values.map { plan.offsets[$0] }
    gradientOffsets = places.gradients.map { $0 < 0 ? -1 : plan.offsets[$0] }
    inputGradients = places.inputGradients.map { ($0.buffer < 0 ? -1 : plan.offsets[$0.buffer], $0.isAdded) }
    copiedGradients = places.copiedGradients.map { $0 < 0 ? -1 : plan.offsets[$0] }
    addsToAddend = places.addsToAddend
    scratchOffsets = places.scratch.map { plan.offsets[$0] }
    workspaceOffset = plan.offsets[places.workspace]
  }

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

  package func forward(_ call: Call) throws { try forward(call, observe: nil) }

  func forward(_ call: Call, observe: Observer?) throws { try forward(call, steps.indices, observe: observe) }

  /// Runs some of the steps; their values are then where later steps read them.
  func forward(_ call: Call, _ range: Range<Int>, observe: Observer? = nil) throws {
    precondition(call.rows > 0 && call.rows <= maximumRows)
    _ = ek_set_team_size(Int32(teamSize(call)))
    if range.lowerBound == 0 {
      try takeLengths(call)
      clear(input, ofValue: 0, call)
    }
    for index in range {
      let pass = pass(index, call)
      observe?(steps[index], pass, .before)
      try steps[index].operation.forward(pass)
      clear(pass.output, ofValue: steps[index].output, call)
      observe?(steps[index], pass, .after)
    }
  }

  /// Tells the values between steps how long the sequences of `call` are.
  func takeLengths(_ call: Call) throws {
    if call.weights.lengths != nil { try sequences.take(call.weights, rows: call.rows) }
  }

  /// The lengths of the input sequences of step `index`; nil if all are full.
  func lengths(ofStep index: Int, _ call: Call) -> UnsafePointer<Int32>? {
    call.weights.lengths == nil ? nil : sequences.lengths(ofValue: steps[index].input)
  }

  /// Sets everything after the end of each sequence to 0, in values and in gradients.
  private func clear(_ values: UnsafeMutablePointer<Float>, ofValue value: Int, _ call: Call) {
    guard call.weights.lengths != nil, let positions = sequences.positions(ofValue: value) else { return }
    ek_clear_behind(values, sequences.lengths(ofValue: value), call.rows, positions, lengths[value] / positions)
  }

  package func backward(_ call: Call) throws { try backward(call, steps.indices) }

  /// Runs some of the steps backward, last first.
  func backward(_ call: Call, _ range: Range<Int>) throws {
    _ = ek_set_team_size(Int32(teamSize(call)))
    for index in range.reversed() {
      let step = steps[index]
      let pass = passBackward(index, call)
      try step.operation.backward(pass)
      if inputGradients[index].isAdded, let gradient = pass.inputGradient { add(gradient, to: step.input, call.rows) }
      if addsToAddend[index], let addend = step.addend { add(pass.outputGradient, to: addend, call.rows) }
    }
  }

  /// The backward pass of step `index`.
  func passBackward(_ index: Int, _ call: Call) -> BackwardPass {
    let step = steps[index]
    let isCopied = copiedGradients[index] >= 0
    let gradient = arena.start + (isCopied ? copiedGradients[index] : gradientOffsets[step.output])
    if isCopied {
      gradient.update(from: arena.start + gradientOffsets[step.output], count: call.rows * lengths[step.output])
    }
    clear(gradient, ofValue: step.output, call)
    let input = inputGradients[index].offset
    return BackwardPass(
      pass(index, call), outputGradient: gradient, inputGradient: input < 0 ? nil : arena.start + input,
      gradients: call.gradients!)
  }

  /// Adds to the gradient of a value.
  private func add(_ gradient: UnsafeMutablePointer<Float>, to value: Int, _ rows: Int) {
    let sum = arena.start + gradientOffsets[value]
    ek_add(sum, gradient, rows * lengths[value], sum, Int32(threads))
  }

  /// Folds the statistics of the last `forward` into the running ones of `call.state`.
  func commit(_ call: Call) {
    for index in steps.indices { steps[index].operation.commit(CommitPass(pass(index, call))) }
  }

  /// The first step with an output value that is not finite.
  func firstNonFinite(rows: Int) -> String? {
    steps.first { step in
      ek_first_non_finite(arena.start + valueOffsets[step.output], rows * lengths[step.output], 1) >= 0
    }?.name
  }

  private func teamSize(_ call: Call) -> Int {
    Self.teamSize(rows: call.rows, multiplyAdds: multiplyAdds, purpose: purpose, threads: threads)
  }

  /// A small prediction is done before a second thread has woken.
  private static func teamSize(rows: Int, multiplyAdds: Int, purpose: Purpose, threads: Int) -> Int {
    purpose == .prediction && rows * multiplyAdds < 4_000_000 ? 1 : threads
  }

  private func pass(_ index: Int, _ call: Call) -> ForwardPass {
    let step = steps[index]
    return ForwardPass(
      purpose: purpose, rows: call.rows, inputLength: lengths[step.input], outputLength: lengths[step.output],
      firstRow: call.firstRow, input: UnsafePointer(arena.start + valueOffsets[step.input]),
      output: arena.start + valueOffsets[step.output], scratch: arena.start + scratchOffsets[index],
      workspace: arena.start + workspaceOffset, key: call.key.branch(index), threads: teamSize(call),
      statistics: call.statistics,
      weights: BatchWeights(
        weights: call.weights.weights,
        lengths: call.weights.lengths == nil ? nil : sequences.lengths(ofValue: step.input)),
      addend: step.addend.map { UnsafePointer(arena.start + valueOffsets[$0]) },
      memory: call.state.memory(parameters: step.parameterOffsets, buffers: step.bufferOffsets),
      context: call.contexts.isEmpty ? nil : call.contexts[index])
  }
}

extension Program.Call {
  /// A training run of a whole batch without randomness.
  package init(rows: Int, state: ModelState, gradients: UnsafeMutablePointer<Float>) {
    self.init(rows: rows, state: state, gradients: gradients, statistics: .batch(share: 1))
  }
}
