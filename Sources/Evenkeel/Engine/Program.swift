import Kernels
import Primitives

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
  /// Of one row.
  private let multiplyAdds: Int
  private let arena: AlignedFloats
  /// Where each value, its gradient and each step's scratch starts in the arena.
  private let valueOffsets: [Int]
  private let gradientOffsets: [Int]
  private let inputGradients: [(offset: Int, isAdded: Bool)]
  private let scratchOffsets: [Int]

  init(
    _ network: Network, layout: ParameterLayout, maximumRows: Int, purpose: Purpose, threads: Int
  ) throws {
    multiplyAdds = try network.leaves().reduce(0) { $0 + $1.multiplyAdds }
    self.purpose = purpose
    self.maximumRows = maximumRows
    self.threads = threads
    let team = Self.teamSize(rows: maximumRows, multiplyAdds: multiplyAdds, purpose: purpose, threads: threads)
    ek_set_team_size(Int32(team))
    let lowering = try Lowering(network, layout: layout, maximumRows: maximumRows, purpose: purpose)
    steps = lowering.steps
    lengths = lowering.lengths
    outputValue = lowering.output
    let places = Places(steps, lengths, output: lowering.output, rows: maximumRows, purpose: purpose)
    let plan = MemoryPlan(places.buffers)
    arena = AlignedFloats(count: plan.count)
    valueOffsets = places.values.map { plan.offsets[$0] }
    gradientOffsets = places.gradients.map { $0 < 0 ? -1 : plan.offsets[$0] }
    inputGradients = places.inputGradients.map { ($0.buffer < 0 ? -1 : plan.offsets[$0.buffer], $0.isAdded) }
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
    ek_set_team_size(Int32(teamSize(call)))
    for index in steps.indices { try steps[index].operation.forward(pass(index, call)) }
  }

  func backward(_ call: Call) throws {
    for index in steps.indices.reversed() {
      let step = steps[index]
      let pass = pass(index, call)
      try step.operation.backward(pass)
      guard inputGradients[index].isAdded else { continue }
      let sum = arena.start + gradientOffsets[step.input]
      ek_add(sum, pass.inputGradient!, call.rows * lengths[step.input], sum, Int32(threads))
    }
  }

  /// Folds what the last `forward` saw into the running statistics of `call.state`.
  func commit(_ call: Call) {
    for index in steps.indices { steps[index].operation.commit(pass(index, call)) }
  }

  /// The first step whose output holds a value that is not finite.
  func firstNonFinite(rows: Int) -> String? {
    steps.first { step in
      ek_first_non_finite(arena.start + valueOffsets[step.output], rows * lengths[step.output], 1) >= 0
    }?.name
  }

  private func teamSize(_ call: Call) -> Int {
    Self.teamSize(rows: call.rows, multiplyAdds: multiplyAdds, purpose: purpose, threads: threads)
  }

  /// A little is predicted before a second thread has woken.
  private static func teamSize(rows: Int, multiplyAdds: Int, purpose: Purpose, threads: Int) -> Int {
    purpose == .prediction && rows * multiplyAdds < 4_000_000 ? 1 : threads
  }

  private func pass(_ index: Int, _ call: Call) -> Pass {
    let step = steps[index]
    return Pass(
      purpose: purpose, rows: call.rows, inputLength: lengths[step.input], outputLength: lengths[step.output],
      input: arena.start + valueOffsets[step.input], output: arena.start + valueOffsets[step.output],
      outputGradient: gradientOffsets[step.output] < 0 ? nil : arena.start + gradientOffsets[step.output],
      inputGradient: inputGradients[index].offset < 0 ? nil : arena.start + inputGradients[index].offset,
      scratch: arena.start + scratchOffsets[index], key: call.key.branch(index), threads: teamSize(call),
      addend: step.addend.map { arena.start + valueOffsets[$0] }, share: call.share,
      parameters: call.state.parameters.start, parametersVersion: call.state.version,
      parameterGradients: call.gradients,
      parameterOffsets: step.parameterOffsets, statistics: step.statistics.map { call.state.statistics($0) })
  }
}
