/// What a look at a model's normalization found: the state of every batch norm, what its statistics cost, and what is wrong.
public struct Diagnosis: Hashable, Codable, Sendable {
  /// Every batch norm in the order of the network.
  public let norms: [NormHealth]
  /// The model evaluated with running, batch and recalibrated statistics; nil without data that has targets.
  public let comparison: StatisticsComparison?
  /// What is out of order, the gravest first, then in the order of the network. Empty for a healthy model.
  public let findings: [Finding]
}

/// One thing that is out of order in one layer.
public struct Finding: Hashable, Codable, Sendable {
  /// What is out of order.
  public enum Kind: String, Hashable, Codable, CaseIterable, Sendable {
    /// Features whose variance is as good as 0 beside ε, so that the norm gives β. Numbers: `largestVariance`, `epsilon`.
    case constantFeatures
    /// Features whose variance is below ε, so that they are not brought to variance 1. Numbers: `medianVariance`, `epsilon`.
    case epsilonDominates
    /// Features that γ switches off. Numbers: `largestScale` of them, `typicalScale` (root mean square) of all.
    case deadScale
    /// Features whose ReLU all but never opens. Numbers: `largestShare` of values above zero; `measured` is 1 if it was
    /// counted on data, 0 if it follows from β / |γ| for normal x̂.
    case closedActivation
    /// No batch was averaged: the norm predicts with mean 0 and variance 1.
    case neverUpdated
    /// Running statistics that are not the data's. Numbers: `meanShift` (root mean square over features, in running deviations),
    /// `largestShift`, `lowestVarianceRatio`, `highestVarianceRatio` (data's by running), and where it was measured the loss
    /// and the accuracy or RMSE with `running` and `recalibrated` statistics.
    case statisticsDisagree
    /// Batches so small that their statistics are mostly noise. Numbers: `batchSize`, `meanError` (in deviations),
    /// `varianceError` (relative); `measured` is 1 if these were measured on data, 0 if computed for independent normal values.
    case smallBatch
    /// A bias that the norm behind it takes out again.
    case biasBeforeNorm
    /// A norm on what a norm gave.
    case duplicatedNorm
    /// A norm on inputs that are standardized already.
    case standardizedInput
    /// A scale that weight decay acts on. Numbers: `weightDecay`, where it is known.
    case decayedScale
  }

  /// How much it matters.
  public enum Severity: String, Hashable, Codable, CaseIterable, Comparable, Sendable {
    /// Worth knowing; nothing need be done.
    case note
    /// It costs something: capacity, steps or accuracy.
    case warning
    /// Predictions are wrong, or training is, until it is mended.
    case illness

    public static func < (left: Severity, right: Severity) -> Bool {
      allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
  }

  /// What is out of order.
  public let kind: Kind
  /// How much it matters.
  public let severity: Severity
  /// The layer's path in stored files: `1`, `3.block.1`.
  public let layer: String
  /// The features concerned, from 0, for images the channels; empty where it is the layer as a whole.
  public let features: [Int]
  /// What was measured, by the names that `Kind` lists.
  public let numbers: [String: Double]
  /// One sentence: what is so, and why.
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
  /// The batches that were averaged.
  public let batchCount: Int
  /// Lowest and highest γ; nil where it is fixed at 1.
  public let scale: ClosedRange<Float>?
  /// Lowest and highest β; nil where it is fixed at 0.
  public let shift: ClosedRange<Float>?
  /// Lowest and highest running mean.
  public let mean: ClosedRange<Float>
  /// Lowest and highest running variance.
  public let variance: ClosedRange<Float>
  /// What was measured on the data; nil without data.
  public let measured: Measured?

  /// What data brought to one batch norm.
  public struct Measured: Hashable, Codable, Sendable {
    /// From the running statistics to the data's.
    public let shift: StatisticsShift
    /// The share of values that the ReLU behind the norm lets through; nil where no ReLU follows.
    public let openShare: Double?
    /// The examples in a batch that the next two are about.
    public let batchSize: Int
    /// How far a batch's mean is from the population's: standard error in deviations, the median over features.
    public let meanError: Double
    /// The standard error of a batch's variance, relative, the median over features.
    public let varianceError: Double
  }
}

/// One model on the same data with three kinds of statistics.
public struct StatisticsComparison: Hashable, Codable, Sendable {
  /// With the running statistics that the model holds.
  public let running: Quality
  /// With the statistics of each batch, as in training; examples in random order.
  public let batch: Quality
  /// The examples in such a batch.
  public let batchSize: Int
  /// With the statistics of the data as a whole, as `Model.recalibrate` gives them.
  public let recalibrated: Quality
}
