/// A run as an MLflow server shows it: settings as parameters, the series that TensorBoard has as metrics, and how the
/// run ended.
///
/// The server is told by a thread of its own, every other second. A run that continues another goes on in that one's
/// place if the server has it, and tells every step once.
public final class MLflowLog: RunObserver {
  private let queue: MLflowQueue
  private let warn: (String) -> Void

  /// A log of the run in an experiment of the server at `url`.
  /// - Parameters:
  ///   - url: The server's address: `http://127.0.0.1:5000`.
  ///   - experiment: The name of what the run is shown under; it is made if there is none.
  ///   - warn: Told, once, if the server does not answer or refuses; training goes on.
  /// - Throws: `EvenkeelError` with code `usage` for another kind of address, or no name.
  public init(_ url: String, experiment: String = "evenkeel", warn: @escaping (String) -> Void) throws {
    guard !experiment.isEmpty else { throw EvenkeelError.usage("The name of MLflow's experiment is empty.") }
    queue = MLflowQueue(try MLflowServer(url), experiment: experiment)
    self.warn = warn
  }

  public func runStarts(_ start: RunStart) {
    let identity = Self.identity(of: start)
    var tags = [
      ("mlflow.source.type", "LOCAL"), ("mlflow.source.name", start.command ?? "Evenkeel"),
      ("mlflow.note.content", start.data.joined(separator: "\n\n")), ("evenkeel.version", Release.version),
      ("evenkeel.machine", start.machine), (MLflowRun.identityTag, identity),
    ]
    tags.removeAll { $0.1.isEmpty }
    queue.begin(
      MLflowRun(
        tags: tags.map { MLflowPair($0, $1, most: 4_900) },
        params: start.settings.map { MLflowPair(tag($0.name), $0.value.text, most: 250) }, identity: identity,
        goesOn: start.step > 0))
  }

  /// What stays the same when a run goes on: network, data, and settings but for the number of epochs.
  private static func identity(of start: RunStart) -> String {
    var hash = Fingerprint()
    hash.add((try? JSONLine.text(start.network)) ?? "")
    hash.add(start.examples)
    for (name, value) in start.settings where name != "epochs" {
      hash.add(name)
      hash.add(value.text)
    }
    return hash.text
  }

  public func stepEnds(_ step: RunStep) {
    tell(
      step.step,
      [
        ("train/loss", step.loss), ("train/accuracy", step.accuracy), ("learning_rate", step.learningRate),
        ("examples_per_second", step.examplesPerSecond),
      ])
  }

  public func epochEnds(_ epoch: RunEpoch) {
    let record = epoch.record
    var values: [(String, Double?)] = [
      ("train/loss", record.trainLoss), ("train/accuracy", record.trainAccuracy), ("train/rmse", record.trainRMSE),
      ("validation/loss", record.validationLoss), ("validation/accuracy", record.validationAccuracy),
      ("validation/rmse", record.validationRMSE), ("learning_rate", epoch.learningRate),
      ("examples_per_second", epoch.examplesPerSecond), ("epoch", Double(record.epoch)),
    ]
    if let metric = epoch.metric, metric != .accuracy, metric != .rootMeanSquaredError {
      values.append(("validation/" + tag(metric.rawValue), record.validationMetric))
    }
    for norm in epoch.norms {
      let place = "norm/\(norm.health.layer)/"
      values += [
        (place + "variance_below_epsilon", norm.health.shareBelowEpsilon), (place + "running_lag", norm.runningLag),
        (place + "gamma_abs_max", norm.largestScale), (place + "gradient_share", norm.health.expectedOpenShare),
      ]
    }
    tell(epoch.step, values)
  }

  public func runEnds(_ end: RunEnd) {
    if let test = end.test {
      tell(
        end.step,
        [
          ("test/loss", test.loss), ("test/accuracy", test.accuracy), ("test/rmse", test.rootMeanSquaredError),
        ])
    }
    queue.end(end.status)
    if let problem = queue.takeProblem() { warn(problem) }
  }

  private func tell(_ step: Int, _ values: [(key: String, value: Double?)]) {
    queue.add(values.compactMap { key, value in value.map { MLflowMetric(key, $0, step: step) } })
    if let problem = queue.takeProblem() { warn(problem) }
  }
}

extension RunSetting {
  /// As MLflow shows it.
  fileprivate var text: String {
    switch self {
    case .number(let number): "\(number)"
    case .count(let count): "\(count)"
    case .text(let text): text
    }
  }
}
