import Evenkeel
import Glibc

/// How sure a mean over seeds is.
package enum Bootstrap {
  /// The 95 % interval of the mean of `values`, one value per seed: the expanded percentile bootstrap (Hesterberg 2015,
  /// "What teachers should know about the bootstrap", §5.3).
  ///
  /// 20,000 times as many values as there are are drawn from `values` with replacement. The plain percentile interval
  /// of their means is too narrow for few values, by √((n − 1)/n) and by the normal quantile in place of Student's; the
  /// expanded one takes quantiles further out, Φ(−t √(n/(n − 1))). The draws follow only from `values`: the same
  /// values, the same interval.
  /// - Returns: nil for fewer than two values, which say nothing about their spread, or any that is not finite or too large to be summed.
  package static func interval(of values: [Double]) -> ClosedRange<Double>? {
    let n = values.count
    guard n >= 2, values.allSatisfy(\.isFinite) else { return nil }
    let draws = 20_000
    var random = RandomNumbers(RandomKey(seed: values.reduce(0) { RandomKey(seed: $0 ^ $1.bitPattern).value }))
    var means = [Double](repeating: 0, count: draws)
    for draw in means.indices {
      var sum = 0.0
      for _ in 0..<n { sum += values[random.integer(below: n)] }
      means[draw] = sum / Double(n)
    }
    means.sort()
    let tail = tail(n)
    let position = tail * Double(draws - 1)
    let (low, high) = (quantile(means, position), quantile(means, Double(draws - 1) - position))
    // Sums of huge values leave the finite numbers.
    return low.isFinite && high.isFinite ? low...high : nil
  }

  /// The share of bootstrap means that each end leaves out.
  package static func tail(_ n: Int) -> Double {
    let t = studentQuantiles[min(n - 1, studentQuantiles.count) - 1] * (Double(n) / Double(n - 1)).squareRoot()
    return 0.5 * erfc(t / 2.0.squareRoot())
  }

  private static func quantile(_ sorted: [Double], _ position: Double) -> Double {
    let below = min(sorted.count - 1, max(0, Int(position)))
    let above = min(sorted.count - 1, below + 1)
    return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
  }

  /// Student's 97.5 % quantiles for 1 to 30 degrees of freedom; the last serves beyond.
  private static let studentQuantiles = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
  ]
}
