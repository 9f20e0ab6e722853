extension Trainer {
  /// The bytes that training takes for the learned values besides the model itself: gradients, the optimizer's state,
  /// averages, and the copies in a checkpoint and in the best model so far.
  func learnedByteCount(_ layout: ParameterLayout) -> Int {
    let kept =
      (optimizer.keepsFirst ? 1 : 0) + (optimizer.keepsSecond ? 1 : 0) + (averaging == nil ? 0 : 1)
    let gradients = accumulating > 1 ? 2 : 1
    let rounded = precision == .bfloat16 ? 1 : 0
    let checkpoint = 1 + kept
    let judged = (patience == nil && metric == nil ? 0 : 1) + (averaging == nil ? 0 : 1)
    return (gradients + kept + rounded + checkpoint + judged) * layout.count * MemoryLayout<Float>.stride
  }

  /// Makes sure, before a model of `network` is made, that there is memory for it and for everything that training
  /// keeps of its learned values.
  /// - Throws: `EvenkeelError` with code `usage` for a network that is too large or whose layers do not fit each other.
  package func requireMemory(for network: Network) throws {
    let layout = try ParameterLayout(network)
    try Machine.requireMemory(
      layout.count * MemoryLayout<Float>.stride + learnedByteCount(layout),
      for: "Training a network of \(layout.learnedCount) learned values", code: .usage)
  }

  /// The bytes that a step on `batchSize` examples needs at least for values, gradients and statistics, without parameters.
  package func stepByteCount(of network: Network) throws -> Int {
    let layout = try ParameterLayout(network)
    let plan = plan(for: layout.network, examples: batchSize)
    let program = try Program(layout, maximumRows: plan.largestPart, purpose: .training, threads: threads)
    guard accumulating > 1, statistics == .whole else { return program.byteCount }
    return program.byteCount + (try WholeParts(program, plan: plan, layout: layout, mayKeep: false)).byteCount
  }
}
