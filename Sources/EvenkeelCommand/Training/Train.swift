import ArgumentParser
import Evenkeel

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Trains a model on DATA and stores it.")

  @Argument(
    help:
      "digits (drawn by the program), a table (CSV, or JSON objects one a line), an NPY or NPZ file, or a folder of IDX files, CIFAR-10 batches or images."
  )
  var data: String
  @OptionGroup(title: "Data") var sources: DataOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Network") var norms: NormalizationOption
  @OptionGroup(title: "Tables") var tables: TableNetworkOptions
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
    try output.requirePaths(apartFrom: [data, sources.validation, sources.test, network.network])
    try makeTrainer(nil).validate(epochs: epochs(nil))
    let checkpoint = try output.resume.map { try Checkpoint(contentsOf: $0) }
    if let checkpoint { try sources.requireWeight(of: checkpoint) }
    var splits = try sources.read(
      data, loss: loss.loss, mostOneHot: network.network == nil ? TableRecipe.mostOneHot : nil, seed: computation.seed)
    let recipe = recipe(for: splits.training, resuming: checkpoint != nil)
    let heldBack = recipe == nil || sources.validation != nil ? 0 : TableRecipe.validation
    if let recipe, recipe.members == 1, heldBack > 0 {
      (splits.training, splits.validation) = splits.training.split(fraction: heldBack, seed: computation.seed)
    }
    let isValidated = !splits.validation.isEmpty || heldBack > 0
    if duration.patience != nil || duration.metric != nil, !isValidated {
      let option = duration.patience != nil ? "--patience" : "--metric"
      throw EvenkeelError(.usage, "\(option) needs --validation, either a share or DATA.")
    }
    var trainer = try makeTrainer(recipe)
    if !isValidated { trainer.patience = nil }
    trainer.loss = try loss.chosen(isRegression: splits.training.isRegression)
    if let checkpoint { warnOfOtherEpochs(than: checkpoint, trainer, epochs: epochs(recipe)) }
    var model = try makeModel(splits.training, trainer, recipe, checkpoint)
    try warnOfFindings(in: model.network, trainer, examples: splits.training.count)
    try model.requireEvaluable([splits.validation, splits.test], after: trainer.loss, on: splits.training)
    for part in [splits.validation, splits.test] { try part.requireFinite() }
    if let recipe, recipe.members > 1 {
      try fit(recipe.members, &model, with: trainer, epochs: epochs(recipe), to: splits, heldBack: heldBack)
    } else {
      try fit(&model, with: trainer, epochs: epochs(recipe), to: splits, resuming: checkpoint)
    }
    let evaluation = try finalEvaluation(of: model, on: splits)
    evaluation.warnOfUnknownClasses()
    let guess = Guess(from: splits.training, on: splits.test)
    if let path = output.paths.model { try model.write(to: path) }
    try TrainingReport(epochs: epochs(recipe), metric: duration.metric, output: output).finish(
      test: splits.test.isEmpty ? nil : evaluation, guess: guess, model: output.paths.model)
  }

  /// What is done where the options say nothing; nil for other data than tables.
  private func recipe(for dataset: Dataset, resuming: Bool) -> TableRecipe? {
    guard dataset.isTable, !dataset.isEmpty else { return nil }
    var recipe = tables.applied(to: TableRecipe(rows: dataset.count, features: dataset.shape.count))
    // A network of the user's own is one, and so is what a checkpoint holds.
    if tables.members == nil, network.network != nil || resuming { recipe.members = 1 }
    return recipe
  }

  private func epochs(_ recipe: TableRecipe?) -> Int { duration.epochs ?? recipe?.epochs ?? 5 }

  /// The trainer that the options describe; the loss may depend on the data.
  /// - Parameter recipe: What is used where the options say nothing; nil for other data than tables.
  private func makeTrainer(_ recipe: TableRecipe?) throws -> Trainer {
    Trainer(
      loss: try loss.chosen(isRegression: false), optimizer: try optimizer.chosen(recipe),
      batchSize: batches.batchSize ?? recipe?.batchSize ?? 128,
      schedule: schedule.chosen(epochs: epochs(recipe), isTable: recipe != nil), clippingNorm: optimizer.clip,
      patience: duration.patience ?? recipe?.patience, metric: duration.metric,
      augmentation: try sources.augmentation(), accumulating: batches.accumulate ?? 1,
      statistics: try batches.statistics(), classWeights: loss.classWeight, freezing: try batches.freezing(),
      averaging: duration.average ?? recipe?.averaging, numbers: recipe?.numbers ?? .standard,
      precision: computation.precision, seed: computation.seed, threads: computation.threadOption.count)
  }

  private func warnOfOtherEpochs(than checkpoint: Checkpoint, _ trainer: Trainer, epochs: Int) {
    guard let before = checkpoint.epochs, before != epochs, trainer.schedule.spansAllEpochs else { return }
    warn(
      "the schedule spans \(epochs) epochs now and \(before) when the checkpoint was written, so the learning rate goes on elsewhere on its curve."
    )
  }

  /// The model of `checkpoint`, or a new one.
  /// - Throws: `EvenkeelError` with code `usage` if the options describe another network than the checkpoint's, or one that is too
  ///   large or does not fit the data or the batches.
  private func makeModel(
    _ dataset: Dataset, _ trainer: Trainer, _ recipe: TableRecipe?, _ checkpoint: Checkpoint?
  ) throws -> Model {
    let model: Model
    if let checkpoint {
      let isDescribed =
        network.network != nil || network.hidden != nil || network.activation != nil || norms.normalization != nil
      guard try !isDescribed || describedNetwork(for: dataset, recipe) == checkpoint.model.network else {
        throw EvenkeelError(
          .usage,
          "The network differs from the checkpoint's. Omit it: a resumed run uses the checkpoint's network.")
      }
      model = checkpoint.model
    } else {
      let described = try describedNetwork(for: dataset, recipe)
      try trainer.requireMemory(for: described)
      model = try Model(described, seed: computation.seed)
    }
    try trainer.requireStatistics(of: model.network.placed(), examples: dataset.count)
    return model
  }

  private func describedNetwork(for dataset: Dataset, _ recipe: TableRecipe?) throws -> Network {
    if let file = network.network { return try norms.exchanged(in: NetworkOptions.named(file, for: dataset)) }
    let isBinary = loss.loss == .sigmoid && dataset.outputCount == 2
    let outputs = isBinary ? 1 : dataset.outputCount
    guard var recipe else {
      return try norms.exchanged(
        in: network.multilayer(
          input: dataset.shape.count, outputs: outputs, defaultUnits: [256, 256], normalization: norms.placement))
    }
    recipe.normalization = norms.placement
    if let hidden = network.hidden { recipe.hidden = hidden.units }
    if let activation = network.activation { recipe.activation = activation }
    return try norms.exchanged(in: recipe.network(for: dataset, outputs: outputs))
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
    _ model: inout Model, with trainer: Trainer, epochs: Int, to splits: DatasetSplits, resuming checkpoint: Checkpoint?
  ) throws {
    let checkpointPath = output.paths.checkpoint
    var report = TrainingReport(epochs: epochs, metric: duration.metric, output: output)
    report.opening = splits.summary(of: data)
    StopSignals.trainingStarts()
    do {
      try trainer.fit(
        &model, to: splits.training, validation: splits.validation, epochs: epochs, resuming: checkpoint,
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

  /// The mean of several models of the network of `model`.
  private func fit(
    _ members: Int, _ model: inout Model, with trainer: Trainer, epochs: Int, to splits: DatasetSplits, heldBack: Double
  ) throws {
    var report = TrainingReport(epochs: epochs, metric: duration.metric, output: output)
    report.opening = splits.summary(of: data)
    StopSignals.trainingStarts()
    do {
      model = try trainer.fitMembers(
        members, of: model.network, to: splits.training,
        validation: heldBack > 0 ? .share(heldBack) : .data(splits.validation), epochs: epochs,
        shouldStop: { StopSignals.haveCome }
      ) { member, event in
        report.member = (member + 1, members)
        report.show(event)
        if case .epoch(let record, _) = event { try report.show(record) }
      }.model
    } catch let error as EvenkeelError where error.code == .interrupted {
      report.clear()
      throw EvenkeelError(.interrupted, error.message + " Nothing is stored before all \(members) members are trained.")
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
