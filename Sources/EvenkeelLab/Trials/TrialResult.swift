/// What became of a trial. A run that left the finite numbers is a result like another.
public struct TrialResult: Codable, Hashable, Sendable {
  /// The model after some steps.
  public struct Point: Codable, Hashable, Sendable {
    public let step: Int
    public let loss: Double
    /// The share of right answers; for values to predict 1 − the mean squared error in units of the target's variance (R²).
    public let score: Double

    public init(step: Int, loss: Double, score: Double) { (self.step, self.loss, self.score) = (step, loss, score) }
  }

  /// In order of steps; of a diverged run up to there.
  public var curve: [Point]
  /// The score behind the last step; of a diverged run that of guessing.
  public var score: Double
  /// The step that could not be made; nil for a run that came to its end.
  public var divergedAt: Int?
  /// Why it diverged, in a sentence.
  public var reason: String?
  /// Processor time of the steps alone, without evaluations and probes.
  public var seconds: Double
  /// What probes measured, by name; where they measure at every evaluation, one value each.
  public var measures: [String: [Double]]

  public init(
    curve: [Point], score: Double, divergedAt: Int? = nil, reason: String? = nil, seconds: Double = 0,
    measures: [String: [Double]] = [:]
  ) {
    (self.curve, self.score, self.divergedAt, self.reason) = (curve, score, divergedAt, reason)
    (self.seconds, self.measures) = (seconds, measures)
  }

  public var isDiverged: Bool { divergedAt != nil }

  /// The steps until the score first was `target`, between two evaluations on the line through both; nil if never.
  public func steps(to target: Double) -> Double? {
    var before: Point?
    for point in curve {
      if point.score >= target {
        guard let before, point.score > before.score else { return Double(point.step) }
        let share = (target - before.score) / (point.score - before.score)
        return Double(before.step) + share * Double(point.step - before.step)
      }
      before = point
    }
    return nil
  }
}
