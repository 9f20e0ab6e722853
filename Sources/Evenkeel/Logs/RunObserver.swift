/// Watches a training run: its progress on a terminal, a log in a file, the page of a monitor.
///
/// `ObservedRun` tells it what happens, in order and on the training's thread. An observer changes nothing about the
/// run and ends it on no account: what it cannot write, it leaves out, and says so itself.
///
/// ```swift
/// let run = ObservedRun(
///   try RunStart(of: trainer, on: model, to: training, hasValidation: true, epochs: 5), of: trainer,
///   by: [try RunLog("run.jsonl", warn: { print($0) })])
/// try run.watched {
///   try trainer.fit(&model, to: training, validation: validation, epochs: 5, onEvent: { run.note($0) })
/// }
/// run.end()
/// ```
public protocol RunObserver: AnyObject {
  /// The first step was made.
  func runStarts(_ start: RunStart)
  /// A step was made; most are left out (see `ObservedRun`).
  func stepEnds(_ step: RunStep)
  /// An epoch ended, with its validation.
  func epochEnds(_ epoch: RunEpoch)
  /// The run is over; nothing follows.
  func runEnds(_ end: RunEnd)
}

/// What is known of a run before its first step.
public struct RunStart: Sendable {
  /// The command line; nil if a program of its own trains.
  public let command: String?
  /// What was understood of the data, in sentences.
  public let data: [String]
  /// The number of examples to train on.
  public let examples: Int
  /// What is trained.
  public let network: Network
  /// The settings, by names such as `learningRate` and `batchSize`, in the order in which they are shown.
  public let settings: [(name: String, value: RunSetting)]
  /// Processor and threads.
  public let machine: String
  /// The number of epochs at the end, unless the run stops early.
  public let epochs: Int
  /// The number of steps in an epoch.
  public let stepsPerEpoch: Int
  /// The steps that an earlier run has made which this one continues; 0 for a new run.
  public let step: Int
  /// The quantities that epochs will tell of the validation data, by name; empty without validation data.
  public let validationScores: [String]
  /// The same of the training data.
  public let trainingScores: [String]

  /// What `trainer` is about to do with `model` and `dataset`.
  /// - Parameters:
  ///   - trainer: The settings of the run.
  ///   - model: The model before the first step.
  ///   - dataset: The examples that it is trained on.
  ///   - hasValidation: Whether epochs are validated.
  ///   - epochs: The number of epochs at the end.
  ///   - checkpoint: What the run continues.
  ///   - command: The command line, if there is one.
  ///   - data: What was understood of the data, in sentences.
  /// - Throws: `EvenkeelError` for a network whose layers do not fit.
  public init(
    of trainer: Trainer, on model: Model, to dataset: Dataset, hasValidation: Bool, epochs: Int,
    resuming checkpoint: Checkpoint? = nil, command: String? = nil, data: [String] = []
  ) throws {
    (self.command, self.data, self.epochs) = (command, data, epochs)
    (examples, network) = (dataset.count, model.network)
    machine = "\(Machine.processor), \(trainer.threads) \(trainer.threads == 1 ? "thread" : "threads")"
    stepsPerEpoch = trainer.plan(for: try network.placed(), examples: dataset.count).batches.count
    step = checkpoint?.steps ?? 0
    settings = trainer.settings(of: model, epochs: epochs)
    let scores = ["loss"] + (trainer.loss.isRegression ? ["RMSE"] : ["accuracy"])
    trainingScores = scores
    let metric = trainer.metric.flatMap { $0 == .accuracy || $0 == .rootMeanSquaredError ? nil : $0.rawValue }
    validationScores = hasValidation ? scores + (metric.map { [$0] } ?? []) : []
  }
}

/// The value of one setting of a run.
public enum RunSetting: Hashable, Encodable, Sendable {
  /// A number that need not be whole: a learning rate.
  case number(Double)
  /// A whole number: a batch size, a seed.
  case count(UInt64)
  /// A name: that of an optimizer.
  case text(String)

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .number(let number): try value.encode(number)
    case .count(let count): try value.encode(count)
    case .text(let text): try value.encode(text)
    }
  }
}

extension Trainer {
  fileprivate func settings(of model: Model, epochs: Int) -> [(name: String, value: RunSetting)] {
    return [
      ("optimizer", .text(optimizer.name)), ("learningRate", .number(optimizer.learningRate)),
      ("weightDecay", .number(optimizer.weightDecay)), ("schedule", .text("\(schedule.kind)")),
      ("batchSize", .count(UInt64(batchSize))), ("epochs", .count(UInt64(epochs))),
      ("normalization", .text(model.state.layout.network.normKinds)),
      ("parameters", .count(UInt64(model.parameterCount))), ("precision", .text(precision.rawValue)),
      ("seed", .count(seed)),
    ]
  }
}

extension PlacedNetwork {
  /// The kinds of its norms, in the order of their first layers; `none` if it has none.
  package var normKinds: String {
    var kinds: [String] = []
    for layer in layers where layer.layer.norm != nil && !kinds.contains(layer.kind) { kinds.append(layer.kind) }
    return kinds.isEmpty ? "none" : kinds.joined(separator: ", ")
  }
}

/// A step that was made, and the pace.
public struct RunStep: Hashable, Sendable {
  /// Steps so far, those before a resumed run included.
  public let step: Int
  /// Of the step; from 1.
  public let epoch: Int
  /// Of the step in its epoch; from 1.
  public let batch: Int
  /// The mean loss over the epoch so far.
  public let loss: Double
  /// The share of right predictions over the epoch so far, from 0 to 1; nil for a regression.
  public let accuracy: Double?
  /// The learning rate with which the step was made.
  public let learningRate: Double
  /// Examples of this epoch that were trained on, by the seconds that took; nil where only one step was made.
  public let examplesPerSecond: Double?
  /// Until the last epoch, at the pace so far, validation included; nil where only one step was made.
  public let secondsLeft: Double?
}

/// An epoch that ended.
public struct RunEpoch: Sendable {
  /// Steps so far, those before a resumed run included.
  public let step: Int
  /// Its scores on training and validation data.
  public let record: EpochRecord
  /// The learning rate of its last step.
  public let learningRate: Double
  /// Examples that were trained on, by the seconds that took; nil where only one step was made.
  public let examplesPerSecond: Double?
  /// Until the last epoch, at the pace so far; nil where only one step was made.
  public let secondsLeft: Double?
  /// The state of each batch norm.
  public let norms: [RunNorm]
  /// The model with the weights as they are now.
  public let model: Model
  /// The name of the metric in `record.validationMetric`.
  let metric: Metric?
}

/// The doctor's numbers of one batch norm at the end of an epoch.
public struct RunNorm: Hashable, Sendable {
  /// Path, extremes of γ, β and the running statistics, and shares of features.
  public let health: NormHealth
  /// How far the running means are from those of the last batch: the root mean square over features, in running
  /// deviations. nil for a norm that took no statistics.
  public let runningLag: Double?

  /// The largest |γ|; nil if γ is fixed at 1.
  public var largestScale: Double? {
    health.scale.map { Double(max(abs($0.lowerBound), abs($0.upperBound))) }
  }
}

/// How a run ended.
public struct RunEnd: Sendable {
  /// The kinds of end.
  public enum Status: String, Encodable, Sendable {
    /// All epochs, or as many as patience allowed.
    case finished
    /// Asked to stop; it may be continued.
    case interrupted
    /// By an error.
    case failed
  }
  /// The kind of end.
  public let status: Status
  /// Steps so far, those before a resumed run included.
  public let step: Int
  /// Complete epochs.
  public let epoch: Int
  /// The error, if there was one.
  public let message: String?
  /// How well the stored model does on the test data; nil without.
  public let test: Quality?
}
