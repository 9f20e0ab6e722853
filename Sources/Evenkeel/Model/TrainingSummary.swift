/// The settings of a training run that its model's statistics depend on.
public struct TrainingSummary: Hashable, Codable, Sendable {
  /// Examples over which norms take statistics together in the smallest mini-batch, ghost batches aside: those of a part where
  /// the parts of `Trainer.accumulating` have statistics of their own; fewer than asked for where the data is not whole batches.
  public let batchSize: Int
  /// The decay of weights.
  public let weightDecay: Double
}
