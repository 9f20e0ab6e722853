import Kernels

/// Standardization of inputs: (x − mean) / deviation per channel, fitted on the training examples alone.
///
/// Images with one channel have one mean; a table has one a column. A channel without deviation becomes 0.
public struct InputScaling: Hashable, Codable, Sendable {
  /// One value a channel, cyclic over the features of an example.
  public let mean: [Float]
  /// The population deviation of each channel; 0 for a constant one.
  public let deviation: [Float]

  /// 1 / deviation, and 0 for a constant channel.
  let scale: [Float]

  init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
    scale = deviation.map { $0 > 0 ? 1 / $0 : 0 }
  }

  private enum CodingKeys: String, CodingKey { case mean, deviation }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let mean = try container.decode([Float].self, forKey: .mean)
    let deviation = try container.decode([Float].self, forKey: .deviation)
    guard mean.count == deviation.count, !mean.isEmpty, (mean + deviation).allSatisfy(\.isFinite),
      deviation.allSatisfy({ $0 >= 0 })
    else { throw EvenkeelError.data("The stored input scaling is damaged.") }
    self.init(mean: mean, deviation: deviation)
  }

  /// Mean and population deviation of every channel of `dataset`, each example by its weight.
  ///
  /// Rows of a table and other flat rows have one channel a feature; images `[H, W]` have one, `[H, W, C]` have C.
  /// - Throws: `EvenkeelError` with code `data` that names an example and feature that is not finite.
  public init(fittedTo dataset: Dataset, threads: Int = 1) throws {
    guard dataset.weights == nil, dataset.lengths == nil else {
      try self.init(weighted: dataset)
      return
    }
    let width = dataset.shape.count
    let period = Self.channels(of: dataset.shape)
    // Shifted sums of each feature by chunks of rows, merged over chunks, then over the features of a channel (Chan 1979).
    var means = [Double](repeating: 0, count: period)
    var squares = means
    var counts = means
    let rowsAtOnce = max(2, min(dataset.count, 1 << 20 / max(width, 1)))
    // Rows, sums and statistics of each feature.
    try Machine.requireMemory(
      (rowsAtOnce + 16) * width * MemoryLayout<Float>.stride, for: "Scaling examples of \(width) values")
    let chunk = AlignedFloats(count: rowsAtOnce * width)
    let statistics = BatchStatisticsStorage(features: width, rows: rowsAtOnce)
    var start = 0
    while start < dataset.count {
      let rows = min(rowsAtOnce, dataset.count - start)
      try dataset.gather(start, rows, into: chunk.start, scaling: nil, threads: threads)
      _ = ek_batch_statistics_of(
        chunk.start, rows, width, 0, statistics.view, statistics.scratch, Int32(threads))
      for feature in 0..<width {
        let channel = feature % period
        let mean = Double(statistics.view.mean_high[feature]) + Double(statistics.view.mean_low[feature])
        let total = counts[channel] + Double(rows)
        let difference = mean - means[channel]
        squares[channel] +=
          Double(statistics.view.variance[feature]) * Double(rows)
          + difference * difference * counts[channel] * Double(rows) / total
        means[channel] += difference * Double(rows) / total
        counts[channel] = total
      }
      start += rows
    }
    try self.init(means, squares, counts, of: dataset)
  }

  /// The same of examples by their weights, and of sequences as far as they go.
  private init(weighted dataset: Dataset) throws {
    let width = dataset.shape.count
    let period = Self.channels(of: dataset.shape)
    let values = AlignedFloats(count: width)
    // Sums of differences from the first value of each channel that counts.
    var firsts = [Double?](repeating: nil, count: period)
    var (sums, squares, counts) = (
      [Double](repeating: 0, count: period), [Double](repeating: 0, count: period),
      [Double](repeating: 0, count: period)
    )
    for example in 0..<dataset.count {
      try dataset.gather(example, 1, into: values.start, scaling: nil, threads: 1)
      let weight = Double(dataset.weight(example))
      let length = dataset.lengths.map { Int($0[example]) * dataset.shape.featureCount } ?? width
      guard weight > 0 else { continue }
      for feature in 0..<length {
        let channel = feature % period
        let value = Double(values.start[feature])
        let first = firsts[channel] ?? value
        firsts[channel] = first
        sums[channel] += weight * (value - first)
        squares[channel] += weight * (value - first) * (value - first)
        counts[channel] += weight
      }
    }
    for channel in 0..<period where counts[channel] > 0 {
      squares[channel] = max(0, squares[channel] - sums[channel] * sums[channel] / counts[channel])
      sums[channel] = firsts[channel]! + sums[channel] / counts[channel]
    }
    try self.init(sums, squares, counts, of: dataset)
  }

  /// Rows of a table and other flat rows have one channel a feature; images `[H, W]` have one, `[H, W, C]` have C.
  private static func channels(of shape: Shape) -> Int {
    switch shape.rank {
    case 1: shape.count
    case 2: 1
    default: shape.featureCount
    }
  }

  /// - Parameter squares: Σ w (x − mean)² of each channel, `counts` being its Σ w.
  private init(_ means: [Double], _ squares: [Double], _ counts: [Double], of dataset: Dataset) throws {
    if let channel = squares.indices.first(where: { !Float(squares[$0].squareRoot()).isFinite }) {
      throw EvenkeelError.data(
        "The values of \(dataset.shape.rank == 1 ? dataset.featureName(channel) : "channel \(channel)") vary more than a float can hold."
      )
    }
    self.init(
      mean: means.map { Float($0) },
      deviation: zip(squares, counts).map { $1 > 0 ? Float(($0 / $1).squareRoot()) : 0 })
  }

  /// The channels whose deviation is 0.
  var constantChannels: [Int] { deviation.indices.filter { deviation[$0] == 0 } }
}

extension Dataset {
  /// Copies examples `start` ..< `start + rows` as floats to `output`, scaled where `scaling` is given.
  /// - Throws: `EvenkeelError` with code `data` that names the first example, by its row in the file, and feature that is NaN or infinite.
  package func gather(
    _ start: Int, _ rows: Int, into output: UnsafeMutablePointer<Float>, scaling: InputScaling?, threads: Int
  ) throws {
    let bad = try examples.reading {
      self.rows.withUnsafeBufferPointer {
        examples.gather($0.baseAddress! + start, rows, into: output, scaling: scaling, threads: threads)
      }
    }
    guard bad >= 0 else { return }
    let width = shape.count
    throw EvenkeelError.data(
      "Example \(self.rows[start + bad / width]) holds \(output[bad]) in \(featureName(bad % width)).")
  }

  /// What a person calls feature `index`: the column of a table, else its number.
  func featureName(_ index: Int) -> String {
    if let encoding { return "column \(encoding.featureNames[index])" }
    return "feature \(index)"
  }
}
