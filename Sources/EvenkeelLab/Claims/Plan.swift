import Evenkeel

/// The size of a claim's experiment. Everything else follows from it, so the same plan asks for the same trials.
package struct Plan: Codable, Hashable, Sendable {
  /// The claim's name.
  package var claim: String
  package var data: DataDescription
  /// The user's, with batch norms; nil for the networks that the claims name.
  package var network: Network?
  /// The number of measured seeds; the search has a separate one.
  package var seeds: Int
  /// Steps of a trial.
  package var steps: Int
  /// Values of a quantity that is searched or varied.
  package var grid: Int

  /// Sizes from the smallest meaningful one to that of the original paper.
  package static let sizes: [(steps: Int, grid: Int)] = [
    (60, 3), (120, 4), (200, 5), (350, 5), (600, 6), (1_000, 6), (1_500, 7), (2_500, 7), (4_000, 8), (7_000, 8),
    (12_000, 9), (25_000, 9), (50_000, 9),
  ]

  /// The most seeds that a contender is measured with.
  package static let mostSeeds = 1_000

  /// The place in `sizes`.
  package var size: Int { Self.sizes.firstIndex { $0.steps == steps } ?? 0 }

  package init(claim: String, data: DataDescription, network: Network? = nil, seeds: Int, size: Int) {
    (self.claim, self.data, self.network, self.seeds) = (claim, data, network, seeds)
    (steps, grid) = (Self.sizes[size].steps, Self.sizes[size].grid)
  }

  /// The step sizes that are searched for every side.
  var rates: [Double] { LogarithmicRange(0.03, 10).grid(grid) }

  /// Evaluations of a curve: every twenty steps, 60 at most.
  var courseEvaluations: Int { min(60, max(4, steps / 20)) }
}
