/// What became of a trial. A run that left the finite numbers is a result like another.
package struct TrialResult: Codable, Hashable, Sendable {
  /// The model after some steps.
  package struct Point: Codable, Hashable, Sendable {
    package let step: Int
    package let loss: Double
    /// The share of right answers; for values to predict 1 − the mean squared error in units of the target's variance (R²).
    package let score: Double

    package init(step: Int, loss: Double, score: Double) { (self.step, self.loss, self.score) = (step, loss, score) }
  }

  /// In order of steps; of a diverged run up to there.
  package var curve: [Point]
  /// The score after the last step; of a diverged run that of guessing.
  package var score: Double
  /// The step that could not be made; nil for a run that came to its end.
  package var divergedAt: Int?
  /// Why it diverged, in a sentence.
  package var reason: String?
  /// Processor time of the steps only, without evaluations and probes.
  package var seconds: Double
  /// What probes measured; where they measure at every evaluation, one value each.
  package var measures: [Measure: [Double]]

  package init(
    curve: [Point], score: Double, divergedAt: Int? = nil, reason: String? = nil, seconds: Double = 0,
    measures: [Measure: [Double]] = [:]
  ) {
    (self.curve, self.score, self.divergedAt, self.reason) = (curve, score, divergedAt, reason)
    (self.seconds, self.measures) = (seconds, measures)
  }

  package var isDiverged: Bool { divergedAt != nil }

  /// The steps until the score first was `target`, between two evaluations on the line through both; nil if never.
  package func steps(to target: Double) -> Double? {
    var before: Point?
    for point in curve {
      if point.score >= target {
        guard let before, point.score > before.score else { return Double(point.step) }
        let share = (target - before.score) / (point.score - before.score)
        return Double(before.step) + share * (Double(point.step) - Double(before.step))
      }
      before = point
    }
    return nil
  }
}
