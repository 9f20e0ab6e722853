import Evenkeel

/// How often values fall into bins of equal width, before and after a norm, on one axis.
struct HistogramPair: Encodable {
  /// The edges: `from`, `to`, and those that divide the distance between them evenly.
  let from, to: Double
  let before, after: EncodedJSON

  /// The number of bins.
  static let bins = 48

  /// The axis reaches from the smallest to the largest of all values; a value on an edge belongs to the bin after it.
  init(before: [Float], after: [Float]) {
    var (low, high) = (Double.infinity, -Double.infinity)
    for values in [before, after] {
      for value in values where value.isFinite { (low, high) = (min(low, Double(value)), max(high, Double(value))) }
    }
    if low > high { (low, high) = (0, 0) }
    if low == high { (low, high) = (low - 0.5, high + 0.5) }
    (from, to) = (low, high)
    func counts(_ values: [Float]) -> EncodedJSON {
      var counts = [Int](repeating: 0, count: Self.bins)
      let factor = Double(Self.bins) / (high - low)
      for value in values where value.isFinite { counts[min(Self.bins - 1, Int((Double(value) - low) * factor))] += 1 }
      return EncodedJSON(numbers: counts)
    }
    self.before = counts(before)
    self.after = counts(after)
  }
}

extension EncodedJSON {
  /// An array of numbers; `null` for what is not finite.
  init(numbers: some Sequence<some BinaryFloatingPoint & CustomStringConvertible>) {
    self.init(text: "[" + numbers.map { $0.isFinite ? $0.description : "null" }.joined(separator: ",") + "]")
  }

  /// An array of counts.
  init(numbers: [Int]) { self.init(text: "[" + numbers.map(\.description).joined(separator: ",") + "]") }
}
