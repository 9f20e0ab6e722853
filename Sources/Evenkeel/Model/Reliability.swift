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
  /// The 95 % interval of `accuracy` (Wilson 1927); weights count as Kish's effective number of examples.
  public let interval: ClosedRange<Double>

  /// - Parameters:
  ///   - place: Its place among `ClassPredictions.bins` bins of equal width.
  ///   - sums: Σ w, Σ w², Σ w p, and Σ w over the examples that are right.
  fileprivate init(place: Int, _ sums: (weight: Double, squares: Double, confidence: Double, right: Double)) {
    (lower, upper) = (Double(place) / Double(ClassPredictions.bins), Double(place + 1) / Double(ClassPredictions.bins))
    (weight, confidence, accuracy) = (sums.weight, sums.confidence / sums.weight, sums.right / sums.weight)
    let n = sums.weight * sums.weight / sums.squares
    let z = 1.959964
    let middle = (accuracy + z * z / (2 * n)) / (1 + z * z / n)
    let half = z * (accuracy * (1 - accuracy) / n + z * z / (4 * n * n)).squareRoot() / (1 + z * z / n)
    interval = max(0, middle - half)...min(1, middle + half)
  }
}

extension ClassPredictions {
  /// The number of bins of equal width (Guo et al. 2017, "On Calibration of Modern Neural Networks").
  package static let bins = 15

  /// The examples by the probability of their most probable class, whatever a threshold makes of it, in 15 bins of equal width from 0
  /// to 1; bins without examples are left out.
  public var reliability: [ReliabilityBin] {
    var sums = [(weight: Double, squares: Double, confidence: Double, right: Double)](
      repeating: (0, 0, 0, 0), count: Self.bins)
    for example in truth.indices {
      let own = probabilities[example * known..<(example + 1) * known]
      let top = own.indices.max { own[$0] < own[$1] }!
      let weight = weights[example]
      let bin = min(max(Int((own[top] * Double(Self.bins)).rounded(.up)) - 1, 0), Self.bins - 1)
      sums[bin].weight += weight
      sums[bin].squares += weight * weight
      sums[bin].confidence += weight * own[top]
      if Int(truth[example]) == top - own.startIndex { sums[bin].right += weight }
    }
    return sums.enumerated().filter { $1.weight > 0 }.map { ReliabilityBin(place: $0, $1) }
  }

  /// Σ share of the bin · |accuracy − confidence|.
  var calibrationError: Double {
    let bins = reliability
    return bins.reduce(0) { $0 + $1.weight * abs($1.accuracy - $1.confidence) } / bins.reduce(0) { $0 + $1.weight }
  }
}
