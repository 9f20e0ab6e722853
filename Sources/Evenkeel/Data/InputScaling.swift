import Kernels

/// Standardization of inputs: (x − mean) / deviation per channel, fitted on the training examples only. Numbers of a table may be
/// bent afterward (`NumericTransform`).
///
/// Images with one channel have one mean; a table has one per column. A channel without deviation becomes 0. The mean
/// is subtracted in double if the data has more digits than a float: the number of seconds since 1970 keeps all of
/// them.
public struct InputScaling: Hashable, Codable, Sendable {
  /// One value per channel, cyclic over the features of an example.
  public let mean: [Double]
  /// The population deviation of each channel; 0 for a constant one.
  public let deviation: [Double]
  /// The rest of each mean if a double does not hold all of it, as for integers beyond 2⁵³. nil in a model from a
  /// version in which values became floats first: it continues that way, as what it learned depends on it.
  package let remainder: [Double]?
  /// How features are bent after that; nil if none is.
  package let curves: InputCurves?

  /// The same in floats, 1 / deviation in the place of it and 0 for a constant channel.
  package let floatMean, floatScale: [Float]
  /// Deviations as divisors, infinite for a constant channel, and what the value 0 becomes.
  private let divisor: [Double]
  private let zero: [Float]
  /// Whether mean or deviation take digits from values that floats hold, so that those too are standardized in double.
  package let isBeyondFloats: Bool

  package init(mean: [Double], deviation: [Double], remainder: [Double]?, curves: InputCurves? = nil) {
    self.curves = curves
    self.mean = mean
    self.deviation = deviation
    self.remainder = remainder
    floatMean = mean.map { Float($0) }
    floatScale = deviation.map { $0 > 0 ? 1 / Float($0) : 0 }
    divisor = deviation.map { $0 > 0 ? $0 : .infinity }
    zero = zip(mean, divisor).map { Float(-$0 / $1) }
    isBeyondFloats =
      remainder != nil
      && zip(mean, deviation).contains { mean, deviation in
        abs(mean) > 1e30 || deviation > 0 && (abs(mean) > 65_536 * deviation || !(1e-30...1e30).contains(deviation))
      }
  }

  private enum CodingKeys: String, CodingKey { case mean, deviation, remainder, curves }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    var mean = try container.decode([Double].self, forKey: .mean)
    var deviation = try container.decode([Double].self, forKey: .deviation)
    let remainder = try container.decodeIfPresent([Double].self, forKey: .remainder)
    // Without a remainder they were floats, written with the digits that tell floats apart.
    if remainder == nil { (mean, deviation) = (mean.map { Double(Float($0)) }, deviation.map { Double(Float($0)) }) }
    guard mean.count == deviation.count, !mean.isEmpty, remainder.map({ $0.count == mean.count }) ?? true,
      (mean + deviation + (remainder ?? [])).allSatisfy(\.isFinite), deviation.allSatisfy({ $0 >= 0 })
    else { throw EvenkeelError.data("The stored input scaling is damaged.") }
    let curves = try container.decodeIfPresent(InputCurves.self, forKey: .curves)
    guard curves.map({ $0.features.allSatisfy { (0..<mean.count).contains($0) } }) ?? true else {
      throw EvenkeelError.data("The stored input scaling is damaged.")
    }
    self.init(mean: mean, deviation: deviation, remainder: remainder, curves: curves)
  }

  /// The channels whose deviation is 0.
  var constantChannels: [Int] { deviation.indices.filter { deviation[$0] == 0 } }

  /// Hands the scaling of numbers of one kind to `body`, as the kernels read it.
  func withView<Result>(
    of element: ExampleStorage.Element, _ body: (UnsafePointer<ek_scaling>) throws -> Result
  ) rethrows -> Result {
    try floatMean.withUnsafeBufferPointer { floatMean in
      try floatScale.withUnsafeBufferPointer { floatScale in
        var view = ek_scaling()
        (view.period, view.mean, view.scale) = (mean.count, floatMean.baseAddress, floatScale.baseAddress)
        guard let remainder, element.exceedsFloat || isBeyondFloats && element != .uint8 else { return try body(&view) }
        return try mean.withUnsafeBufferPointer { mean in
          try remainder.withUnsafeBufferPointer { remainder in
            try divisor.withUnsafeBufferPointer { divisor in
              try zero.withUnsafeBufferPointer { zero in
                (view.exact_mean, view.remainder) = (mean.baseAddress, remainder.baseAddress)
                (view.deviation, view.zero) = (divisor.baseAddress, zero.baseAddress)
                return try body(&view)
              }
            }
          }
        }
      }
    }
  }
}

extension Dataset {
  /// Copies examples `start` ..< `start + rows` as floats to `output`, scaled where `scaling` is given.
  /// - Throws: `EvenkeelError` with code `data` that names the first example, by its row in the file, and feature that is NaN or
  ///   infinite, or out of the range of floats when scaled.
  package func gather(
    _ start: Int, _ rows: Int, into output: UnsafeMutablePointer<Float>, scaling: InputScaling?, threads: Int
  ) throws {
    let bad = try examples.reading {
      self.rows.withUnsafeBufferPointer {
        examples.gather($0.baseAddress! + start, rows, into: output, scaling: scaling, threads: threads)
      }
    }
    guard bad >= 0 else { return }
    throw notFinite(self.rows[start + bad / shape.count], bad % shape.count)
  }

  /// What is wrong with feature `feature` of row `row` of the file.
  func notFinite(_ row: Int32, _ feature: Int) -> EvenkeelError {
    let value = examples.value(row, feature)
    return .data(
      "Example \(row) holds \(value) in \(featureName(feature))\(value.isFinite ? ", which exceeds the range of a float after scaling" : "")."
    )
  }

  /// Reads all examples once.
  /// - Throws: `EvenkeelError` with code `data` that names the first example and feature that is NaN or infinite.
  package func requireFinite() throws {
    let most = max(1, min(count, (1 << 20) / shape.count))
    let values = AlignedFloats(count: most * shape.count)
    // Finite doubles of any size become finite floats so.
    let scaling = examples.element.exceedsFloat ? InputScaling(mean: [0], deviation: [1e300], remainder: [0]) : nil
    for start in stride(from: 0, to: count, by: most) {
      try gather(start, min(most, count - start), into: values.start, scaling: scaling, threads: Machine.threads)
    }
  }

  /// What a person calls feature `index`: the column of a table, else its number.
  func featureName(_ index: Int) -> String {
    if let encoding { return "column \(encoding.featureNames[index])" }
    return "feature \(index)"
  }
}
