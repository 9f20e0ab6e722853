import Kernels

/// What data showed at one batch norm.
struct NormRecord {
  /// Of the input during prediction.
  var input: FeatureMoments
  /// The number of values above zero after the norm's ReLU, by feature, and of all values; none if no ReLU follows.
  var open: [Int] = []
  var counted = 0
  /// Of the means and of the variances of full batches of the input.
  var batchMeans: FeatureMoments
  var batchVariances: FeatureMoments

  init(features: Int) {
    input = FeatureMoments(features: features)
    batchMeans = input
    batchVariances = input
  }

  var features: Int { input.features }

  /// The share of values of `feature` that its ReLU lets through; nil if too few were seen to tell.
  func openShare(_ feature: Int) -> Double? {
    counted >= Thresholds.countedValues ? Double(open[feature]) / Double(counted) : nil
  }

  /// The share of all values that pass.
  var openShare: Double? {
    counted > 0 ? Double(open.reduce(0, +)) / (Double(counted) * Double(features)) : nil
  }

  /// Standard errors of a batch's mean (in deviations) and variance (relative), medians over the features that vary;
  /// nil if there were too few batches.
  var batchErrors: (mean: Double, variance: Double)? {
    guard batchMeans.weight >= Double(Thresholds.measuredBatches) else { return nil }
    let varying = (0..<features).filter { batchVariances.mean($0) > 0 }
    guard !varying.isEmpty else { return nil }
    func median(_ value: (Int) -> Double) -> Double { varying.map(value).sorted()[varying.count / 2] }
    return (
      // The population's variance is the mean of the batches' variances plus the variance of their means.
      median {
        batchMeans.sampleDeviation($0) / (batchVariances.mean($0) + batchMeans.variance($0)).squareRoot()
      },
      median { batchVariances.sampleDeviation($0) / batchVariances.mean($0) }
    )
  }
}

/// Observes the norms of a model that keep running statistics while data passes through.
final class NormRecorder {
  /// By path of the norm.
  private(set) var records: [String: NormRecord] = [:]
  private var memory: [String: BatchStatisticsStorage] = [:]
  /// The norms whose ReLU is a separate step to observe, by the ReLU's path.
  private let watched: [String: String]
  private let batchSize: Int

  /// - Parameters:
  ///   - sites: The norms to observe.
  ///   - batchSize: The number of examples in a full batch of the run.
  init(_ sites: [StructureExamination.NormSite], batchSize: Int) {
    self.batchSize = batchSize
    for site in sites { records[site.layer.path] = NormRecord(features: site.layer.input.featureCount) }
    watched = Dictionary(
      sites.compactMap { site in site.reluPath.map { ($0, site.layer.path) } }, uniquingKeysWith: { first, _ in first })
  }

  /// Records a norm's input and what passes its ReLU.
  func observe(_ step: Step, _ pass: ForwardPass, _ moment: Program.Moment) {
    guard let layer = step.layer else { return }
    switch moment {
    case .before where records[layer.path] != nil: takeInput(layer, pass)
    case .after:
      // A batch norm has computed the ReLU in its own step.
      if let norm = step.operation as? BatchNormOperation {
        guard norm.activation == ReLU().activation, !norm.hasAddend else { return }
        countOpen(layer.path, layer, pass)
      } else if let norm = watched[layer.path] {
        countOpen(norm, layer, pass)
      }
    default: return
    }
  }

  private func takeInput(_ layer: PlacedLayer, _ pass: ForwardPass) {
    let (rows, features) = (pass.rows * layer.positions, layer.input.featureCount)
    // The first batch is a full one and needs the most.
    let storage = memory[layer.path] ?? BatchStatisticsStorage(features: features, rows: rows)
    memory[layer.path] = storage
    var count = Double(rows)
    if let weights = layer.rowWeights(pass.weights, lengths: pass.weights.lengths, rows: pass.rows) {
      guard weights.haveStatistics else { return }
      var view = weights.view
      count = view.total
      ek_slice_weighted_moments(pass.input, &view, features, storage.scratch)
      _ = ek_statistics_from(storage.scratch, features, 0, storage.view)
    } else {
      _ = ek_batch_statistics_of(pass.input, rows, features, 0, storage.view, storage.scratch, Int32(Machine.threads))
    }
    let batch = storage.view
    records[layer.path]!.input.merge(batch, weight: count)
    guard pass.rows == batchSize else { return }
    records[layer.path]!.batchMeans.merge(
      weight: 1, mean: { Double(batch.mean_high[$0]) + Double(batch.mean_low[$0]) })
    records[layer.path]!.batchVariances.merge(weight: 1, mean: { Double(batch.variance[$0]) })
  }

  private func countOpen(_ norm: String, _ layer: PlacedLayer, _ pass: ForwardPass) {
    guard records[norm] != nil else { return }
    let (rows, features) = (pass.rows * layer.positions, layer.input.featureCount)
    let lengths = layer.input.rank == 2 ? pass.weights.lengths : nil
    if records[norm]!.open.isEmpty { records[norm]!.open = Array(repeating: 0, count: features) }
    records[norm]!.counted += lengths.map { lengths in (0..<pass.rows).reduce(0) { $0 + Int(lengths[$1]) } } ?? rows
    records[norm]!.open.withUnsafeMutableBufferPointer { open in
      // After the end of a sequence there are zeros, which are not above 0.
      for row in 0..<rows {
        let values = pass.output + row * features
        for feature in 0..<features { open[feature] &+= values[feature] > 0 ? 1 : 0 }
      }
    }
  }
}
