/// The predictions whose confidence lies in a bin, beside how often they are right.
public struct ReliabilityBin: Hashable, Sendable {
  /// The confidence is more than this,
  public let lower: Double
  /// and no more than this.
  public let upper: Double
  /// Σ w over the examples.
  public let weight: Double
  /// The mean probability of the most probable class.
  public let confidence: Double
  /// The share of examples whose most probable class is the right one.
  public let accuracy: Double
}

extension ClassPredictions {
  /// The number of bins of equal width (Guo et al. 2017, "On Calibration of Modern Neural Networks").
  private static let bins = 15

  /// The examples by the probability of their most probable class, whatever a threshold makes of it, in 15 bins of equal width from 0
  /// to 1; bins without examples are left out.
  public var reliability: [ReliabilityBin] {
    var sums = [(weight: Double, confidence: Double, right: Double)](repeating: (0, 0, 0), count: Self.bins)
    for example in truth.indices {
      let own = probabilities[example * known..<(example + 1) * known]
      let top = own.indices.max { own[$0] < own[$1] }!
      let weight = weights[example]
      let bin = min(max(Int((own[top] * Double(Self.bins)).rounded(.up)) - 1, 0), Self.bins - 1)
      sums[bin].weight += weight
      sums[bin].confidence += weight * own[top]
      if Int(truth[example]) == top - own.startIndex { sums[bin].right += weight }
    }
    return sums.enumerated().filter { $1.weight > 0 }.map { bin, sum in
      ReliabilityBin(
        lower: Double(bin) / Double(Self.bins), upper: Double(bin + 1) / Double(Self.bins), weight: sum.weight,
        confidence: sum.confidence / sum.weight, accuracy: sum.right / sum.weight)
    }
  }

  /// Σ share of the bin · |accuracy − confidence|.
  var calibrationError: Double {
    let bins = reliability
    return bins.reduce(0) { $0 + $1.weight * abs($1.accuracy - $1.confidence) } / bins.reduce(0) { $0 + $1.weight }
  }
}
