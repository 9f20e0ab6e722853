/// How the examples of an epoch are cut into batches, and a batch into the parts that are computed at once.
///
/// Batches are of equal size but for one example. Batch norm's statistics are the reason: those of a few examples that were
/// left over at the end of an epoch are so noisy that their step, at the full learning rate, undoes much of what the epoch had
/// learned (see `BatchNorm`).
struct BatchPlan {
  /// The batches of an epoch.
  let batches: Parts
  /// The most examples of a part.
  private let partLimit: Int
  /// The fewest of one that has statistics of its own.
  private let partMinimum: Int
  /// The most and the fewest examples of a part of any batch that has statistics of its own. Others are no larger.
  private(set) var largestPart = 0, smallestPart = 0

  /// - Parameters:
  ///   - examples: Those of an epoch.
  ///   - minimum: The fewest that norms can take statistics of.
  init(_ trainer: Trainer, examples: Int, minimum: Int) {
    batches = Parts(rows: examples, largest: trainer.batchSize, smallest: min(2, trainer.batchSize))
    let full = min(trainer.batchSize, examples)
    partLimit = trainer.accumulating == 1 ? .max : (full + trainer.accumulating - 1) / trainer.accumulating
    partMinimum = minimum
    // An epoch has batches of two sizes at most.
    let (larger, smaller) = (parts(of: batches.largest), parts(of: batches.smallest))
    largestPart = max(larger.largest, smaller.largest)
    smallestPart = min(larger.smallest, smaller.smallest)
  }

  /// The parts of a batch of `rows` examples.
  /// - Parameter haveStatistics: Whether norms take statistics of each.
  func parts(of rows: Int, haveStatistics: Bool = true) -> Parts {
    Parts(rows: rows, largest: partLimit, smallest: haveStatistics ? partMinimum : 1)
  }
}
