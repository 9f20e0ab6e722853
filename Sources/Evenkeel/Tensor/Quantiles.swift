/// Quantiles of values in order.
enum Quantiles {
  /// The quantiles 0, 1 / (`count` − 1), …, 1 of `sorted`, linear between neighbors as NumPy's and PyTorch's.
  static func evenly(_ count: Int, of sorted: [Float]) -> [Float] {
    (0..<count).map { at(Double($0) / Double(count - 1), of: sorted) }
  }

  /// The quantile `share` of `sorted`.
  static func at(_ share: Double, of sorted: [Float]) -> Float {
    let place = share * Double(sorted.count - 1)
    let index = min(Int(place), sorted.count - 1)
    let (low, high) = (sorted[index], sorted[min(index + 1, sorted.count - 1)])
    // Between equal neighbors it is their value to the bit.
    return low == high ? low : Float(Double(low) + (Double(high) - Double(low)) * (place - Double(index)))
  }
}
