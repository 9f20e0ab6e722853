import Evenkeel

/// What `train --folds` prints: a line for each fold, and what all of them say.
struct FoldReport {
  private let folds: [Fold]
  private let metric: Metric
  private let epochs: Int
  private let json: Bool
  private let quiet: Bool
  private var values: [Double] = []
  private var started = ContinuousClock.now
  private var shown = ContinuousClock.now

  init(_ folds: [Fold], _ metric: Metric, epochs: Int, _ output: OutputOptions) {
    (self.folds, self.metric, self.epochs, json, quiet) = (
      folds, metric, epochs, output.json, output.quiet
    )
  }

  /// `fold 2/5`, with repeats `repeat 1 fold 2/5`.
  private func name(_ fold: Fold) -> String {
    (folds.last!.round > 1 ? "repeat \(fold.round) " : "") + "fold \(fold.number)/\(fold.count)"
  }

  /// Shows what is understood of the data.
  func open(_ lines: [String]) { if !quiet, !json { for line in lines { tell(line + "\n") } } }

  mutating func begin() { started = .now }

  /// Shows how far a fold is.
  mutating func show(_ event: Trainer.Event, of fold: Fold) {
    guard !quiet, StatusLine.isAvailable else { return }
    switch event {
    case .step(let epoch, let batch, let batches, let loss, _, _):
      guard ContinuousClock.now - shown > .milliseconds(100) else { return }
      shown = .now
      StatusLine.show(
        "\(name(fold))  epoch \(epoch)/\(epochs)  batch \(batch)/\(batches)  loss \(NumberText.plain.fixed(loss, decimals: 4))"
      )
    case .epoch, .interrupted: StatusLine.clear()
    case .evaluated, .saved: break
    }
  }

  /// Takes the result of a fold, and prints it.
  /// - Throws: `EvenkeelError` with code `data` if the metric is not defined on the fold's rows.
  mutating func add(_ evaluation: Evaluation, epochs: Int, temperature: String?, of fold: Fold)
    throws
  {
    guard let value = evaluation.value(of: metric) else {
      throw EvenkeelError(
        .data,
        "The metric \(metric.rawValue) is not defined on the rows of \(name(fold)): \(metric.isOfClasses ? "they lack a class" : "their target is constant")."
      )
    }
    values.append(value)
    let seconds = (ContinuousClock.now - started) / .seconds(1)
    if json {
      return try emitJSON(
        FoldLine(
          round: fold.round, fold: fold.number, metric: metric.rawValue, value: value,
          examples: evaluation.quality.count,
          epochs: epochs, seconds: seconds))
    }
    guard !quiet else { return }
    let text = [
      name(fold), "\(metric.rawValue) \(metric.text(value))", "\(evaluation.quality.count) rows",
      "\(epochs) \(epochs == 1 ? "epoch" : "epochs")", temperature,
      "\(NumberText.plain.fixed(seconds, decimals: 2)) s",
    ]
    tell(text.compactMap(\.self).joined(separator: "  ") + "\n")
  }

  /// The mean over all folds, and its standard error. This is that of the folds of one repeat: more repeats see the same rows again.
  private var mean: (value: Double, error: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(values.count - 1) / Double(folds[0].count)).squareRoot())
  }

  /// The result.
  /// - Parameters:
  ///   - outOfFold: Of each row by the models that were not trained on it.
  ///   - test: Of the mean of all models; nil without test data.
  ///   - threshold: What was chosen, for people.
  ///   - model: The path that the models were written to.
  func finish(
    outOfFold: Evaluation, guess: Guess?, test: Evaluation?, threshold: String?,
    output: OutputDescription?,
    model: String?
  ) throws {
    if json {
      return try emitJSON(
        FoldResultLine(
          metric: metric.rawValue, mean: mean.value, standardError: mean.error, models: folds.count,
          outOfFold: EvaluationLine(outOfFold), test: test.map(EvaluationLine.init),
          threshold: output?.threshold,
          model: model))
    }
    let rounds = folds.last!.round
    try emit(
      "\(metric.rawValue) over \(folds[0].count) folds\(rounds > 1 ? ", repeated \(rounds) times" : ""): \(metric.text(mean.value)) ± \(metric.text(mean.error)) (mean ± standard error)"
    )
    if let threshold { try emit(threshold) }
    try emit("out of fold: " + outOfFold.quality.summary(beside: guess))
    for line in EvaluationReport(evaluation: outOfFold).lines.dropFirst().prefix(while: {
      !$0.isEmpty
    }) {
      try emit("  " + line)
    }
    if let test { try emit("test of the mean of \(folds.count) models: \(test.quality.summary)") }
    if let model {
      try emit("model: \(model), the mean of \(folds.count) models")
    } else {
      complain("the models were not stored; use --output FILE to store them.")
    }
  }
}

private struct FoldLine: Encodable {
  let event = "fold"
  let round, fold: Int
  let metric: String
  let value: Double
  let examples, epochs: Int
  let seconds: Double

  private enum CodingKeys: String, CodingKey {
    case event, fold, metric, value, examples, epochs, seconds
    case round = "repeat"
  }
}

private struct FoldResultLine: Encodable {
  let event = "finished"
  let metric: String
  let mean, standardError: Double
  let models: Int
  let outOfFold: EvaluationLine
  let test: EvaluationLine?
  let threshold: Double?
  let model: String?
}
