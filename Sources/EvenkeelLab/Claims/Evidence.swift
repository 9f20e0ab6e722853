/// The results that there are so far.
public struct Evidence: Sendable {
  private var results: [Trial: TrialResult]
  /// Stands in for every result that is missing, to see which trials would follow.
  private let assumed: TrialResult?

  public init(_ results: [Trial: TrialResult] = [:]) { (self.results, assumed) = (results, nil) }
  private init(assuming result: TrialResult) { (results, assumed) = ([:], result) }

  /// Every trial ended in the middle: what a claim asks for then is as much as it will.
  package static let assumed = Evidence(
    assuming: TrialResult(curve: [.init(step: 1, loss: 1, score: 0.5)], score: 0.5))

  public subscript(trial: Trial) -> TrialResult? { results[trial] ?? assumed }

  /// Adds results; a later one of the same trial counts.
  public mutating func add(_ more: [Trial: TrialResult]) { results.merge(more) { $1 } }
}
