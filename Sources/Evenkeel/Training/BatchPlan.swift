/// How the examples of an epoch are divided into batches, and a batch into the parts that are computed at once.
///
/// Batch sizes differ by at most one example. Batch norm's statistics are the reason: those of a few examples left over
/// at the end of an epoch are so noisy that their step, at the full learning rate, undoes much of what the epoch
/// learned (see `BatchNorm`).
struct BatchPlan {
  /// The batches of an epoch.
  let batches: Parts
  /// The largest number of examples in a part.
  private let partLimit: Int
  /// The smallest number in a part with separate statistics.
  private let partMinimum: Int
  /// The largest and smallest numbers of examples in a part, of any batch, with separate statistics. Others are no
  /// larger.
  private(set) var largestPart = 0, smallestPart = 0

  /// - Parameters:
  ///   - examples: The number of examples in an epoch.
  ///   - minimum: The smallest number that norms can take statistics of.
  init(_ trainer: Trainer, examples: Int, minimum: Int) {
    batches = Parts(rows: examples, largest: trainer.batchSize, smallest: min(2, trainer.batchSize))
    let full = min(trainer.batchSize, examples)
    partLimit = trainer.accumulating == 1 ? .max : (full + trainer.accumulating - 1) / trainer.accumulating
    partMinimum = minimum
    // An epoch has at most two batch sizes.
    let (larger, smaller) = (parts(of: batches.largest), parts(of: batches.smallest))
    largestPart = max(larger.largest, smaller.largest)
    smallestPart = min(larger.smallest, smaller.smallest)
  }

  /// The parts of a batch of `rows` examples.
  /// - Parameter haveStatistics: Whether norms take statistics of each part.
  func parts(of rows: Int, haveStatistics: Bool = true) -> Parts {
    Parts(rows: rows, largest: partLimit, smallest: haveStatistics ? partMinimum : 1)
  }
}

extension Trainer {
  /// The batches of an epoch of `examples` for `network`.
  func plan(for network: PlacedNetwork, examples: Int) -> BatchPlan {
    BatchPlan(self, examples: max(1, examples), minimum: needsTwoExamples(network) ? 2 : 1)
  }

  /// The smallest number of examples that norms take statistics of together, out of `examples`: those of the smallest
  /// part or batch.
  package func examplesOfStatistics(of network: PlacedNetwork, in examples: Int) -> Int {
    let plan = plan(for: network, examples: examples)
    return statistics == .micro ? plan.smallestPart : plan.batches.smallest
  }

  /// The size of ghost batches of which every batch of an epoch has `count`.
  /// - Throws: `EvenkeelError` with code `usage` if there is none.
  package func ghostBatch(of count: Int, examples: Int) throws -> Int {
    let batches = Parts(rows: max(1, examples), largest: batchSize, smallest: min(2, batchSize))
    let size = batches.largest / count
    let fitting = [size, size + 1].first { size in
      size > 1 && [batches.largest, batches.smallest].allSatisfy { Parts(rows: $0, about: size).count == count }
    }
    guard let fitting else {
      throw EvenkeelError.usage(
        "Batches of \(batches.largest) examples cannot be parted into \(count) groups of about equal size, each of at least 2; choose another batch size."
      )
    }
    return fitting
  }

  /// - Throws: `EvenkeelError` with code `usage` or `data` if batches, or parts with separate statistics, would give a
  ///   norm that takes statistics one value per feature, or fewer examples than its ghost batches have; and for
  ///   examples with weights or lengths in parts that use the statistics of the whole.
  func requireStatistics(of network: PlacedNetwork, in dataset: Dataset) throws {
    try requireStatistics(of: network, examples: dataset.count)
    guard accumulating == 1 || statistics == .micro || dataset.weights == nil && dataset.lengths == nil else {
      throw EvenkeelError.usage(
        "Weighted or variable-length examples cannot be combined with statistics of the whole batch; use those of each part (micro)."
      )
    }
  }

  /// As above, for examples without weights and lengths.
  package func requireStatistics(of network: PlacedNetwork, examples: Int) throws {
    if needsTwoExamples(network) { try requireTwoExamples(examples) }
    let full = max(1, min(batchSize, examples))
    let rows = statistics == .micro ? (full + accumulating - 1) / accumulating : full
    for layer in network.layers {
      guard let size = layer.layer.norm?.ghostBatch, size > rows else { continue }
      throw EvenkeelError.usage(
        "Layer \(layer.path) (\(layer.kind)): ghostBatch is \(size); expected at most the \(rows) examples of a \(accumulating > 1 ? "part of a batch" : "batch")."
      )
    }
  }

  /// Whether a norm takes statistics to which each example contributes only one value per feature.
  private func needsTwoExamples(_ network: PlacedNetwork) -> Bool {
    freezing?.afterEpoch != 0 && network.layers.contains { $0.takesBatchStatistics && $0.positions == 1 }
  }

  private func requireTwoExamples(_ examples: Int) throws {
    guard examples > 1 else {
      throw EvenkeelError.data(
        "The training data has \(examples == 0 ? "no" : "one") example; batch normalization needs at least 2 in a batch."
      )
    }
    guard batchSize > 1 else {
      throw EvenkeelError.usage("The batch size is 1; batch normalization needs at least 2 examples in a batch.")
    }
    let full = min(batchSize, examples)
    guard statistics == .whole || accumulating == 1 || full / accumulating > 1 else {
      throw EvenkeelError.usage(
        "A batch of \(full) examples in \(accumulating) parts leaves parts of one; batch normalization needs at least 2 in each, or the statistics of the whole batch."
      )
    }
  }
}
