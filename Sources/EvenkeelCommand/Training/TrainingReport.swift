import Evenkeel

/// What `train` prints besides its progress: a line for each epoch, and the result.
struct TrainingReport {
  let epochs: Int
  /// What decides which epoch is the best, besides the loss.
  let metric: Metric?
  let json: Bool
  let quiet: Bool
  /// The path of the page about the training.
  private let report: String?
  /// Lines that are shown once training goes: an error before that stands alone.
  var opening: [String] = []

  init(epochs: Int, metric: Metric?, output: OutputOptions) {
    (self.epochs, self.metric, json, quiet) = (epochs, metric, output.json, output.quiet)
    report = output.report
  }

  /// Opens the report, once training goes.
  mutating func open() {
    if !quiet, !json { for line in opening { tell(line + "\n") } }
    opening = []
  }

  /// A line for an epoch, which goes to standard error unless it is JSON.
  func show(_ record: EpochRecord) throws {
    if json { return try emitJSON(EpochLine(record)) }
    guard !quiet else { return }
    let training = Self.scores(loss: record.trainLoss, accuracy: record.trainAccuracy, error: record.trainRMSE)
    let validation = record.validationLoss.map {
      "  validation " + Self.scores(loss: $0, accuracy: record.validationAccuracy, error: record.validationRMSE)
        + (text(record.validationMetric).map { "  " + $0 } ?? "")
    }
    let seconds = NumberText.plain.fixed(record.seconds, decimals: 2)
    tell("epoch \(record.epoch)/\(epochs)  \(training)\(validation ?? "")  \(seconds) s\n")
  }

  /// A line for one of several networks, as for an epoch: of its best epoch on the rows held back from it, else its last.
  func show(_ history: History, of member: Int, in count: Int) throws {
    guard let last = history.epochs.last else { return }
    let best = history.epochs.min { ($0.validationLoss ?? .infinity) < ($1.validationLoss ?? .infinity) } ?? last
    let record = best.validationLoss == nil ? last : best
    if json {
      return try emitJSON(NetworkLine(network: member, of: count, epochs: last.epoch, best: EpochLine(record)))
    }
    guard !quiet else { return }
    tell("network \(member)/\(count)  \(last.epoch) epochs, ")
    try show(record)
  }

  static func scores(loss: Double, accuracy: Double?, error: Double? = nil) -> String {
    var text = "loss \(NumberText.plain.fixed(loss, decimals: 4))"
    if let accuracy { text += "  accuracy \(NumberText.plain.percent(accuracy, decimals: 2))" }
    if let error { text += "  RMSE \(NumberText.plain.fixed(error, decimals: 4))" }
    return text
  }

  /// A value of `metric` with its name; nil where it is shown anyway.
  private func text(_ value: Double?) -> String? {
    guard let metric, let value, ![.accuracy, .rootMeanSquaredError].contains(metric) else { return nil }
    return "\(metric.rawValue) \(NumberText.plain.fixed(value, decimals: 4))"
  }

  /// The result.
  /// - Parameters:
  ///   - test: nil if there is no test data.
  ///   - guess: How well guessing does on it.
  ///   - decided: What was fitted to the validation data, a line each.
  ///   - output: The same in the model.
  ///   - model: The path that the model was written to.
  func finish(
    test: Evaluation?, guess: Guess?, decided: [String], output: OutputDescription?, model: String?
  ) throws {
    let value = metric.flatMap { test?.value(of: $0) }
    if json {
      return try emitJSON(ResultLine(test?.quality, guess, metric: value, output, model: model, report: report))
    }
    for line in decided { try emit(line) }
    if let test {
      let scores = [test.quality.summary(beside: guess), text(value)].compactMap(\.self).joined(separator: ", ")
      try emit((["test: \(scores)"] + test.quality.targetLines).joined(separator: "\n"))
    }
    if let model {
      try emit("model: \(model)")
    } else {
      complain("the model was not stored; use --output FILE to store it.")
    }
    if let report { try emit("report: \(report)") }
  }
}

private struct EpochLine: Encodable {
  let event = "epoch"
  let epoch: Int
  let trainLoss: Double
  let trainAccuracy, trainRMSE, validationLoss, validationAccuracy, validationRMSE, validationMetric: Double?
  let seconds: Double

  init(_ record: EpochRecord) {
    (epoch, seconds) = (record.epoch, record.seconds)
    (trainLoss, trainAccuracy, trainRMSE) = (record.trainLoss, record.trainAccuracy, record.trainRMSE)
    (validationLoss, validationAccuracy, validationRMSE) =
      (record.validationLoss, record.validationAccuracy, record.validationRMSE)
    validationMetric = record.validationMetric
  }
}

private struct ResultLine: Encodable {
  let event = "finished"
  let testLoss, testAccuracy, testRMSE, testMetric: Double?
  let guessAccuracy, guessRMSE: Double?
  let temperature, threshold: Double?
  let testTargets: [TargetLine]?
  let model, report: String?

  init(
    _ test: Quality?, _ guess: Guess?, metric: Double?, _ output: OutputDescription?, model: String?, report: String?
  ) {
    (temperature, threshold) = (output?.temperature, output?.threshold)
    (guessAccuracy, guessRMSE) = (guess?.accuracy, guess?.rootMeanSquaredError)
    (testLoss, testAccuracy, testRMSE) = (test?.loss, test?.accuracy, test?.rootMeanSquaredError)
    (testMetric, testTargets) = (metric, test.flatMap(TargetLine.lines))
    (self.model, self.report) = (model, report)
  }
}

/// One of several networks, as JSON.
private struct NetworkLine: Encodable {
  let event = "network"
  let network, of, epochs: Int
  let best: EpochLine
}
