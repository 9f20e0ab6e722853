/// The results so far.
package struct Evidence: Sendable {
  private var results: [Trial: TrialResult]
  /// Stands in for every result that is missing, to see which trials would follow.
  private let assumed: TrialResult?

  package init(_ results: [Trial: TrialResult] = [:]) { (self.results, assumed) = (results, nil) }
  private init(assuming result: TrialResult) { (results, assumed) = ([:], result) }

  /// Assumes a middling result for every trial: a claim then asks for as many trials as it ever will.
  package static let assumed = Evidence(
    assuming: TrialResult(curve: [.init(step: 1, loss: 1, score: 0.5)], score: 0.5))

  package subscript(trial: Trial) -> TrialResult? { results[trial] ?? assumed }

  /// Adds results; a later one of the same trial counts.
  package mutating func add(_ more: [Trial: TrialResult]) { results.merge(more) { $1 } }
}
