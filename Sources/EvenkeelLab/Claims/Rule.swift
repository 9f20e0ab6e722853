import Evenkeel
import Glibc

/// How a verdict follows from an effect. It is part of the program, so it was written before any data was seen.
package struct Rule: Hashable, Sendable {
  /// The range in which the effect must lie.
  package enum Region: Hashable, Sendable {
    /// Above this.
    case above(Double)
    /// Between minus this and this: "about the same".
    case within(Double)
  }

  /// The unit, to follow the number: "times fewer steps".
  package let effect: String
  package let region: Region
  /// True if the effect is a ratio, averaged over seeds as a geometric mean.
  package let isRatio: Bool

  package init(_ effect: String, _ region: Region, isRatio: Bool = false) {
    (self.effect, self.region, self.isRatio) = (effect, region, isRatio)
  }

  /// The rule for a reader.
  package var sentence: String {
    let where_ =
      switch region {
      case .above(let threshold): "lies above \(NumberText.plain.short(threshold)); not supported if it lies below"
      case .within(let margin): "lies within ± \(NumberText.plain.short(margin)); not supported if it lies outside"
      }
    let mean = isRatio ? "geometric mean" : "mean"
    return
      "The effect is the \(mean) over seeds, in \(effect). Supported if its 95 % bootstrap interval \(where_); otherwise, or with fewer than five seeds, undecided."
  }

  /// The effect from one value per seed; nil if they do not give one.
  package func effect(of values: [Double]) -> Effect? {
    let values = isRatio ? values.map { log($0) } : values
    guard let interval = Bootstrap.interval(of: values) else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    return isRatio
      ? Effect(effect, value: exp(mean), low: exp(interval.lowerBound), high: exp(interval.upperBound))
      : Effect(effect, value: mean, low: interval.lowerBound, high: interval.upperBound)
  }

  /// The mean lies between the smallest and the largest of n values in 1 − 2^(1 − n) of all cases; fewer than five
  /// cannot support 95 %.
  package static let leastSeeds = 5

  package func verdict(_ effect: Effect?, seeds: Int) -> Verdict {
    guard let effect, seeds >= Self.leastSeeds else { return .undecided }
    switch region {
    case .above(let threshold):
      return effect.low > threshold ? .supported : effect.high < threshold ? .notSupported : .undecided
    case .within(let margin):
      if effect.low > -margin, effect.high < margin { return .supported }
      return effect.low > margin || effect.high < -margin ? .notSupported : .undecided
    }
  }
}
