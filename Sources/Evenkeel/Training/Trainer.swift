import Kernels

/// Trains models: the loss, the optimizer and the way through the data. A value with no changing state.
///
/// ```swift
/// let trainer = Trainer(
///   loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.001), batchSize: 128,
///   schedule: .cosine(warmUp: 100), patience: 3)
/// ```
public struct Trainer: Sendable {
  /// The quantity that training minimizes.
  public var loss: Loss
  /// How gradients change parameters.
  public var optimizer: Optimizer
  /// How the learning rate changes.
  public var schedule: Schedule
  /// The largest number of examples in a mini-batch.
  ///
  /// An epoch of n examples is divided into ⌈n / batchSize⌉ batches that differ by at most one example, none smaller
  /// than about half of `batchSize`: 516 examples in batches of 128 are 104, 103, 103, 103, 103, not 128, 128, 128,
  /// 128, 4. Batches of two get a third example where one would be left over. See `BatchNorm` for why.
  public var batchSize: Int
  /// The greatest norm of the gradient over all parameters; a larger one is scaled down to it. nil: no limit.
  public var clippingNorm: Double?
  /// Stops after this many epochs without a better validation loss or `metric`, and returns the best model. nil: never.
  public var patience: Int?
  /// What decides on the validation data which epoch is the best, whose model is then returned; nil: the loss if there is `patience`,
  /// else the last epoch's model is returned.
  public var metric: Metric?
  /// Also evaluates the validation data every this many steps, as `Event.evaluated`. nil: only after epochs.
  public var evaluationInterval: Int?
  /// Also gives a checkpoint, as `Event.saved`, after the first step that ends so long after the last one. nil: only after epochs.
  public var checkpointInterval: Duration?
  /// Random changes of the training images, in the order in which they act; validation data is not changed.
  public var augmentation: [Augmentation]
  /// The number of parts, of about equal size, in which a batch is computed one after the other: a large batch in the
  /// memory of a small one. There is one step per batch. 1: in one part.
  public var accumulating: Int
  /// Whose statistics normalize the examples of such parts.
  public var statistics: BatchStatistics
  /// What the examples of each class count in training, besides their weights; nil: the same.
  public var classWeights: ClassWeights?
  /// When all batch norms are frozen; nil: never.
  public var freezing: NormFreezing?
  /// Which average of the weights is returned, with its norms recalibrated; nil: the last weights.
  ///
  /// Validation after an epoch, the choice of the best model and early stopping use the averaged and recalibrated model
  /// as soon as there is one, since that is what would be returned; `evaluationInterval` uses the current weights.
  public var averaging: WeightAveraging?
  /// What becomes of the numbers of a table; fitted by a model's first training.
  public var numbers: NumericTransform
  /// What the products of dense and convolution layers are computed in.
  public var precision: Precision
  /// The other processes that train the same model, each with the same trainer and data; nil: none. The bits are the same with any
  /// number of them.
  package var communicator: (any Communicator)?
  /// The seed for the order of examples, dropout and augmentation.
  public var seed: UInt64
  /// The largest number of threads, up to eight per processor. The same seed gives the same bits on any.
  public var threads: Int

  /// A trainer with these settings; `fit` checks them.
  public init(
    loss: Loss, optimizer: Optimizer, batchSize: Int = 128, schedule: Schedule = .constant,
    clippingNorm: Double? = nil, patience: Int? = nil, metric: Metric? = nil, evaluationInterval: Int? = nil,
    augmentation: [Augmentation] = [], accumulating: Int = 1, statistics: BatchStatistics = .micro,
    classWeights: ClassWeights? = nil, freezing: NormFreezing? = nil, averaging: WeightAveraging? = nil,
    numbers: NumericTransform = .standard, precision: Precision = .float32,
    seed: UInt64 = 0, threads: Int = Machine.threads
  ) {
    self.loss = loss
    self.optimizer = optimizer
    self.batchSize = batchSize
    self.schedule = schedule
    self.clippingNorm = clippingNorm
    self.patience = patience
    self.metric = metric
    self.evaluationInterval = evaluationInterval
    self.augmentation = augmentation
    self.accumulating = accumulating
    self.statistics = statistics
    self.classWeights = classWeights
    self.freezing = freezing
    self.averaging = averaging
    self.numbers = numbers
    self.precision = precision
    self.seed = seed
    self.threads = threads
  }

  /// An event during fitting.
  public enum Event: Sendable {
    /// A step was made: epoch and batch from 1, the running mean of this epoch's loss and accuracy.
    case step(epoch: Int, batch: Int, batches: Int, loss: Double, accuracy: Double?, examples: Int)
    /// The validation data was evaluated after `step` steps in total, with running statistics.
    case evaluated(step: Int, Quality)
    /// An epoch ended. The checkpoint is a copy that a later `fit` resumes from.
    case epoch(EpochRecord, Checkpoint)
    /// `shouldStop` ended the run, within an epoch or after one.
    case interrupted(Checkpoint)
    /// `checkpointInterval` has passed since the last checkpoint.
    case saved(Checkpoint)
  }

  /// Trains `model` on `dataset`.
  ///
  /// The first training fits the input scaling on `dataset`. If anything fails, `model` keeps the parameters and
  /// statistics of the last good step.
  ///
  /// ```swift
  /// let history = try trainer.fit(
  ///   &model, to: training, validation: validation, epochs: 5,
  ///   onEvent: { event in
  ///     if case .epoch(let record, _) = event { print(record.epoch, record.trainLoss) }
  ///   })
  /// ```
  /// - Parameters:
  ///   - model: What is trained; a copy made before stays as it was.
  ///   - dataset: Examples of the network's shape with targets that fit the loss.
  ///   - validation: Evaluated after every epoch with running statistics.
  ///   - epochs: The total number of passes over the data, including those before `resuming`.
  ///   - resuming: Where an earlier run with the same data and settings stopped; the result is the same to the bit
  ///     on any number of threads.
  ///   - shouldStop: Asked after every step; true ends the run after saving its place.
  ///   - onEvent: Called after steps and epochs.
  /// - Throws: `EvenkeelError`: `usage` for settings out of range or different from those of `resuming`, `data` for
  ///   values that are not finite and for a loss that is no longer finite (naming step and layer), `interrupted` if
  ///   `shouldStop` said so.
  @discardableResult
  public func fit(
    _ model: inout Model, to dataset: Dataset, validation: Dataset? = nil, epochs: Int, resuming: Checkpoint? = nil,
    shouldStop: () -> Bool = { false }, onEvent: (Event) throws -> Void = { _ in }
  ) throws -> History {
    try fit(
      &model, to: dataset, validation: validation, epochs: epochs, resuming: resuming, shouldStop: shouldStop,
      onEvent: onEvent, observing: nil)
  }

  /// Observes a model during its training: called after every step with the total number of steps and a function that
  /// returns a copy of the current model.
  package typealias Observer = (_ step: Int, _ model: () throws -> Model) throws -> Void

  /// As above, and shows the model to `observing` after every step.
  @discardableResult
  package func fit(
    _ model: inout Model, to dataset: Dataset, validation: Dataset? = nil, epochs: Int, resuming: Checkpoint? = nil,
    shouldStop: () -> Bool = { false }, onEvent: (Event) throws -> Void = { _ in }, observing: Observer?
  ) throws -> History {
    let run = try start(&model, dataset, epochs: epochs, resuming: resuming)
    try model.requireEvaluable([validation].compactMap(\.self), after: loss, on: dataset)
    if metric != nil { try requireMetric(of: model, on: validation) }
    var history = resuming?.history ?? History()
    var best = resuming?.best
    let clock = ContinuousClock()
    var saved = clock.now
    func tell(_ event: Event) throws {
      try run.attempt {
        try onEvent(event)
        guard let checkpointInterval, case .step = event, clock.now - saved >= checkpointInterval else { return }
        saved = clock.now
        try onEvent(.saved(run.checkpoint(history, best)))
      }
    }
    try run.meet(validation)
    while run.epoch < epochs, !history.stoppedEarly {
      let started = clock.now
      do {
        try run.finishEpoch(
          validation: validation, shouldStop: shouldStop, onEvent: tell, observing: observing)
      } catch let error as EvenkeelError where error.code == .interrupted {
        try tell(.interrupted(run.checkpoint(history, best)))
        try run.part(.ended)
        throw error
      }
      let (training, shifts) = (run.quality, run.shiftsOfLastBatch)
      var judged = model
      let judges = validation.map { !$0.isEmpty } ?? false
      if judges, let averaged = try run.averagedModel() { judged = averaged }
      let checked = judges ? try judge(judged, on: validation!) : nil
      var record = EpochRecord(
        epoch: run.epoch, training: training, validation: checked?.quality, metric: checked?.metric,
        seconds: (clock.now - started) / .seconds(1))
      history.epochs.append(record)
      record.batchShifts = shifts
      if patience != nil || metric != nil, let checked {
        let score = checked.metric ?? checked.quality.loss
        if best == nil || metric?.isBetter(score, than: best!.score) ?? (score < best!.score) {
          best = Checkpoint.Best(score: score, epoch: run.epoch, state: try ModelState(copying: judged.state))
        } else if let patience, run.epoch - best!.epoch >= patience {
          history.stoppedEarly = true
        }
      }
      try tell(.epoch(record, run.checkpoint(history, best)))
      saved = clock.now
    }
    try run.part(.apart)
    if let best {
      model.state = best.state
    } else if let averaged = try run.averagedModel() {
      model.state = averaged.state
    }
    return history
  }

  /// Everything before the first step.
  private func start(
    _ model: inout Model, _ dataset: Dataset, epochs: Int, resuming: Checkpoint?
  ) throws -> TrainingRun {
    try validate(dataset, epochs: epochs)
    try dataset.requireFit(model.network.input)
    // A model of another program takes its inputs as they are: it knows no columns and no images.
    let isNew = model.training == nil && model.encoding == nil && model.images == nil
    guard isNew || TableEncoding.agree(model.encoding, dataset.encoding) else {
      throw EvenkeelError.data(
        "The columns of the data are encoded differently from those that the model was trained on.")
    }
    if let before = model.images, let now = dataset.images, before != now {
      throw EvenkeelError.data(
        "The images of the data are read as \(now.summary); those that the model was trained on were \(before.summary)."
      )
    }
    if let resuming, resuming.epoch > epochs {
      throw EvenkeelError.usage(
        "The checkpoint is from epoch \(resuming.epoch); expected at most \(epochs), the number of epochs.")
    }
    if model.scaling == nil {
      try describeInputs(of: &model, by: dataset)
      try model.fitLayers(to: dataset, threads: threads)
    }
    if isNew { (model.encoding, model.images) = (dataset.encoding, dataset.images) }
    if model.output == nil {
      model.output = try OutputDescription(loss: loss, dataset: dataset, width: model.outputCount)
    }
    // They were fitted to what the weights were before.
    model.output?.temperature = nil
    model.output?.threshold = nil
    model.training = TrainingSummary(
      batchSize: examplesOfStatistics(of: model.state.layout.network, in: dataset.count),
      weightDecay: optimizer.weightDecay)
    try model.makeStateUnique()
    let weighted = try classWeights.map { try dataset.weighted(by: $0) } ?? dataset
    return try TrainingRun(self, model, weighted, epochs: epochs, resuming: resuming)
  }

  /// What follows from `dataset` about the inputs of a new model.
  func describeInputs(of model: inout Model, by dataset: Dataset) throws {
    model.scaling = try InputScaling(fittedTo: dataset, numbers: numbers, threads: threads)
    model.encoding = dataset.encoding
    model.images = dataset.images
  }

  /// Makes sure that `model` can be trained on `dataset` and evaluated on `others`, without a step.
  /// - Throws: What `fit` throws before its first step, and `evaluate` before its first batch.
  package func requireFit(_ model: Model, to dataset: Dataset, evaluatedOn others: [Dataset] = []) throws {
    var model = model
    _ = try start(&model, dataset, epochs: 1, resuming: nil)
    try model.requireEvaluable(others, after: loss, on: dataset)
  }

  /// Makes sure that every setting is in its range, before any data is read.
  /// - Throws: `EvenkeelError` with code `usage`.
  package func validate(epochs: Int) throws {
    try loss.validate()
    try optimizer.validate()
    try schedule.validate()
    guard epochs > 0 else { throw EvenkeelError.usage("The number of epochs is \(epochs); expected at least 1.") }
    guard batchSize > 0 else { throw EvenkeelError.usage("The batch size is \(batchSize); expected at least 1.") }
    try Machine.requireThreads(threads)
    if let clippingNorm, !(clippingNorm.isFinite && clippingNorm > 0) {
      throw EvenkeelError.usage("The clipping norm is \(clippingNorm); expected a number above 0.")
    }
    if let patience, patience < 1 {
      throw EvenkeelError.usage("The patience is \(patience) epochs; expected at least 1.")
    }
    if let evaluationInterval, evaluationInterval < 1 {
      throw EvenkeelError.usage("The evaluation interval is \(evaluationInterval) steps; expected at least 1.")
    }
    guard (1...batchSize).contains(accumulating) else {
      throw EvenkeelError.usage(
        "A batch of \(batchSize) examples cannot be taken in \(accumulating) parts; expected 1 to \(batchSize).")
    }
    if let freezing, freezing.afterEpoch < 0 {
      throw EvenkeelError.usage("Norms cannot be frozen after epoch \(freezing.afterEpoch); expected 0 or more.")
    }
    try averaging?.validate(epochs: epochs)
    try precision.validate()
  }

  private func validate(_ dataset: Dataset, epochs: Int) throws {
    try validate(epochs: epochs)
    guard !dataset.isEmpty else { throw EvenkeelError.data("The training data has no rows.") }
    try dataset.targets.validate()
    try dataset.requireWeight()
    guard dataset.lengths == nil || augmentation.isEmpty else {
      throw EvenkeelError.usage("Augmentation moves the positions that lengths count; use only one of them.")
    }
    try Augmentation.validate(augmentation, for: dataset.shape)
  }
}
