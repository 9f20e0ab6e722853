import Synchronization

/// What a model learned: one buffer of parameters, one of running statistics, the batch counts. Copied before a write when
/// shared.
package final class ModelState: @unchecked Sendable {
  package let layout: ParameterLayout
  package let parameters: AlignedFloats
  let runningStatistics: AlignedFloats
  let batchCounts: UnsafeMutablePointer<Int>
  /// A number that no other state has and that changes with the parameters and statistics.
  package private(set) var version = ModelState.nextVersion()

  private static let versions = Atomic<UInt64>(0)
  private static func nextVersion() -> UInt64 { versions.wrappingAdd(1, ordering: .relaxed).newValue }

  /// To be called by whoever has written to the state.
  package func noteChange() { version = Self.nextVersion() }

  /// - Throws: `EvenkeelError` with code `usage` if there is not the memory for so many values.
  init(_ layout: ParameterLayout) throws {
    self.layout = layout
    parameters = try AlignedFloats(
      count: layout.count, for: "A network of \(layout.learnedCount) learned values", code: .usage)
    runningStatistics = AlignedFloats(count: layout.statisticsCount)
    batchCounts = .allocate(capacity: max(layout.statistics.count, 1))
    batchCounts.initialize(repeating: 0, count: max(layout.statistics.count, 1))
    // Before a batch was seen a layer predicts with mean 0 and variance 1.
    for entry in layout.statistics {
      (runningStatistics.start + entry.offset + entry.features).update(repeating: 1, count: entry.features)
    }
  }

  /// - Throws: `EvenkeelError` with code `data` if there is not the memory.
  package init(copying other: ModelState) throws {
    layout = other.layout
    parameters = try AlignedFloats(
      copying: other.parameters, for: "A copy of the network's \(other.layout.learnedCount) learned values")
    runningStatistics = AlignedFloats(copying: other.runningStatistics)
    batchCounts = .allocate(capacity: max(layout.statistics.count, 1))
    batchCounts.initialize(from: other.batchCounts, count: max(layout.statistics.count, 1))
  }

  /// A state with the same parameters, and running statistics of its own.
  init(sharingParametersOf other: ModelState) {
    layout = other.layout
    parameters = other.parameters
    runningStatistics = AlignedFloats(copying: other.runningStatistics)
    batchCounts = .allocate(capacity: max(layout.statistics.count, 1))
    batchCounts.initialize(from: other.batchCounts, count: max(layout.statistics.count, 1))
  }

  /// Takes over the running statistics of `other`.
  func copyStatistics(from other: ModelState) {
    runningStatistics.start.update(from: other.runningStatistics.start, count: runningStatistics.count)
    batchCounts.update(from: other.batchCounts, count: layout.statistics.count)
  }

  deinit { batchCounts.deallocate() }

  /// Draws the parameters: the same seed, the same bits.
  func initialize(seed: UInt64) {
    defer { noteChange() }
    let key = RandomKey(seed: seed).branch(RandomStream.initialization)
    for (index, entry) in layout.entries.enumerated() {
      let values = UnsafeMutableBufferPointer(start: parameters.start + entry.offset, count: entry.count)
      let deviation: Double
      switch entry.description.start {
      case .constant(let value):
        values.update(repeating: value)
        continue
      case .normal(let given): deviation = given
      case .weights(let initialization, let inputs, let outputs):
        deviation = initialization.deviation(inputs: inputs, outputs: outputs)
      }
      var random = RandomNumbers(key.branch(index))
      for position in values.indices { values[position] = Float(deviation * random.normal()) }
    }
  }

  package func statistics(_ index: Int) -> RunningStatisticsView {
    let entry = layout.statistics[index]
    let mean = runningStatistics.start + entry.offset
    return RunningStatisticsView(
      features: entry.features, mean: mean, variance: mean + entry.features, batchCount: batchCounts + index)
  }
}
