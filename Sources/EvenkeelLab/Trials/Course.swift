import Evenkeel

/// What a trial has measured so far.
struct Course {
  let trial: Trial
  let data: LaboratoryData
  var result = TrialResult(curve: [], score: 0)

  init(trial: Trial, data: LaboratoryData) { (self.trial, self.data) = (trial, data) }

  mutating func measure(_ model: Model, at step: Int, on examples: Dataset) throws {
    let quality = try model.evaluate(examples, threads: 1)
    let score = quality.accuracy ?? 1 - quality.loss
    result.curve.append(TrialResult.Point(step: step, loss: quality.loss, score: score))
    result.score = score
  }

  /// Measures what is measured behind the last step alone.
  mutating func finish(_ model: Model) throws {
  }
}
