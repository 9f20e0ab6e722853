import Glibc

/// Tells observers what happens in a training run: from the trainer's events it makes steps and epochs with their pace.
///
///     let run = ObservedRun(try RunStart(of: trainer, on: model, to: data, hasValidation: false, epochs: 5), of: trainer,
///                           by: [try RunLog("run.jsonl", warn: { print($0) })])
///     try run.watched { try trainer.fit(&model, to: data, epochs: 5, onEvent: run.note) }
///     run.end()
///
/// Observers hear of the run once its first step is made: what fails before leaves earlier logs as they are. Steps are
/// told at most every 0.1 s, and the last one of an epoch by the epoch's end, so that no step is told twice.
public final class ObservedRun {
  private let start: RunStart
  private let trainer: Trainer
  private let observers: [any RunObserver]
  private var step: Int
  private var epoch: Int
  private let clock = ContinuousClock()
  /// When observers were last told of a step.
  private var told: ContinuousClock.Instant?
  /// The first step of this process, from which on the pace is measured; nil before.
  private var first: Moment?
  /// The same in the current epoch.
  private var epochStart: Moment?
  private var latest: Moment
  private var hasEnded = false

  /// A place in the run and when it was reached.
  private struct Moment {
    var step = 0
    /// Of the current epoch.
    var examples = 0
    var time: ContinuousClock.Instant
  }

  /// The time between two steps that observers are told of.
  static let interval = Duration.milliseconds(100)

  /// A run that is about to begin.
  /// - Parameter trainer: What makes the run.
  public init(_ start: RunStart, of trainer: Trainer, by observers: [any RunObserver]) {
    (self.start, self.trainer, self.observers) = (start, trainer, observers)
    (step, epoch) = (start.step, start.step / max(1, start.stepsPerEpoch))
    latest = Moment(step: start.step, time: clock.now)
  }

  /// Takes an event of `trainer.fit`.
  public func note(_ event: Trainer.Event) {
    guard !observers.isEmpty else { return }
    switch event {
    case .step(let epoch, let batch, let batches, let loss, let accuracy, let examples):
      step = (epoch - 1) * start.stepsPerEpoch + batch
      latest = Moment(step: step, examples: examples, time: clock.now)
      begin()
      if epochStart == nil { epochStart = latest }
      guard batch < batches, told.map({ latest.time - $0 >= Self.interval }) ?? true else { return }
      told = latest.time
      let made = RunStep(
        step: step, epoch: epoch, batch: batch, loss: loss, accuracy: accuracy, learningRate: learningRate,
        examplesPerSecond: examplesPerSecond, secondsLeft: secondsLeft)
      for observer in observers { observer.stepEnds(made) }
    case .epoch(let record, let checkpoint):
      begin()
      (step, epoch) = (checkpoint.steps, record.epoch)
      let pace = examplesPerSecond
      (latest.step, latest.time) = (step, clock.now)
      let ended = RunEpoch(
        step: step, record: record, learningRate: learningRate, examplesPerSecond: pace, secondsLeft: secondsLeft,
        norms: norms(of: checkpoint.model, record), model: checkpoint.model, metric: trainer.metric)
      for observer in observers { observer.epochEnds(ended) }
      epochStart = Moment(step: step, time: clock.now)
    case .evaluated, .interrupted, .saved: break
    }
  }

  private func begin() {
    guard first == nil else { return }
    first = latest
    for observer in observers { observer.runStarts(start) }
  }

  /// Runs `body`, which trains; if it throws, that is the run's end.
  public func watched<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch {
      let known = error as? EvenkeelError
      end(known?.code == .interrupted ? .interrupted : .failed, message: known?.message)
      throw error
    }
  }

  /// Ends the run with the test's result.
  public func end(test: Quality? = nil) { end(.finished, test: test) }

  private func end(_ status: RunEnd.Status, message: String? = nil, test: Quality? = nil) {
    guard first != nil, !hasEnded else { return }
    hasEnded = true
    let end = RunEnd(status: status, step: step, epoch: epoch, message: message, test: test)
    for observer in observers { observer.runEnds(end) }
  }

  /// Of the step that was made last.
  private var learningRate: Double {
    let (total, overflow) = start.epochs.multipliedReportingOverflow(by: start.stepsPerEpoch)
    return trainer.optimizer.learningRate
      * trainer.schedule.factor(
        step: max(0, step - 1), total: overflow ? .max : total, stepsPerEpoch: start.stepsPerEpoch)
  }

  /// Of the steps of this epoch; nil if there was only one.
  private var examplesPerSecond: Double? {
    guard let epochStart, latest.time > epochStart.time, latest.examples > epochStart.examples else { return nil }
    return Double(latest.examples - epochStart.examples) / ((latest.time - epochStart.time) / .seconds(1))
  }

  /// Until the last epoch, at the pace of this process; nil before its second step.
  private var secondsLeft: Double? {
    guard let first, step > first.step else { return nil }
    return (latest.time - first.time) / .seconds(1) / Double(step - first.step)
      * (Double(start.epochs) * Double(start.stepsPerEpoch) - Double(step))
  }

  /// What the doctor says of the norms without data, which cannot fail for a model that trains.
  private func norms(of model: Model, _ record: EpochRecord) -> [RunNorm] {
    let norms = (try? model.diagnose().norms) ?? []
    return norms.map { RunNorm(health: $0, runningLag: record.batchShifts[$0.layer]?.meanShift) }
  }
}
