/// An examination of a model's normalization: the state of every batch norm, what its statistics cost, and what is
/// wrong.
public struct Diagnosis: Hashable, Codable, Sendable {
  /// Every batch norm in the order of the network.
  public let norms: [NormHealth]
  /// The model evaluated with running, batch and recalibrated statistics; nil without data that has targets.
  public let comparison: StatisticsComparison?
  /// What is wrong, most severe first, then in the order of the network. Empty for a healthy model.
  public let findings: [Finding]
}

/// One problem in one layer.
public struct Finding: Hashable, Codable, Sendable {
  /// The kind of problem.
  public enum Kind: String, Hashable, Codable, CaseIterable, Sendable {
    /// Features whose variance is practically 0 compared with ε, so that the norm outputs β. Numbers:
    /// `largestVariance`, `epsilon`.
    case constantFeatures
    /// Features whose variance is below ε, so that they do not get variance 1. Numbers: `medianVariance`, `epsilon`.
    case epsilonDominates
    /// Features that γ switches off. Numbers: `largestScale` of them, `typicalScale` (root mean square) of all.
    case deadScale
    /// Features whose ReLU is almost never active. Numbers: `largestShare` of values above zero; `measured` is 1 if it
    /// was counted on data, 0 if it follows from β / |γ| for normal x̂.
    case closedActivation
    /// No batch was ever averaged: the norm predicts with mean 0 and variance 1.
    case neverUpdated
    /// Running statistics that do not match the data. Numbers: `meanShift` (root mean square over features, in running
    /// deviations), `largestShift`, `lowestVarianceRatio`, `highestVarianceRatio` (the data's divided by the running
    /// one), and, if measured, the loss and the accuracy or RMSE with `running` and `recalibrated` statistics.
    case statisticsDisagree
    /// Batches so small that their statistics are mostly noise. Numbers: `batchSize`, `meanError` (in deviations),
    /// `varianceError` (relative); `measured` is 1 if these were measured on data, 0 if computed for independent normal values.
    case smallBatch
    /// A bias that the norm after it removes again.
    case biasBeforeNorm
    /// A norm of a norm's output.
    case duplicatedNorm
    /// A norm of inputs that are already standardized.
    case standardizedInput
    /// A scale that weight decay acts on. Numbers: `weightDecay`, if known.
    case decayedScale
  }

  /// How much it matters.
  public enum Severity: String, Hashable, Codable, CaseIterable, Comparable, Sendable {
    /// Worth knowing; no action needed.
    case note
    /// It costs something: capacity, steps or accuracy.
    case warning
    /// Predictions or training are wrong until it is fixed.
    case illness

    public static func < (left: Severity, right: Severity) -> Bool {
      allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
  }

  /// The kind of problem.
  public let kind: Kind
  /// How much it matters.
  public let severity: Severity
  /// The layer's path in stored files: `1`, `3.block.1`.
  public let layer: String
  /// The affected features, from 0 (for images, channels); empty if it is the layer as a whole.
  public let features: [Int]
  /// The measured numbers, by the names that `Kind` lists.
  public let numbers: [String: Double]
  /// One sentence: what is wrong, and why.
  public let cause: String
  /// One sentence: what to do.
  public let remedy: String

  init(
    _ kind: Kind, _ severity: Severity, layer: String, features: [Int] = [], numbers: [String: Double] = [:],
    cause: String, remedy: String
  ) {
    self.kind = kind
    self.severity = severity
    self.layer = layer
    self.features = features
    // JSON has no infinity.
    self.numbers = numbers.filter(\.value.isFinite)
    self.cause = cause
    self.remedy = remedy
  }
}

/// The state of one batch norm.
public struct NormHealth: Hashable, Codable, Sendable {
  /// The layer's path in stored files.
  public let layer: String
  /// The number of features.
  public let features: Int
  /// The number of batches that were averaged.
  public let batchCount: Int
  /// Lowest and highest γ; nil if it is fixed at 1.
  public let scale: ClosedRange<Float>?
  /// Lowest and highest β; nil if it is fixed at 0.
  public let shift: ClosedRange<Float>?
  /// Lowest and highest running mean.
  public let mean: ClosedRange<Float>
  /// Lowest and highest running variance.
  public let variance: ClosedRange<Float>
  /// The share of features whose variance is below ε, so that they do not get variance 1.
  public let shareBelowEpsilon: Double
  /// The share of values that the ReLU after the norm lets through, and the gradient with them, for normal x̂: the mean over
  /// features of P(γ x̂ + β > 0). nil if no ReLU follows.
  public let expectedOpenShare: Double?
  /// What was measured on the data; nil without data.
  public let measured: Measured?

  /// What the data showed at one batch norm.
  public struct Measured: Hashable, Codable, Sendable {
    /// The shift from the running statistics to the data's.
    public let shift: StatisticsShift
    /// The share of values that the ReLU after the norm lets through; nil if no ReLU follows.
    public let openShare: Double?
    /// The batch size to which the next two refer.
    public let batchSize: Int
    /// How far a batch's mean is from the population's: the standard error in deviations, median over features.
    public let meanError: Double
    /// The relative standard error of a batch's variance, median over features.
    public let varianceError: Double
  }
}

/// One model on the same data with three kinds of statistics.
public struct StatisticsComparison: Hashable, Codable, Sendable {
  /// With the model's running statistics.
  public let running: Quality
  /// With the statistics of each batch, as in training; examples in random order.
  public let batch: Quality
  /// The number of examples in such a batch.
  public let batchSize: Int
  /// With the statistics of the data as a whole, as `Model.recalibrate` gives them.
  public let recalibrated: Quality
}
