import Kernels

extension InputScaling {
  /// Mean and population deviation of every channel of `dataset`, each example by its weight, sequences as far as they go.
  ///
  /// Rows of a table and other flat rows have one channel a feature; images `[H, W]` have one, `[H, W, C]` have C.
  /// - Throws: `EvenkeelError` with code `data` that names an example and feature that is not finite.
  ///
  /// A feature of a table that is a category's number stays as it is.
  /// - Parameters:
  ///   - dataset: The examples that a model is trained on, and no others.
  ///   - numbers: What becomes of numbers; other than `standard`, features that only say yes or no stay 0 and 1.
  ///   - threads: The number of threads; the result does not depend on it.
  public init(fittedTo dataset: Dataset, numbers: NumericTransform = .standard, threads: Int = 1) throws {
    let channels = try dataset.examples.reading { try InputMoments(dataset, threads: threads).channels }
    let kinds = dataset.featureKinds
    var (mean, deviation, remainder) = (
      channels.map(\.mean), channels.map(\.deviation), channels.map(\.remainder)
    )
    for (index, kind) in kinds.enumerated() where kind == .category || kind == .indicator && numbers != .standard {
      (mean[index], deviation[index], remainder[index]) = (0, 1, 0)
    }
    let standard = InputScaling(mean: mean, deviation: deviation, remainder: remainder)
    guard numbers != .standard, !kinds.isEmpty else {
      self = standard
      return
    }
    let sample = try dataset.sample(scaling: standard, threads: threads)
    let curves = InputCurves(
      numbers, of: sample, width: dataset.shape.count, features: kinds.indices.filter { kinds[$0] == .number })
    self.init(mean: mean, deviation: deviation, remainder: remainder, curves: curves)
  }
}

/// Sums over a data set of differences from the first value of each channel that counts: that is one of the values, so its
/// square in the variance costs no more digits than their number has.
private struct InputMoments {
  /// mean + remainder is the mean.
  private(set) var channels: [(mean: Double, remainder: Double, deviation: Double)] = []

  init(_ dataset: Dataset, threads: Int) throws {
    let period = Self.channels(of: dataset.shape)
    let lengths = dataset.lengths?.map { $0 * Int32(dataset.shape.featureCount) }
    let weights = dataset.weights == nil && lengths == nil ? nil : (0..<dataset.count).map { dataset.weight($0) }
    let first = weights.map { $0.firstIndex { $0 > 0 } } ?? 0
    guard let first, !dataset.isEmpty else {
      channels = Array(repeating: (0, 0, 0), count: period)
      return
    }
    let origin = (0..<period).map { dataset.examples.value(dataset.rows[first], $0) }
    var unit = [Double](repeating: 1, count: period)
    var sums = Sums(dataset, origin, unit, weights, lengths, threads)
    guard sums.isFinite else { throw Self.failure(dataset, sums, period) }
    // Squares of what is far from 1 would leave the range of a double.
    unit = sums.largest.map { $0 == 0 || (1e-100...1e100).contains($0) ? 1 : 1 / $0 }
    if unit.contains(where: { $0 != 1 }) { sums = Sums(dataset, origin, unit, weights, lengths, threads) }
    channels = (0..<period).map { channel in
      let shift = sums.sums[channel] / sums.weights[channel], relative = shift * unit[channel]
      let variance = sums.squares[channel] / sums.weights[channel] - relative * relative
      let mean = origin[channel] + shift
      return (mean, (origin[channel] - mean) + shift, max(0, variance).squareRoot() / unit[channel])
    }
  }

  /// Rows of a table and other flat rows have one channel a feature; images `[H, W]` have one, `[H, W, C]` have C.
  private static func channels(of shape: Shape) -> Int {
    switch shape.rank {
    case 1: shape.count
    case 2: 1
    default: shape.featureCount
    }
  }

  /// Names what made a sum that is not finite.
  private static func failure(_ dataset: Dataset, _ sums: Sums, _ period: Int) -> EvenkeelError {
    let channel = sums.badChannel!
    for row in dataset.rows {
      for feature in stride(from: channel, to: dataset.shape.count, by: period)
      where !dataset.examples.value(row, feature).isFinite {
        return dataset.notFinite(row, feature)
      }
    }
    return .data(
      "The values of \(dataset.shape.rank == 1 ? dataset.featureName(channel) : "channel \(channel)") vary by more than a double can hold."
    )
  }

  /// Of each channel: Σ w, Σ w d, Σ w (d · unit)² and the largest |d|.
  private struct Sums {
    var weights, sums, squares, largest: [Double]

    init(
      _ dataset: Dataset, _ origin: [Double], _ unit: [Double], _ exampleWeights: [Float]?, _ lengths: [Int32]?,
      _ threads: Int
    ) {
      let (width, period) = (dataset.shape.count, origin.count)
      let spread = (0..<width).map { (origin[$0 % period], unit[$0 % period]) }
      let (origins, units) = (spread.map(\.0), spread.map(\.1))
      let none = [Double](repeating: 0, count: width)
      var (ofWeights, ofSums, ofSquares, greatest) = (none, none, none, none)
      var source = dataset.examples.source
      func pointer<Value>(_ values: [Value]?, _ body: (UnsafePointer<Value>?) -> Void) {
        guard let values else { return body(nil) }
        values.withUnsafeBufferPointer { body($0.baseAddress) }
      }
      pointer(exampleWeights) { weights in
        pointer(lengths) { counts in
          ek_moments(
            &source, dataset.rows, dataset.count, weights, counts, origins, units, &ofWeights, &ofSums, &ofSquares,
            &greatest, Int32(threads))
        }
      }
      func sum(_ values: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: period)
        for (position, value) in values.enumerated() { result[position % period] += value }
        return result
      }
      (weights, sums, squares) = (sum(ofWeights), sum(ofSums), sum(ofSquares))
      largest = [Double](repeating: 0, count: period)
      for (position, value) in greatest.enumerated() {
        largest[position % period] = max(largest[position % period], value)
      }
    }

    /// The first channel of a value that is not finite, or of differences that are not.
    var badChannel: Int? { sums.firstIndex { !$0.isFinite } }
    var isFinite: Bool { badChannel == nil }
  }
}
