import Evenkeel

/// How far an epoch is, on the last line of a terminal.
final class ProgressLine: RunObserver {
  private var start: RunStart?

  func runStarts(_ start: RunStart) { self.start = start }

  func stepEnds(_ step: RunStep) {
    guard let start else { return }
    let fixed = { NumberText.plain.fixed($0, decimals: 0) }
    let pace = step.examplesPerSecond.map { "  \(fixed($0)) examples/s" } ?? ""
    let left = step.secondsLeft.map { "  \(fixed($0)) s left" } ?? ""
    StatusLine.show(
      "epoch \(step.epoch)/\(start.epochs)  batch \(step.batch)/\(start.stepsPerEpoch)  \(TrainingReport.scores(loss: step.loss, accuracy: step.accuracy))\(pace)\(left)"
    )
  }

  func epochEnds(_: RunEpoch) { StatusLine.clear() }
  func runEnds(_: RunEnd) { StatusLine.clear() }
}
