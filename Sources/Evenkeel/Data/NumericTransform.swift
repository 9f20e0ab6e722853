/// What becomes of the numbers of a table before the first layer, fitted on the training rows. A number is standardized in any
/// case; these bend it further.
public enum NumericTransform: String, Codable, CaseIterable, Sendable {
  /// (x − mean) / deviation.
  case standard
  /// Through quantiles to a standard normal distribution: with n rows max(10, min(n / 30, 1000)) of them, the value of
  /// the distribution at the share of training rows below x, within 10⁻⁷ and 1 − 10⁻⁷ (scikit-learn's `QuantileTransformer`
  /// with `output_distribution="normal"`). A value that many rows share gets the middle of their shares, at either end too.
  case quantile
  /// (x − median) / (difference of the quartiles), softly limited to ±3: u / √(1 + (u/3)²) (RealMLP, Holzmüller et al. 2024).
  case robust
}

/// What a feature of a table holds.
enum FeatureKind {
  case number
  /// 0 or 1.
  case indicator
  /// The number of a category.
  case category
}

extension Dataset {
  /// What each feature holds; empty for data that is no table, such as images.
  var featureKinds: [FeatureKind] {
    if let encoding { return encoding.featureKinds }
    return shape.rank == 1 ? Array(repeating: .number, count: shape.count) : []
  }

  /// Rows, evenly spread over the data set, as a network gets them.
  /// - Throws: As `gather`.
  func sample(scaling: InputScaling?, threads: Int) throws -> AlignedFloats {
    let most = max(Self.fewestInSample, min(Self.rowsInSample, Self.valuesInSample / shape.count))
    let taken = min(count, most)
    let values = try AlignedFloats(count: taken * shape.count, for: "A sample of \(taken) examples")
    let spread = taken == count ? self : subset((0..<taken).map { $0 * count / taken })
    try spread.gather(0, taken, into: values.start, scaling: scaling, threads: threads)
    return values
  }

  private static let fewestInSample = 1000, rowsInSample = 100_000, valuesInSample = 1 << 24
}
