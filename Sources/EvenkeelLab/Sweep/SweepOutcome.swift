import Evenkeel

/// What a sweep found on each side.
public struct SweepOutcome: Sendable {
  /// One side's scores.
  public struct SideOutcome: Sendable {
    public let normalization: String
    /// In the order of the sweep's places; nil for a trial that diverged.
    public let scores: [Double?]
    /// The place of the best score and the score; nil if all diverged.
    public let best: (place: Sweep.Place, score: Double)?
    /// The share of trials that reach 95 % of the best score of all sides.
    public let workingShare: Double
    public var divergedShare: Double { Double(scores.count { $0 == nil }) / Double(max(1, scores.count)) }
  }

  public let sweep: Sweep
  public let sides: [SideOutcome]
  /// What a working trial reaches.
  public let threshold: Double

  /// - Parameter results: Of all trials of `sweep`.
  public init(_ sweep: Sweep, on data: DataDescription, results: [Trial: TrialResult]) throws {
    self.sweep = sweep
    let places = sweep.places
    let scores = try sweep.normalizations.map { name in
      try sweep.trials(of: name, on: data).map { trial in results[trial].flatMap { $0.isDiverged ? nil : $0.score } }
    }
    let threshold = 0.95 * (scores.joined().compactMap(\.self).max() ?? 0)
    self.threshold = threshold
    sides = zip(sweep.normalizations, scores).map { name, scores in
      let best = scores.indices.filter { scores[$0] != nil }.max { scores[$0]! < scores[$1]! }
      return SideOutcome(
        normalization: name, scores: scores, best: best.map { (places[$0], scores[$0]!) },
        workingShare: Double(scores.count { $0.map { $0 > 0 && $0 >= threshold } ?? false })
          / Double(max(1, scores.count)))
    }
  }
}
