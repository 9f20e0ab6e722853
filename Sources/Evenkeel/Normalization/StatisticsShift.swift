import Glibc
import Kernels

/// How far the statistics of one batch norm are from others, in units of the deviation by which the norm divides.
public struct StatisticsShift: Hashable, Codable, Sendable {
  /// The root of the mean over features of ((μ′ − μ)/√(σ² + ε))²: how far the norm's output moves, before γ.
  public let meanShift: Double
  /// The largest |μ′ − μ|/√(σ² + ε) of any feature.
  public let largestMeanShift: Double
  /// The least (σ′² + ε)/(σ² + ε) of any feature.
  public let lowestVarianceRatio: Double
  /// The geometric mean of (σ′² + ε)/(σ² + ε) over features.
  public let varianceRatio: Double
  /// The greatest (σ′² + ε)/(σ² + ε) of any feature.
  public let highestVarianceRatio: Double

  /// The shift from `old` to `new` statistics of a norm with this ε. A feature whose old variance and ε are both 0 does
  /// not move, as the norm makes it 0.
  /// - Precondition: Both have the same number of features.
  public init(from old: RunningStatistics, to new: RunningStatistics, epsilon: Double) {
    precondition(old.mean.count == new.mean.count)
    let features = old.mean.indices
    let shifts = features.map {
      (Double(new.mean[$0]) - Double(old.mean[$0])) * ek_inverse_deviation(Double(old.variance[$0]), epsilon)
    }
    let ratios = features.map { feature in
      let before = Double(old.variance[feature]) + epsilon
      return before == 0 ? 1 : (Double(new.variance[feature]) + epsilon) / before
    }
    meanShift = (shifts.reduce(0) { $0 + $1 * $1 } / Double(max(shifts.count, 1))).squareRoot()
    largestMeanShift = shifts.map(abs).max() ?? 0
    lowestVarianceRatio = ratios.min() ?? 1
    highestVarianceRatio = ratios.max() ?? 1
    varianceRatio = exp(ratios.reduce(0) { $0 + log($1) } / Double(max(ratios.count, 1)))
  }
}
