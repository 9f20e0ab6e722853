import ArgumentParser
import Evenkeel

extension BatchStatistics: ExpressibleByArgument {}

/// How examples come together in batches, and what their norms make of them.
struct BatchOptions: ParsableArguments {
  @Option(
    help:
      "The most examples in a mini-batch; an epoch's batches have equal sizes, give or take one example. 128 by default, for a table 32 to 1024 by its rows."
  )
  var batchSize: Int?
  @Option(help: "Parts that a batch is processed in, so that it needs only the memory of one.") var accumulate: Int?
  @Option(
    help: "Whose statistics normalize these parts: micro (each part its own, the default) or whole (the batch's).")
  var batchStatistics: BatchStatistics?
  @Option(
    help:
      "Epochs after which every batch norm keeps its running statistics and normalizes with them; 0 freezes them from the start."
  )
  var freezeStatisticsAfter: Int?
  @Flag(help: "Also freeze scales and shifts then.") var freezeScaleAndShift = false

  /// What is to be said of a size that was asked for and `examples` do not fill; nil if they do.
  func remark(examples: Int) -> String? {
    guard let batchSize, batchSize > examples else { return nil }
    return "--batch-size is \(batchSize); a batch is all \(examples) training examples."
  }

  /// - Throws: `EvenkeelError` with code `usage` for statistics of parts without parts.
  func statistics() throws -> BatchStatistics {
    guard batchStatistics == nil || accumulate != nil else {
      throw EvenkeelError(
        .usage, "--batch-statistics says how the parts of --accumulate are normalized; use both or neither.")
    }
    return batchStatistics ?? .micro
  }

  /// - Throws: `EvenkeelError` with code `usage` for scales and shifts that are to be frozen, but not when.
  func freezing() throws -> NormFreezing? {
    guard freezeStatisticsAfter != nil || !freezeScaleAndShift else {
      throw EvenkeelError(.usage, "--freeze-scale-and-shift needs --freeze-statistics-after.")
    }
    return freezeStatisticsAfter.map { NormFreezing(afterEpoch: $0, includesScaleAndShift: freezeScaleAndShift) }
  }
}
