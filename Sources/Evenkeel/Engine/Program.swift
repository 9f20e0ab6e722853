import Kernels

/// A network compiled for a purpose and a largest number of rows: steps over one planned arena.
///
/// It holds scratch memory and no parameters; those come with each call. One thread at a time may run it.
final class Program: @unchecked Sendable {
  let purpose: Purpose
  let maximumRows: Int
  let threads: Int
  private let steps: [Step]
  private let lengths: [Int]
  private let outputValue: Int
  private let arena: AlignedFloats
  /// Where each value, its gradient and each step's scratch starts in the arena.
  private let valueOffsets: [Int]
  private let gradientOffsets: [Int]
  private let scratchOffsets: [Int]

  init(
    _ network: Network, layout: ParameterLayout, maximumRows: Int, purpose: Purpose, threads: Int
  ) throws {
    let lowering = try Lowering(network, layout: layout, maximumRows: maximumRows)
    self.purpose = purpose
    self.maximumRows = maximumRows
    self.threads = threads
    steps = lowering.steps
    lengths = lowering.lengths
    outputValue = lowering.output
    let places = Places(steps, lengths, output: lowering.output, rows: maximumRows, purpose: purpose)
    let plan = MemoryPlan(places.buffers)
    arena = AlignedFloats(count: plan.count)
    valueOffsets = places.values.map { plan.offsets[$0] }
    gradientOffsets = places.gradients.map { $0 < 0 ? -1 : plan.offsets[$0] }
    scratchOffsets = places.scratch.map { plan.offsets[$0] }
  }

  /// The size of its memory in bytes.
  var byteCount: Int { arena.count * MemoryLayout<Float>.stride }
  /// Where the rows of input go.
  var input: UnsafeMutablePointer<Float> { arena.start + valueOffsets[0] }
  /// The rows that the last layer gave.
  var output: UnsafeMutablePointer<Float> { arena.start + valueOffsets[outputValue] }
  /// Where the gradient of the loss with respect to the output goes before `backward`.
  var outputGradient: UnsafeMutablePointer<Float> { arena.start + gradientOffsets[outputValue] }
  var inputLength: Int { lengths[0] }
  var outputLength: Int { lengths[outputValue] }

  /// A run over `rows` rows with the parameters and statistics of `state`.
  struct Call {
    let rows: Int
    let state: ModelState
    var gradients: UnsafeMutablePointer<Float>?
    var key = RandomKey(seed: 0)
    /// The part of a full batch that the rows are.
    var share = 1.0
  }

  func forward(_ call: Call) throws {
    precondition(call.rows > 0 && call.rows <= maximumRows)
    // A handful of rows is done before a second thread has woken.
    ek_set_team_size(Int32(teamSize(call)))
    for index in steps.indices {
      let step = steps[index]
      guard let operation = step.operation else {
        ek_add(
          arena.start + valueOffsets[step.input], arena.start + valueOffsets[step.shortcut!],
          call.rows * lengths[step.output], arena.start + valueOffsets[step.output], Int32(teamSize(call)))
        continue
      }
      try operation.forward(pass(index, call))
    }
  }

  func backward(_ call: Call) throws {
    for index in steps.indices.reversed() {
      let step = steps[index]
      if let operation = step.operation {
        try operation.backward(pass(index, call))
      } else {
        (arena.start + gradientOffsets[step.input]).update(
          from: arena.start + gradientOffsets[step.output], count: call.rows * lengths[step.output])
      }
      guard gradientOffsets[step.input] >= 0 else { continue }
      let gradient = arena.start + gradientOffsets[step.input]
      for value in step.addedGradients {
        ek_add(
          gradient, arena.start + gradientOffsets[value], call.rows * lengths[step.input], gradient, Int32(threads))
      }
    }
  }

  /// Folds what the last `forward` saw into the running statistics of `call.state`.
  func commit(_ call: Call) {
    for index in steps.indices { steps[index].operation?.commit(pass(index, call)) }
  }

  /// The first step whose output holds a value that is not finite.
  func firstNonFinite(rows: Int) -> String? {
    steps.first { step in
      ek_first_non_finite(arena.start + valueOffsets[step.output], rows * lengths[step.output], 1) >= 0
    }?.name
  }

  private func teamSize(_ call: Call) -> Int { purpose == .prediction && call.rows < 16 ? 1 : threads }

  private func pass(_ index: Int, _ call: Call) -> Pass {
    let step = steps[index]
    return Pass(
      purpose: purpose, rows: call.rows, inputLength: lengths[step.input], outputLength: lengths[step.output],
      input: arena.start + valueOffsets[step.input], output: arena.start + valueOffsets[step.output],
      outputGradient: gradientOffsets[step.output] < 0 ? nil : arena.start + gradientOffsets[step.output],
      inputGradient: gradientOffsets[step.input] < 0 ? nil : arena.start + gradientOffsets[step.input],
      scratch: arena.start + scratchOffsets[index], key: call.key.branch(index), threads: teamSize(call),
      share: call.share, parameters: call.state.parameters.start, parameterGradients: call.gradients,
      parameterOffsets: step.parameterOffsets, statistics: step.statistics.map { call.state.statistics($0) })
  }
}

/// Which buffer each value, gradient and scratch uses, and when each buffer holds something.
///
/// Time: forward of step i is i, the loss is n, backward of step i is 2n − i, the commit is 2n + 1.
private struct Places {
  private(set) var buffers: [MemoryPlan.Buffer] = []
  private(set) var values: [Int]
  private(set) var gradients: [Int]
  private(set) var scratch: [Int] = []

  init(_ steps: [Step], _ lengths: [Int], output: Int, rows: Int, purpose: Purpose) {
    let n = steps.count
    let training = purpose == .training
    values = Array(repeating: -1, count: lengths.count)
    gradients = values
    // The last time at which each value is read.
    var lastRead = [Int](repeating: 0, count: lengths.count)
    lastRead[output] = n
    for (index, step) in steps.enumerated() {
      lastRead[step.input] = max(lastRead[step.input], index)
      if let shortcut = step.shortcut { lastRead[shortcut] = max(lastRead[shortcut], index) }
      guard training, let reads = step.operation?.backwardReads else { continue }
      if reads.contains(.input) { lastRead[step.input] = max(lastRead[step.input], 2 * n - index) }
      if reads.contains(.output) { lastRead[step.output] = max(lastRead[step.output], 2 * n - index) }
    }
    values[0] = add(lengths[0] * rows, from: -1, to: lastRead[0])
    for (index, step) in steps.enumerated() {
      // The input's buffer is free for the output where this step is the last to read it.
      let inPlace = step.operation?.worksInPlace ?? true
      if inPlace, step.input != 0, lastRead[step.input] == index, lengths[step.input] == lengths[step.output] {
        values[step.output] = values[step.input]
        extend(values[step.output], to: max(index, lastRead[step.output]))
      } else {
        values[step.output] = add(lengths[step.output] * rows, from: index, to: max(index, lastRead[step.output]))
      }
      scratch.append(add(step.operation?.scratchCount ?? 0, from: index, to: training ? 2 * n + 1 : index))
    }
    guard training else { return }
    // A gradient holds from the backward of its value's consumer to that of its producer, and past a residual block to
    // the backward of the block's first step.
    var lastNeeded = [Int](repeating: 0, count: lengths.count)
    for (index, step) in steps.enumerated() {
      lastNeeded[step.output] = max(lastNeeded[step.output], 2 * n - index)
      for value in step.addedGradients { lastNeeded[value] = max(lastNeeded[value], 2 * n - index) }
    }
    gradients[output] = add(lengths[output] * rows, from: n, to: lastNeeded[output])
    for (index, step) in steps.enumerated().reversed() where step.input != 0 {
      let time = 2 * n - index
      if step.operation?.backwardWorksInPlace == true, lastNeeded[step.output] == time,
        lengths[step.input] == lengths[step.output]
      {
        gradients[step.input] = gradients[step.output]
        extend(gradients[step.input], to: lastNeeded[step.input])
      } else {
        gradients[step.input] = add(lengths[step.input] * rows, from: time, to: lastNeeded[step.input])
      }
    }
  }

  private mutating func add(_ count: Int, from first: Int, to last: Int) -> Int {
    buffers.append(MemoryPlan.Buffer(count: count, first: first, last: last))
    return buffers.count - 1
  }

  private mutating func extend(_ buffer: Int, to last: Int) { buffers[buffer].last = max(buffers[buffer].last, last) }
}
