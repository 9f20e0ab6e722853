/// A run as TensorBoard shows it: numbers in the folders `train` and `validation` below the run's own, which holds its
/// settings for the table of hyperparameters, and the words about it.
///
/// A run that continues another cuts off what was written after its checkpoint, and goes on in files of its own.
public final class EventLog: RunObserver {
  private let folder: String
  private let histogramInterval: Int
  private let warn: (String) -> Void
  private var hasWarned = false
  private var stepsPerEpoch = 1
  private var run, training, validation: EventFile?

  /// A log that replaces the one in `folder`, if there is one, or continues it, when the run starts. Other files stay.
  /// - Parameters:
  ///   - folder: The path of the run's folder; the one above it is what TensorBoard is given.
  ///   - histogramInterval: Parameters and running statistics become histograms after every so many epochs; 0: never.
  ///   - warn: Told, once, if something cannot be written; training goes on.
  /// - Throws: `EvenkeelError` with code `usage` for a negative interval.
  public init(_ folder: String, histogramInterval: Int = 0, warn: @escaping (String) -> Void) throws {
    guard histogramInterval >= 0 else {
      throw EvenkeelError.usage("The interval of histograms is \(histogramInterval) epochs; expected 0 or more.")
    }
    (self.folder, self.histogramInterval, self.warn) = (folder, histogramInterval, warn)
  }

  private func file(_ name: String, after step: Int) -> EventFile {
    EventFile(in: name.isEmpty ? folder : folder + "/" + name, after: step) { [weak self] sentence in
      guard let self, !hasWarned else { return }
      hasWarned = true
      warn(sentence)
    }
  }

  public func runStarts(_ start: RunStart) {
    stepsPerEpoch = max(1, start.stepsPerEpoch)
    run = file("", after: 0)
    training = file("train", after: start.step)
    validation = start.validationScores.isEmpty ? nil : file("validation", after: start.step)
    let table = HyperparameterTable(
      settings: start.settings,
      metrics: start.validationScores.map { .init(run: "validation", tag: tag($0)) }
        + start.trainingScores.map { .init(run: "train", tag: tag($0)) })
    run?.append(step: 0) { $0.add(table.columns(time: $1)) }
    run?.append(step: 0) { $0.add(table.row(time: $1)) }
    run?.append(step: 0) { event, _ in
      let network = (try? JSONLine.text(start.network)).map { "```json\n\($0)\n```" }
      for (name, text) in [
        ("command", start.command.map { "`\($0)`" }), ("data", start.data.joined(separator: "\n\n")),
        ("machine", start.machine), ("network", network),
      ] {
        if let text, !text.isEmpty { event.add(name + "/text_summary", text: text) }
      }
    }
  }

  public func stepEnds(_ step: RunStep) {
    training?.append(step: step.step) { event, _ in
      event.add("loss", step.loss)
      if let accuracy = step.accuracy { event.add("accuracy", accuracy) }
      add(learningRate: step.learningRate, examplesPerSecond: step.examplesPerSecond, step: step.step, to: &event)
    }
  }

  public func epochEnds(_ epoch: RunEpoch) {
    let record = epoch.record
    training?.append(step: epoch.step) { event, _ in
      event.add("loss", record.trainLoss)
      if let accuracy = record.trainAccuracy { event.add("accuracy", accuracy) }
      if let error = record.trainRMSE { event.add("rmse", error) }
      add(
        learningRate: epoch.learningRate, examplesPerSecond: epoch.examplesPerSecond, step: epoch.step, to: &event)
      for norm in epoch.norms { add(norm, to: &event) }
      if histogramInterval > 0, record.epoch % histogramInterval == 0 { addHistograms(of: epoch.model, to: &event) }
    }
    guard let loss = record.validationLoss else { return }
    validation?.append(step: epoch.step) { event, _ in
      event.add("loss", loss)
      if let accuracy = record.validationAccuracy { event.add("accuracy", accuracy) }
      if let error = record.validationRMSE { event.add("rmse", error) }
      if let metric = epoch.metric, let value = record.validationMetric,
        metric != .accuracy, metric != .rootMeanSquaredError
      {
        event.add(tag(metric.rawValue), value)
      }
      event.add("epoch", Double(record.epoch))
    }
  }

  private func add(learningRate: Double, examplesPerSecond: Double?, step: Int, to event: inout LoggedEvent) {
    event.add("learning_rate", learningRate)
    if let examplesPerSecond { event.add("examples_per_second", examplesPerSecond) }
    event.add("epoch", Double(step) / Double(stepsPerEpoch))
  }

  private func add(_ norm: RunNorm, to event: inout LoggedEvent) {
    let place = "norm/\(norm.health.layer)/"
    event.add(place + "variance_below_epsilon", norm.health.shareBelowEpsilon)
    if let lag = norm.runningLag { event.add(place + "running_lag", lag) }
    if let scale = norm.largestScale { event.add(place + "gamma_abs_max", scale) }
    if let share = norm.health.expectedOpenShare { event.add(place + "gradient_share", share) }
  }

  private func addHistograms(of model: Model, to event: inout LoggedEvent) {
    for (name, _, values) in model.parameters { event.add(name, histogramOf: values.values) }
    for (name, values) in model.buffers where values.shape.rank > 0 { event.add(name, histogramOf: values.values) }
  }

  public func runEnds(_ end: RunEnd) {
    run?.append(step: 0) { $0.add(HyperparameterTable.end(success: end.status == .finished, time: $1)) }
    guard let test = end.test else { return }
    run?.append(step: end.step) { event, _ in
      event.add("test/loss", test.loss)
      if let accuracy = test.accuracy { event.add("test/accuracy", accuracy) }
      if let error = test.rootMeanSquaredError { event.add("test/rmse", error) }
    }
  }
}
