/// The results of one epoch.
public struct EpochRecord: Hashable, Codable, Sendable {
  /// From 1.
  public let epoch: Int
  /// Means over the epoch's batches, each taken before its step.
  public let trainLoss: Double
  /// nil for a regression.
  public let trainAccuracy: Double?
  /// In the target's units; nil for a classifier.
  public let trainRMSE: Double?
  /// With running statistics; nil without validation data.
  public let validationLoss: Double?
  /// nil for a regression.
  public let validationAccuracy: Double?
  /// nil for a classifier.
  public let validationRMSE: Double?
  /// The value of `Trainer.metric` on the validation data; nil without either.
  public let validationMetric: Double?
  /// Wall time, validation included.
  public let seconds: Double
  /// By the path of each batch norm: from its running statistics to those of the epoch's last batch. A norm without statistics of
  /// batches, as a frozen one, is left out. Only `Trainer.Event.epoch` tells them; a `History` keeps none.
  public internal(set) var batchShifts: [String: StatisticsShift] = [:]

  private enum CodingKeys: String, CodingKey {
    case epoch, trainLoss, trainAccuracy, trainRMSE, validationLoss, validationAccuracy, validationRMSE,
      validationMetric
    case seconds
  }

  init(epoch: Int, training: Quality, validation: Quality?, metric: Double?, seconds: Double) {
    self.epoch = epoch
    trainLoss = training.loss
    trainAccuracy = training.accuracy
    trainRMSE = training.rootMeanSquaredError
    validationLoss = validation?.loss
    validationAccuracy = validation?.accuracy
    validationRMSE = validation?.rootMeanSquaredError
    validationMetric = metric
    self.seconds = seconds
  }
}

/// The epochs of a training run, in order.
public struct History: Hashable, Codable, Sendable {
  /// One record per epoch.
  public internal(set) var epochs: [EpochRecord] = []
  /// True if patience ran out before the epochs did.
  public internal(set) var stoppedEarly = false

  /// No epoch yet.
  package init() {}
}
