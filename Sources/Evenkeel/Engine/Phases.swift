/// Which steps run in one phase: one slice goes through all of them while it is in the cache, several slices at once. All
/// slices have ended a phase before the next one begins.
///
/// A phase ends where rows meet: at a reduction, after whose merge the same step opens the next phase, at a step that takes
/// no slices, and before a second step with weights, so that there are not more values in use at once than with norms. The
/// gradients of parameters are computed in the phase after the one in which the gradients of the step's output are.
struct Phases {
  /// Whether a phase ends before each step, forward and backward.
  private(set) var endsBefore: [Bool]
  private(set) var endsBeforeBackward: [Bool]
  /// The first and the last phase of a time (see `Places`): forward of step i is i, the loss is n, backward of step i is
  /// 2n − i, the commit is 2n + 1.
  private(set) var first: [Int]
  private(set) var last: [Int]

  init(_ steps: [Step]) {
    let n = steps.count
    endsBefore = Array(repeating: false, count: n)
    endsBeforeBackward = endsBefore
    first = Array(repeating: 0, count: 2 * n + 2)
    last = first
    var phase = 0
    var hasWeights = false
    /// Enters a step; returns whether a phase ends before it.
    func enter(_ operation: any LayerOperation, _ time: Int) -> Bool {
      let reduces = operation is any BatchReduction
      let ends = reduces || !operation.takesSlices || (hasWeights && operation.gradientBlocks > 0)
      first[time] = phase
      if ends {
        phase += 1
        hasWeights = false
        // A reduction collects in the phase before.
        if !reduces { first[time] = phase }
      }
      last[time] = phase
      hasWeights = hasWeights || operation.gradientBlocks > 0
      if !operation.takesSlices {
        phase += 1
        hasWeights = false
      }
      return ends
    }
    for (index, step) in steps.enumerated() { endsBefore[index] = enter(step.operation, index) }
    phase += 1
    (first[n], last[n]) = (phase, phase)
    phase += 1
    hasWeights = false
    for (index, step) in steps.enumerated().reversed() {
      endsBeforeBackward[index] = enter(step.operation, 2 * n - index)
      if step.operation.gradientBlocks > 0 { last[2 * n - index] += 1 }
    }
    (first[2 * n + 1], last[2 * n + 1]) = (phase + 1, phase + 1)
    // What is in use until a time is in use for those before it, too.
    for time in 1..<last.count { last[time] = max(last[time], last[time - 1]) }
  }
}
