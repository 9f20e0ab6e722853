import ArgumentParser
import Evenkeel

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Trains a model on DATA and stores it.")

  @Argument(
    help:
      "digits (drawn by the program), a table (CSV, JSON objects one a line, or an SQLite database), an NPY or NPZ file, or a folder of IDX files, CIFAR-10 batches or images."
  )
  var data: String
  @OptionGroup(title: "Data") var sources: DataOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @Option(help: "A model whose parameters and network training begins with, as one of import.") var from: String?
  @OptionGroup(title: "Network") var norms: NormalizationOption
  @OptionGroup(title: "Loss") var loss: LossOptions
  @OptionGroup(title: "Optimizer") var optimizer: OptimizerOptions
  @OptionGroup(title: "Optimizer") var schedule: ScheduleOptions
  @OptionGroup(title: "Batches") var batches: BatchOptions
  @OptionGroup(title: "Duration") var duration: DurationOptions
  @OptionGroup(title: "Computation") var computation: ComputationOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    StopSignals.watch()
    try network.requireOneDescription()
    try norms.requirePlacement(in: network.network)
    try requireOneStart()
    try output.requirePaths(apartFrom: [data, sources.validation, sources.test, network.network, from])
    var trainer = try makeTrainer()
    try trainer.validate(epochs: duration.epochs)
    let checkpoint = try output.resume.map { try Checkpoint(contentsOf: $0) }
    if let checkpoint { try requireSameRun(as: checkpoint, trainer) }
    let splits = try sources.read(data, loss: loss.loss, seed: computation.seed)
    if duration.patience != nil || duration.metric != nil, splits.validation.isEmpty {
      let option = duration.patience != nil ? "--patience" : "--metric"
      throw EvenkeelError(.usage, "\(option) needs --validation, either a share or DATA.")
    }
    if let remark = batches.remark(examples: splits.training.count) { warn(remark) }
    trainer.loss = try loss.chosen(isRegression: splits.training.isRegression)
    var model = try makeModel(splits.training, trainer, checkpoint)
    model.table = splits.table
    try warnOfFindings(in: model.network, trainer, examples: splits.training.count)
    try model.requireEvaluable([splits.validation, splits.test], after: trainer.loss, on: splits.training)
    for part in [splits.validation, splits.test] { try part.requireFinite() }
    try fit(&model, with: trainer, to: splits, resuming: checkpoint)
    let evaluation = try finalEvaluation(of: model, on: splits)
    evaluation.warnOfUnknownClasses()
    let guess = Guess(from: splits.training, on: splits.test)
    if let path = output.paths.model { try model.write(to: path) }
    try TrainingReport(epochs: duration.epochs, metric: duration.metric, output: output).finish(
      test: splits.test.isEmpty ? nil : evaluation, guess: guess, model: output.paths.model)
  }

  /// The trainer that the options describe; the loss may depend on the data.
  private func makeTrainer() throws -> Trainer {
    Trainer(
      loss: try loss.chosen(isRegression: false), optimizer: try optimizer.chosen(), batchSize: batches.size,
      schedule: schedule.chosen(epochs: duration.epochs), clippingNorm: optimizer.clip, patience: duration.patience,
      metric: duration.metric,
      augmentation: try sources.augmentation(), accumulating: batches.accumulate ?? 1,
      statistics: try batches.statistics(), classWeights: loss.classWeight, freezing: try batches.freezing(),
      averaging: duration.average,
      precision: computation.precision, seed: computation.seed, threads: computation.threadOption.count)
  }

  /// Whether options say what the network is.
  private var isDescribed: Bool {
    network.network != nil || network.hidden != nil || network.activation != nil || norms.normalization != nil
  }

  /// - Throws: `EvenkeelError` with code `usage` for a model to begin with beside a checkpoint or a network.
  private func requireOneStart() throws {
    guard from != nil, isDescribed || output.resume != nil else { return }
    throw EvenkeelError(
      .usage,
      "--from takes the model's network as it is; omit \(output.resume == nil ? "what describes another" : "--resume")."
    )
  }

  private func requireSameRun(as checkpoint: Checkpoint, _ trainer: Trainer) throws {
    if let before = checkpoint.epochs, before != duration.epochs, trainer.schedule.spansAllEpochs {
      warn(
        "the schedule spans \(duration.epochs) epochs now and \(before) when the checkpoint was written, so the learning rate goes on elsewhere on its curve."
      )
    }
    try sources.requireWeight(of: checkpoint)
  }

  /// The model of `checkpoint`, or a new one.
  /// - Throws: `EvenkeelError` with code `usage` if the options describe another network than the checkpoint's, or one that is too
  ///   large or does not fit the data or the batches.
  private func makeModel(_ dataset: Dataset, _ trainer: Trainer, _ checkpoint: Checkpoint?) throws -> Model {
    let model: Model
    if let checkpoint {
      guard try !isDescribed || describedNetwork(for: dataset) == checkpoint.model.network else {
        throw EvenkeelError(
          .usage,
          "The network differs from the checkpoint's. Omit it: a resumed run uses the checkpoint's network.")
      }
      model = checkpoint.model
    } else if let from {
      model = try Model(contentsOf: from)
      try trainer.requireMemory(for: model.network)
    } else {
      let described = try describedNetwork(for: dataset)
      try trainer.requireMemory(for: described)
      model = try Model(described, seed: computation.seed)
    }
    try trainer.requireStatistics(of: model.network.placed(), examples: dataset.count)
    return model
  }

  private func describedNetwork(for dataset: Dataset) throws -> Network {
    if let file = network.network { return try norms.exchanged(in: NetworkOptions.named(file, for: dataset)) }
    let isBinary = loss.loss == .sigmoid && dataset.outputCount == 2
    return try norms.exchanged(
      in: network.multilayer(
        input: dataset.shape.count, outputs: isBinary ? 1 : dataset.outputCount, defaultUnits: [256, 256],
        normalization: norms.placement))
  }

  private func warnOfFindings(in network: Network, _ trainer: Trainer, examples: Int) throws {
    let findings = try network.diagnose(
      batchSize: trainer.examplesOfStatistics(of: network.placed(), in: examples),
      weightDecay: trainer.optimizer.weightDecay)
    for (layers, finding) in DiagnosisReport.grouped(findings) where finding.severity > .note {
      warn("\(layers): \(finding.cause) \(finding.remedy)")
    }
  }

  private func fit(
    _ model: inout Model, with trainer: Trainer, to splits: DatasetSplits, resuming checkpoint: Checkpoint?
  ) throws {
    let checkpointPath = output.paths.checkpoint
    var report = TrainingReport(epochs: duration.epochs, metric: duration.metric, output: output)
    report.opening = splits.summary(of: data)
    StopSignals.trainingStarts()
    do {
      try trainer.fit(
        &model, to: splits.training, validation: splits.validation, epochs: duration.epochs, resuming: checkpoint,
        shouldStop: { StopSignals.haveCome }
      ) { event in
        report.show(event)
        switch event {
        case .epoch(let record, let checkpoint):
          if let checkpointPath { try checkpoint.write(to: checkpointPath) }
          try report.show(record)
        case .interrupted(let checkpoint):
          if let checkpointPath { try checkpoint.write(to: checkpointPath) }
        case .step, .evaluated: break
        }
      }
    } catch let error as EvenkeelError where error.code == .interrupted {
      report.clear()
      throw EvenkeelError(
        .interrupted,
        error.message
          + (checkpointPath.map { " To continue, run the same command with --resume \($0)." }
            ?? " No --output was given, so nothing was saved."))
    }
  }

  /// How well the model does on the test part, or on another if there is none: a model that does not predict numbers is not stored.
  private func finalEvaluation(of model: Model, on splits: DatasetSplits) throws -> Evaluation {
    let part = [splits.test, splits.validation].first { !$0.isEmpty } ?? splits.training
    do { return try model.evaluation(of: part) } catch let error as EvenkeelError {
      throw EvenkeelError(error.code, error.message + (output.paths.model.map { " \($0) is not written." } ?? ""))
    }
  }
}

extension Dataset {
  fileprivate var isRegression: Bool { if case .values = targets { true } else { false } }
}
