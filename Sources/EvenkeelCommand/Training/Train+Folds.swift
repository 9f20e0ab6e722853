import Evenkeel

extension Train {
  /// Trains a model for each fold, judges it on the rows that were left out, and stores the mean of the models.
  /// - Throws: `EvenkeelError` as for one training.
  func run(_ folds: [Fold]) throws {
    try requirePlaces()
    let whole = try sources.readForFolds(data, loss: loss.loss, mostOneHot: mostOneHot, seed: computation.seed)
    try calibration.requireFit(whole.training)
    let recipe = try recipe(for: whole.training)
    var trainer = try makeTrainer(recipe)
    let isRegression = whole.training.isRegression
    trainer.loss = try loss.chosen(isRegression: isRegression)
    let metric = duration.metric ?? (isRegression ? .rootMeanSquaredError : .accuracy)
    var report = FoldReport(folds, metric, epochs: epochs(recipe), output)
    let (opening, guess) = (
      whole.summary(of: data), Guess(from: whole.training, on: whole.training)
    )
    let (test, isTested) = (whole.test, !whole.test.isEmpty)
    var outOfFold = OutOfFold(whole)
    var members: [Model] = []
    for (index, fold) in folds.enumerated() {
      report.begin()
      var parts = try sources.read(
        data, loss: loss.loss, mostOneHot: mostOneHot, fold: fold, seed: computation.seed)
      if heldBack(recipe) > 0 { parts.holdBack(heldBack(recipe), seed: computation.seed &+ UInt64(index)) }
      let left = try fold.rows(
        of: outOfFold.rows.targets, count: outOfFold.rows.count, seed: computation.seed)
      trainer.seed = computation.seed &+ UInt64(index)
      trainer.metric = parts.validation.isEmpty ? nil : duration.metric
      if parts.validation.isEmpty { trainer.patience = nil }
      var model = try makeModel(parts.training, trainer, recipe, nil)
      model.table = parts.table
      if index == 0 {
        try requireValidationShare(parts.validation)
        try warnOfFindings(in: model.network, trainer, examples: parts.training.count)
        report.open(opening)
        StopSignals.trainingStarts()
      }
      try model.requireEvaluable(
        [parts.validation, parts.test], after: trainer.loss, on: parts.training)
      let history: History
      do {
        history = try trainer.fit(
          &model, to: parts.training, validation: parts.validation, epochs: epochs(recipe),
          shouldStop: { StopSignals.haveCome }
        ) { report.show($0, of: fold) }
      } catch let error as EvenkeelError where error.code == .interrupted {
        throw EvenkeelError(
          .interrupted, error.message + " Nothing was stored: that takes the models of all \(folds.count) folds.")
      }
      let temperature = try calibration.fitTemperature(
        of: &model, to: parts.validation, threads: trainer.threads)
      let predictions = try model.predictInDouble(parts.test, threads: trainer.threads)
      try report.add(
        model.output!.evaluation(of: predictions, for: parts.test), epochs: history.epochs.count,
        temperature: model.output?.temperature == nil ? nil : temperature, of: fold)
      outOfFold.add(predictions, of: left, in: fold)
      members.append(model)
    }
    var ensemble = try ModelEnsemble(members)
    let judged = try ensemble.output!.evaluation(of: outOfFold.predictions, for: outOfFold.rows)
    var chosen: String?
    if let goal = calibration.thresholdFor {
      let (threshold, value) = try judged.bestThreshold(for: goal)
      ensemble.setThreshold(threshold)
      chosen = goal.line(
        ensemble.output, threshold, value, on: "\(outOfFold.rows.count) rows out of fold")
    }
    let evaluation =
      try chosen == nil
      ? judged : ensemble.output!.evaluation(of: outOfFold.predictions, for: outOfFold.rows)
    var tested: Evaluation?
    if let path = sources.test {
      tested = try ensemble.evaluation(
        ofDataAt: path, rows: DatabaseRows.of(path, sources.database.rows()), skippingBroken: sources.broken.skipBroken)
    } else if isTested {
      tested = try ensemble.evaluation(of: Array(repeating: test, count: members.count))
    }
    if let path = self.folds.outOfFold {
      try Model.writeText(to: path) { write in
        try outOfFold.text(ensemble.output!).withUnsafeBytes(write)
      }
    }
    if let path = output.output { try ensemble.write(to: path) }
    try report.finish(
      outOfFold: evaluation, guess: guess, test: tested, threshold: chosen, output: ensemble.output,
      model: output.output)
  }

  /// - Throws: `EvenkeelError` with code `usage` for options that folds do not have, or files that cannot be written.
  private func requirePlaces() throws {
    guard output.resume == nil else {
      throw EvenkeelError(
        .usage, "--folds trains several models and keeps no checkpoint to --resume from.")
    }
    if let option = output.report == nil ? logs.given : "--report" {
      throw EvenkeelError(
        .usage,
        "\(option) shows one training, and --folds makes several; evaluate --report shows the mean of their models.")
    }
    let path = folds.outOfFold
    if let path, let output = output.output, AtomicFile.place(path) == AtomicFile.place(output) {
      throw EvenkeelError(
        .usage, "--output and --out-of-fold are the same file; choose another one.")
    }
    try requireApart(
      path, from: [data, sources.test, network.network, from], as: "the file of --out-of-fold")
    try requireOutput(path)
  }

  /// - Throws: `EvenkeelError` with code `usage` for options that need a validation part.
  private func requireValidationShare(_ validation: Dataset) throws {
    guard validation.isEmpty else { return }
    let option =
      duration.patience != nil
      ? "--patience" : calibration.calibration == .temperature ? "--calibration" : nil
    if let option {
      throw EvenkeelError(
        .usage, "\(option) needs --validation, a share of each fold's training rows.")
    }
  }
}
