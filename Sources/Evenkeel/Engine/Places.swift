/// Which buffer each value, gradient and scratch uses, and when each buffer is in use.
///
/// Time: forward of step i is i, the loss is n, backward of step i is 2n − i, the commit is 2n + 1. As slices run at once,
/// a buffer is in use for whole phases.
struct Places {
  private(set) var buffers: [MemoryPlan.Buffer] = []
  /// The buffer of each value.
  private(set) var values: [Int]
  /// The buffer of each value's gradient; −1 if it has none.
  private(set) var gradients: [Int]
  private(set) var scratch: [Int] = []
  /// The buffer that any step may use during a call.
  private(set) var workspace = -1
  /// Where each step's backward writes the gradient of its input, and whether it is then added to the value's gradient
  /// from a later step that also reads the value.
  private(set) var inputGradients: [InputGradient]

  /// The buffer to which each step first copies the gradient of its output; −1 if no copy is needed.
  private(set) var copiedGradients: [Int]
  /// Whether the gradient of each step's output is added to its addend's from a later step that also reads the addend.
  private(set) var addsToAddend: [Bool]

  struct InputGradient {
    var buffer = -1
    var isAdded = false
  }

  /// The workspaces of all members, `workspaceStride` floats each, and the scratch of each step with that of its slices,
  /// which begins `scratchCount`, and lies `sliceScratchStride` floats apart.
  let workspaceStride: Int
  let scratchCount, sliceScratchStride: [Int]
  /// The buffer of the slices' scratch that is added; −1 if there is none. A slice's of all steps lies together, each step's at its place in
  /// `addedScratch`, which is nil for other steps.
  private(set) var added = -1
  let addedScratch: [Int?]
  private let phases: Phases

  init(
    _ steps: [Step], _ lengths: [Int], output: Int, rows: Int, slices: Int, members: Int, purpose: Purpose,
    phases: Phases
  ) {
    let n = steps.count
    self.phases = phases
    workspaceStride = Self.rounded(steps.map(\.operation.workspaceCount).max() ?? 0)
    scratchCount = steps.map { Self.rounded($0.operation.scratchCount) }
    let sliceScratch = steps.map { Self.rounded($0.operation.sliceScratchCount) }
    var addedCount = 0
    let places: [Int?] = zip(steps, sliceScratch).map { step, count in
      guard step.operation.addsSliceScratch else { return nil }
      defer { addedCount += count }
      return addedCount
    }
    addedScratch = places
    sliceScratchStride = zip(places, sliceScratch).map { $0 == nil ? $1 : addedCount }
    values = Array(repeating: -1, count: lengths.count)
    gradients = values
    inputGradients = Array(repeating: InputGradient(), count: n)
    addsToAddend = Array(repeating: false, count: n)
    copiedGradients = Array(repeating: -1, count: n)
    workspace = add(workspaceStride * members, from: -1, to: 2 * n + 1)
    if let first = addedScratch.firstIndex(where: { $0 != nil }) {
      added = add(slices * addedCount, from: first, to: 2 * n + 1)
    }
    placeValues(steps, lengths, output: output, rows: rows, slices: slices, training: purpose == .training)
    if purpose == .training { placeGradients(steps, lengths, output: output, rows: rows) }
  }

  private static func rounded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  private mutating func placeValues(
    _ steps: [Step], _ lengths: [Int], output: Int, rows: Int, slices: Int, training: Bool
  ) {
    let n = steps.count
    // The last time at which each value is read.
    var lastRead = [Int](repeating: 0, count: lengths.count)
    lastRead[output] = n
    for (index, step) in steps.enumerated() {
      for value in [step.input, step.addend].compactMap(\.self) { lastRead[value] = max(lastRead[value], index) }
      guard training else { continue }
      let reads = step.operation.backwardReads
      if reads.contains(.input) { lastRead[step.input] = max(lastRead[step.input], 2 * n - index) }
      if reads.contains(.output) { lastRead[step.output] = max(lastRead[step.output], 2 * n - index) }
    }
    values[0] = add(lengths[0] * rows, from: -1, to: lastRead[0])
    for (index, step) in steps.enumerated() {
      // The input's buffer is free for the output if this step is the last to read it.
      let end = max(index, lastRead[step.output])
      if step.operation.worksInPlace, step.input != 0, lastRead[step.input] == index,
        lengths[step.input] == lengths[step.output]
      {
        values[step.output] = values[step.input]
        extend(values[step.output], to: end)
      } else {
        values[step.output] = add(lengths[step.output] * rows, from: index, to: end)
      }
      let ofSlices = addedScratch[index] == nil ? slices * sliceScratchStride[index] : 0
      scratch.append(add(scratchCount[index] + ofSlices, from: index, to: training ? 2 * n + 1 : index))
    }
  }

  /// A value's gradient is kept from the backward of the last step that reads it to the backward of the step that makes
  /// it.
  private mutating func placeGradients(_ steps: [Step], _ lengths: [Int], output: Int, rows: Int) {
    let n = steps.count
    var lastNeeded = [Int](repeating: 0, count: lengths.count)
    for (index, step) in steps.enumerated() { lastNeeded[step.output] = 2 * n - index }
    /// Whether anything besides the gradients of `own` still needs the contents of `buffer` after `time`.
    func isShared(_ buffer: Int, beside own: [Int], after time: Int) -> Bool {
      gradients.indices.contains { gradients[$0] == buffer && !own.contains($0) && lastNeeded[$0] > time }
    }
    func requireUnshared(_ value: Int, _ time: Int) {
      precondition(
        !isShared(gradients[value], beside: [value], after: time), "A gradient is added to while it is shared.")
    }
    gradients[output] = add(lengths[output] * rows, from: n, to: lastNeeded[output])
    for (index, step) in steps.enumerated().reversed() {
      let time = 2 * n - index
      var given = gradients[step.output]
      // Copied if others still need it: the addend shares the gradient of the output, and some operations change it; and
      // the gradients of parameters read it later, when others may have added to it.
      if step.addend != nil || step.operation.gradientBlocks > 0, isShared(given, beside: [step.output], after: time) {
        given = add(lengths[step.output] * rows, from: time, to: time)
        copiedGradients[index] = given
      }
      if let addend = step.addend, addend != 0 {
        if gradients[addend] < 0 {
          gradients[addend] = given
          extend(given, to: lastNeeded[addend])
        } else {
          requireUnshared(addend, time)
          addsToAddend[index] = true
        }
      }
      let input = step.input
      guard input != 0 else { continue }
      let fits = lengths[input] == lengths[step.output]
      if gradients[input] >= 0 {
        requireUnshared(input, time)
        inputGradients[index] = InputGradient(buffer: add(lengths[input] * rows, from: time, to: time), isAdded: true)
      } else if fits,
        step.operation.passesGradient
          || (step.operation.backwardWorksInPlace && !isShared(given, beside: [step.output], after: time))
      {
        gradients[input] = given
        extend(given, to: lastNeeded[input])
        inputGradients[index].buffer = given
      } else {
        gradients[input] = add(lengths[input] * rows, from: time, to: lastNeeded[input])
        inputGradients[index].buffer = gradients[input]
      }
    }
  }

  private mutating func add(_ count: Int, from first: Int, to last: Int) -> Int {
    buffers.append(
      MemoryPlan.Buffer(count: count, first: first < 0 ? -1 : phases.first[first], last: phases.last[last]))
    return buffers.count - 1
  }

  private mutating func extend(_ buffer: Int, to last: Int) {
    buffers[buffer].last = max(buffers[buffer].last, phases.last[last])
  }
}
