import Kernels

/// Counts, means and sums of squared differences of several features, merged exactly (Chan et al. 1979).
struct FeatureMoments {
  private(set) var count = 0.0
  private(set) var mean: [Double]
  private var squares: [Double]

  init(features: Int) {
    mean = Array(repeating: 0, count: features)
    squares = mean
  }

  /// Adds `count` values a feature with these means and (population) variances.
  mutating func add(count added: Double, mean other: (Int) -> Double, variance: (Int) -> Double = { _ in 0 }) {
    let total = count + added
    for feature in mean.indices {
      let difference = other(feature) - mean[feature]
      squares[feature] += variance(feature) * added + difference * difference * count * added / total
      mean[feature] += difference * added / total
    }
    count = total
  }

  /// The population variance.
  func variance(_ feature: Int) -> Double { count > 0 ? squares[feature] / count : 0 }
  /// The deviation of a sample's values.
  func sampleDeviation(_ feature: Int) -> Double { count > 1 ? (squares[feature] / (count - 1)).squareRoot() : 0 }
}

/// What data brought to one batch norm.
struct NormRecord {
  /// Of what comes in when the model predicts.
  var input: FeatureMoments
  /// Values above zero behind the norm's ReLU, by feature, and how many there were; none where no ReLU follows.
  var open: [Int] = []
  var counted = 0
  /// Of the means and of the variances of full batches of what comes in.
  var batchMeans: FeatureMoments
  var batchVariances: FeatureMoments

  init(features: Int) {
    input = FeatureMoments(features: features)
    batchMeans = input
    batchVariances = input
  }

  var features: Int { input.mean.count }

  /// The share of values of `feature` that its ReLU lets through; nil where too few were seen to say.
  func openShare(_ feature: Int) -> Double? {
    counted >= Thresholds.countedValues ? Double(open[feature]) / Double(counted) : nil
  }

  /// The share of all values that pass.
  var openShare: Double? {
    counted > 0 ? Double(open.reduce(0, +)) / (Double(counted) * Double(features)) : nil
  }

  /// Standard errors of a batch's mean (in deviations) and variance (relative), medians over the features that vary; nil
  /// where there were too few batches.
  var batchErrors: (mean: Double, variance: Double)? {
    guard batchMeans.count >= Double(Thresholds.measuredBatches) else { return nil }
    let varying = (0..<features).filter { batchVariances.mean[$0] > 0 }
    guard !varying.isEmpty else { return nil }
    func median(_ value: (Int) -> Double) -> Double { varying.map(value).sorted()[varying.count / 2] }
    return (
      // The population's variance is the mean of the batches' and that of their means.
      median {
        batchMeans.sampleDeviation($0) / (batchVariances.mean[$0] + batchMeans.variance($0)).squareRoot()
      },
      median { batchVariances.sampleDeviation($0) / batchVariances.mean[$0] }
    )
  }
}

/// Watches a model's batch norms while data goes through it.
final class NormRecorder {
  /// By the number of the batch norm in the network.
  private(set) var records: [NormRecord]
  private var memory: [BatchStatisticsStorage?]
  private let batchSize: Int

  /// - Parameter batchSize: The examples in a full batch of the run.
  init(_ layout: ParameterLayout, batchSize: Int) {
    self.batchSize = batchSize
    records = layout.statistics.map { NormRecord(features: $0.features) }
    memory = Array(repeating: nil, count: records.count)
  }

  /// Takes in what comes to a norm and what passes its ReLU.
  func observe(_ step: Step, _ pass: Pass, _ moment: Program.Moment) {
    guard let index = step.statistics, let norm = step.operation as? BatchNormOperation else { return }
    let rows = pass.rows * norm.positions
    let lengths = norm.isSequence ? pass.weights.lengths : nil
    switch moment {
    case .before:
      // The first batch is a full one and needs the most.
      let storage = memory[index] ?? BatchStatisticsStorage(features: norm.features, rows: rows)
      memory[index] = storage
      var count = Double(rows)
      if pass.weights.weights != nil || lengths != nil {
        let weights = RowWeights(pass.weights.weights, lengths, examples: pass.rows, positions: norm.positions)
        guard weights.haveStatistics else { return }
        var view = weights.view
        count = view.total
        _ = ek_weighted_statistics_of(
          pass.input, &view, norm.features, 0, storage.view, storage.scratch, Int32(pass.threads))
      } else {
        _ = ek_batch_statistics_of(
          pass.input, rows, norm.features, 0, storage.view, storage.scratch, Int32(pass.threads))
      }
      let batch = storage.view
      let mean = { Double(batch.mean_high[$0]) + Double(batch.mean_low[$0]) }
      let variance = { Double(batch.variance[$0]) }
      records[index].input.add(count: count, mean: mean, variance: variance)
      guard pass.rows == batchSize else { return }
      records[index].batchMeans.add(count: 1, mean: mean)
      records[index].batchVariances.add(count: 1, mean: variance)
    case .after:
      guard norm.activation == ReLU().activation, !norm.hasAddend else { return }
      if records[index].open.isEmpty { records[index].open = Array(repeating: 0, count: norm.features) }
      records[index].counted += lengths.map { lengths in (0..<pass.rows).reduce(0) { $0 + Int(lengths[$1]) } } ?? rows
      records[index].open.withUnsafeMutableBufferPointer { open in
        // Behind the end of a sequence there is 0, which is not above 0.
        for row in 0..<rows {
          let values = pass.output + row * norm.features
          for feature in 0..<norm.features { open[feature] &+= values[feature] > 0 ? 1 : 0 }
        }
      }
    }
  }
}
