import ArgumentParser
import Evenkeel

struct Train: SharedCommand {
  static let configuration = CommandConfiguration(abstract: "Trains a model on DATA and stores it.")

  @Argument(
    help:
      "digits (drawn by the program), a table (CSV, JSON objects one a line, or an SQLite database; also as encode writes it), an NPY or NPZ file, - for one of these on standard input, or a folder of IDX files, CIFAR-10 batches or images."
  )
  var data: String
  @OptionGroup(title: "Data") var sources: DataOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @Option(help: "A model whose parameters and network training begins with, as one of import.") var from: String?
  @OptionGroup(title: "Network") var norms: NormalizationOption
  @OptionGroup(title: "Tables") var tables: TableNetworkOptions
  @OptionGroup(title: "Loss") var loss: LossOptions
  @OptionGroup(title: "Optimizer") var optimizer: OptimizerOptions
  @OptionGroup(title: "Optimizer") var schedule: ScheduleOptions
  @OptionGroup(title: "Batches") var batches: BatchOptions
  @OptionGroup(title: "Duration") var duration: DurationOptions
  @OptionGroup(title: "Probabilities") var calibration: CalibrationOptions
  @OptionGroup(title: "Folds") var folds: FoldOptions
  @OptionGroup(title: "Computation") var computation: ComputationOptions
  @OptionGroup(title: "Computation") var ranks: TrainingRankOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Logs") var logs: LogOptions

  mutating func run() throws {
    StopSignals.watch()
    try computation.ranks.join(reading: data, threads: computation.threadOption.given)
    try ranks.requireFit()
    if !Ranks.isFirst {
      (output.quiet, output.report) = (true, nil)
      (logs.log, logs.tensorboard, logs.tensorboardHistograms) = (nil, nil, nil)
    }
    try requireAlone()
    try network.requireOneDescription()
    try tables.requireRange()
    if network.network != nil || from != nil, let option = tables.givenOfNetwork {
      throw EvenkeelError(
        .usage,
        "\(option) describes the network already described by \(from == nil ? "--network" : "--from"); omit one.")
    }
    try norms.requirePlacement(in: network.network)
    try requireOneStart()
    try output.requirePaths(apartFrom: inputs)
    try makeTrainer(nil).validate(epochs: epochs(nil))
    if let folds = try folds.chosen() { return try run(folds) }
    let observers = try observers()
    let checkpoint = try output.resume.map { try Checkpoint(contentsOf: $0) }
    if let checkpoint { try sources.requireWeight(of: checkpoint) }
    var splits = try sources.read(
      data, loss: loss.loss, mostOneHot: mostOneHot, seed: computation.seed,
      sharding: ranks.sharding())
    try calibration.requireFit(splits.training)
    let recipe = try recipe(for: splits.training, resuming: checkpoint != nil)
    let heldBack = splits.validation.isEmpty ? heldBack(recipe) : 0
    if heldBack > 0, recipe?.members == 1 { splits.holdBack(heldBack, seed: computation.seed) }
    try requireValidation(splits.validation, heldBack: heldBack)
    var trainer = try makeTrainer(recipe)
    if splits.validation.isEmpty, heldBack == 0 { trainer.patience = nil }
    if let remark = batches.remark(examples: splits.training.count) { warn(remark) }
    trainer.loss = try loss.chosen(isRegression: splits.training.isRegression)
    if let checkpoint { warnOfOtherEpochs(than: checkpoint, trainer, epochs: epochs(recipe)) }
    var model = try makeModel(splits.training, trainer, recipe, checkpoint)
    model.table = splits.table
    try warnOfFindings(in: model.network, trainer, examples: splits.training.count)
    try model.requireEvaluable([splits.validation, splits.test], after: trainer.loss, on: splits.training)
    for part in [splits.validation, splits.test] { try part.requireFinite() }
    if sources.test != nil { try Ranks.requireSame(splits.test, "test") }
    let rare = recipe != nil && loss.classWeight == nil ? splits.training.remarkOnRareClass : nil
    // A network of one's own is none of the recipe's.
    let isOwn = network.network != nil || from != nil
    let told = recipe?.summary(heldBack: heldBack).suffix(isOwn ? 1 : 2) ?? []
    let lines = splits.summary(of: data) + told + [rare].compactMap(\.self)
    let run = ObservedRun(
      try RunStart(
        of: trainer, on: model, to: splits.training, hasValidation: !splits.validation.isEmpty, epochs: epochs(recipe),
        resuming: checkpoint, command: givenCommand(), data: lines), of: trainer, by: observers)
    try run.watched { try complete(run, of: &model, trainer, recipe, splits, checkpoint, opening: lines) }
  }

  /// - Throws: `EvenkeelError` with code `usage` for what several processes cannot do.
  private func requireAlone() throws {
    guard Ranks.communicator != nil else { return }
    if folds.folds != nil {
      throw EvenkeelError(.usage, "--folds trains in one process; it does not work on ranks yet.")
    }
    if ranks.sync.ranks != nil, batches.accumulate ?? 1 > 1 {
      throw EvenkeelError(
        .usage, "--sync \(ranks.sync.text) parts whole batches among ranks; it does not go with --accumulate.")
    }
  }

  /// The files that are read.
  private var inputs: [String?] { [data, sources.validation, sources.test, network.network, from] }

  /// The most categories of a column that become a feature each, for a network that may have others as vectors.
  var mostOneHot: Int? { network.network == nil && from == nil ? TableRecipe.mostOneHot : nil }

  /// What watches the run, the terminal included.
  private func observers() throws -> [any RunObserver] {
    var observers = try logs.observers(
      apartFrom: inputs + [output.resume], outputs: [output.paths.model, output.paths.checkpoint, output.report])
    if !output.quiet, StatusLine.isAvailable { observers.append(ProgressLine()) }
    return observers
  }

  /// - Throws: `EvenkeelError` with code `usage` for options that need a validation part.
  private func requireValidation(_ validation: Dataset, heldBack: Double) throws {
    if duration.patience ?? 0 != 0 || duration.metric != nil, validation.isEmpty, heldBack == 0 {
      let option = duration.patience != nil ? "--patience" : "--metric"
      throw EvenkeelError(.usage, "\(option) needs --validation, either a share or DATA.")
    }
    try calibration.requireValidation(validation)
  }

  /// Trains the model, fits what the validation part decides, stores the model, and says how good it is.
  private func complete(
    _ run: ObservedRun, of model: inout Model, _ trainer: Trainer, _ recipe: TableRecipe?, _ splits: DatasetSplits,
    _ checkpoint: Checkpoint?, opening: [String]
  ) throws {
    let page = TrainingPage(data: data, splits: splits, trainer: trainer, epochs: epochs(recipe))
    var report = TrainingReport(epochs: epochs(recipe), metric: duration.metric, output: output)
    report.opening = opening
    let history =
      if let recipe, recipe.members > 1 {
        try fit(
          recipe.members, &model, with: trainer, to: splits,
          heldBack: splits.validation.isEmpty ? heldBack(recipe) : 0, report)
      } else {
        try fit(&model, with: trainer, to: splits, resuming: checkpoint, watchedBy: run, page, report)
      }
    if !output.quiet, !output.json, let costs = Ranks.costs(in: history.epochs.reduce(0) { $0 + $1.seconds }) {
      tell(costs + "\n")
    }
    let decided = try calibration.fit(&model, to: splits.validation, threads: trainer.threads)
    let evaluation = try finalEvaluation(of: model, on: splits)
    evaluation.warnOfUnknownClasses()
    let guess = Guess(from: splits.training, on: splits.test)
    if let path = output.paths.model { try model.write(to: path) }
    if let path = output.report { try page.report(model, history, evaluation).write(to: path) }
    let test = splits.test.isEmpty ? nil : evaluation
    run.end(test: test?.quality)
    try report.finish(
      test: test, guess: guess, decided: decided, output: model.output, model: output.paths.model)
  }

  /// What is done where the options say nothing; nil for other data than tables.
  /// - Throws: `EvenkeelError` with code `usage` for several networks where there can be one.
  func recipe(for dataset: Dataset, resuming: Bool = false) throws -> TableRecipe? {
    guard dataset.isTable, !dataset.isEmpty else {
      if let option = tables.given { throw EvenkeelError(.usage, "\(option) is for tables; this data is none.") }
      return nil
    }
    var recipe = tables.applied(to: TableRecipe(rows: dataset.count, features: dataset.shape.count))
    recipe.normalization = norms.placement
    if let hidden = network.hidden { recipe.hidden = hidden.units }
    if let activation = network.activation { recipe.activation = activation }
    if let dropout = network.dropout { recipe.dropout = dropout }
    if let epochs = duration.epochs { recipe.epochs = epochs }
    if let batchSize = batches.batchSize { recipe.batchSize = batchSize }
    guard let reason = reasonForOneNetwork(resuming: resuming) else { return recipe }
    if let members = tables.members, members > 1 {
      throw EvenkeelError(.usage, "--members \(members): \(reason), so there can be one.")
    }
    recipe.members = 1
    return recipe
  }

  private func reasonForOneNetwork(resuming: Bool) -> String? {
    if network.network != nil { return "--network describes a network of your own" }
    if from != nil { return "--from begins with one network" }
    if resuming { return "a checkpoint holds one network" }
    if logs.given != nil { return "a log follows one network" }
    if folds.folds != nil { return "--folds trains a network for each fold" }
    if calibration.calibration == .temperature { return "--calibration needs rows that no network was trained on" }
    if calibration.thresholdFor != nil { return "--threshold-for needs rows that no network was trained on" }
    return nil
  }

  /// The share of a table's training rows that is held back where nothing is said.
  func heldBack(_ recipe: TableRecipe?) -> Double {
    recipe == nil || sources.validation != nil ? 0 : TableRecipe.validation
  }

  func epochs(_ recipe: TableRecipe?) -> Int { duration.epochs ?? recipe?.epochs ?? 5 }

  /// The trainer that the options describe; the loss may depend on the data.
  /// - Parameter recipe: What is used where the options say nothing; nil for other data than tables.
  func makeTrainer(_ recipe: TableRecipe?) throws -> Trainer {
    var trainer = Trainer(
      loss: try loss.chosen(isRegression: false), optimizer: try optimizer.chosen(recipe),
      batchSize: batches.batchSize ?? recipe?.batchSize ?? 128,
      schedule: schedule.chosen(epochs: epochs(recipe), isTable: recipe != nil), clippingNorm: optimizer.clip,
      patience: duration.patience.map { $0 == 0 ? nil : $0 } ?? recipe?.patience, metric: duration.metric,
      augmentation: try sources.augmentation(), accumulating: batches.accumulate ?? 1,
      statistics: try batches.statistics(), classWeights: loss.classWeight, freezing: try batches.freezing(),
      averaging: duration.average.map(\.averaging) ?? recipe?.averaging, numbers: recipe?.numbers ?? .standard,
      precision: computation.precision, seed: computation.seed,
      threads: Ranks.threads ?? computation.threadOption.count)
    trainer.communicator = Ranks.communicator
    trainer.checkpointInterval = duration.checkpointEvery
    return trainer
  }

  /// Whether options say what the network is.
  private var isDescribed: Bool {
    network.network != nil || network.hidden != nil || network.activation != nil || network.dropout != nil
      || norms.normalization != nil || ranks.sync.ranks != nil
  }

  /// - Throws: `EvenkeelError` with code `usage` for a model to begin with beside a checkpoint or a network.
  private func requireOneStart() throws {
    guard from != nil, isDescribed || output.resume != nil else { return }
    throw EvenkeelError(
      .usage,
      "--from takes the model's network as it is; omit \(output.resume == nil ? "what describes another" : "--resume")."
    )
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
  func makeModel(
    _ dataset: Dataset, _ trainer: Trainer, _ recipe: TableRecipe?, _ checkpoint: Checkpoint?
  ) throws -> Model {
    let model: Model
    if let checkpoint {
      guard try !isDescribed || describedNetwork(for: dataset, recipe) == checkpoint.model.network else {
        throw EvenkeelError(
          .usage,
          "The network differs from the checkpoint's. Omit it\(ranks.sync.ranks == nil ? "" : ", and --sync"): a resumed run uses the checkpoint's network."
        )
      }
      model = checkpoint.model
    } else if let from {
      model = try Model(contentsOf: from)
      try trainer.requireMemory(for: model.network)
    } else {
      let described = try describedNetwork(for: dataset, recipe)
      try dataset.requireNumbers(for: described)
      try trainer.requireMemory(for: described)
      model = try Model(described, seed: trainer.seed)
    }
    try trainer.requireStatistics(of: model.network.placed(), examples: dataset.count)
    return model
  }

  private func describedNetwork(for dataset: Dataset, _ recipe: TableRecipe?) throws -> Network {
    let network = try ownNetwork(for: dataset, recipe)
    guard let groups = try ranks.groups() else { return network }
    return try network.withGhostBatches(of: makeTrainer(recipe).ghostBatch(of: groups, examples: dataset.count))
  }

  /// What the options describe, for one process.
  private func ownNetwork(for dataset: Dataset, _ recipe: TableRecipe?) throws -> Network {
    if let file = network.network { return try norms.exchanged(in: NetworkOptions.named(file, for: dataset)) }
    let isBinary = loss.loss == .sigmoid && dataset.outputCount == 2
    let outputs = isBinary ? 1 : dataset.outputCount
    guard let recipe else {
      return try norms.exchanged(
        in: network.multilayer(
          input: dataset.shape.count, outputs: outputs, defaultUnits: [256, 256], normalization: norms.placement))
    }
    return try norms.exchanged(in: recipe.network(for: dataset, outputs: outputs))
  }

  func warnOfFindings(in network: Network, _ trainer: Trainer, examples: Int) throws {
    let findings = try network.diagnose(
      batchSize: trainer.examplesOfStatistics(of: network.placed(), in: examples),
      weightDecay: trainer.optimizer.weightDecay)
    for (layers, finding) in Finding.grouped(findings) where finding.severity > .note {
      warn("\(layers): \(finding.cause) \(finding.remedy)")
    }
  }

  /// - Parameter page: Written of what there is if the training is interrupted.
  private func fit(
    _ model: inout Model, with trainer: Trainer, to splits: DatasetSplits, resuming checkpoint: Checkpoint?,
    watchedBy run: ObservedRun, _ page: TrainingPage, _ report: TrainingReport
  ) throws -> History {
    let checkpointPath = output.paths.checkpoint
    var report = report
    var history = checkpoint?.history ?? History()
    StopSignals.trainingStarts()
    do {
      return try trainer.fit(
        &model, to: splits.training, validation: splits.validation, epochs: report.epochs, resuming: checkpoint,
        shouldStop: { StopSignals.haveCome }
      ) { event in
        report.open()
        // What a log tells of an epoch is in it before the checkpoint that the log is cut to.
        run.note(event)
        switch event {
        case .epoch(let record, let checkpoint):
          history = checkpoint.history
          if let checkpointPath { try checkpoint.write(to: checkpointPath) }
          try report.show(record)
        case .interrupted(let checkpoint), .saved(let checkpoint):
          if let checkpointPath { try checkpoint.write(to: checkpointPath) }
        case .step, .evaluated: break
        }
      }
    } catch let error as EvenkeelError where error.code == .interrupted {
      if let path = output.report {
        do { try page.report(interrupted: model, history).write(to: path) } catch { warn("\(error)") }
      }
      throw EvenkeelError(
        .interrupted,
        error.message
          + (checkpointPath.map { " To continue, run the same command with --resume \($0)." }
            ?? " No --output was given, so nothing was saved."))
    }
  }

  /// Makes `model` the mean of several of its network.
  /// - Returns: What happened to the first.
  private func fit(
    _ members: Int, _ model: inout Model, with trainer: Trainer, to splits: DatasetSplits, heldBack: Double,
    _ report: TrainingReport
  ) throws -> History {
    var report = report
    let progress =
      output.quiet || !StatusLine.isAvailable ? nil : MemberProgress(members: members, epochs: report.epochs)
    StopSignals.trainingStarts()
    do {
      let (mean, histories) = try trainer.fitMembers(
        members, of: model.network, to: splits.training,
        validation: heldBack > 0 ? .share(heldBack) : .data(splits.validation), epochs: report.epochs,
        shouldStop: { StopSignals.haveCome }
      ) { member, event in
        report.open()
        progress?.show(event, of: member)
      } onEnd: { member, history in
        try report.show(history, of: member + 1, in: members)
      }
      model = mean
      model.table = splits.table
      return histories[0]
    } catch let error as EvenkeelError where error.code == .interrupted {
      throw EvenkeelError(
        .interrupted, error.message + " Nothing is stored before all \(members) networks are trained.")
    }
  }

  /// How well the model does on the test part, or on another if there is none: a model that does not predict numbers is not stored.
  private func finalEvaluation(of model: Model, on splits: DatasetSplits) throws -> Evaluation {
    do {
      return try ModelEnsemble([model]).evaluation(
        of: [splits.judged.part], threads: Ranks.threads, among: Ranks.communicator)
    } catch let error as EvenkeelError {
      throw EvenkeelError(error.code, error.message + (output.paths.model.map { " \($0) is not written." } ?? ""))
    }
  }
}

extension Dataset {
  var isRegression: Bool { if case .values = targets { true } else { false } }

  /// - Throws: `EvenkeelError` with code `usage` if a column holds numbers of categories and `network` takes them for amounts.
  fileprivate func requireNumbers(for network: Network) throws {
    guard let column = encoding?.embeddedColumns.first, !network.layers.contains(where: { $0 is Embedding }) else {
      return
    }
    throw EvenkeelError(
      .usage,
      "The column \(column) was encoded for vectors of categories, which the network has none of; encode --one-hot makes each category a feature."
    )
  }
}
