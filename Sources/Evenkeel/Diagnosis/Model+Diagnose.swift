extension Model {
  /// Looks for problems in the model's normalization, using only its parameters and averages, or also the inputs of
  /// every norm on `dataset`.
  ///
  /// With data, the inputs of every batch norm are measured during prediction, and the model is evaluated with running,
  /// batch and recalibrated statistics. Nothing is changed. Recalibrated statistics use no targets.
  ///
  /// ```swift
  /// for finding in try model.diagnose(on: test).findings { print(finding.layer, finding.kind, finding.remedy) }
  /// ```
  /// - Parameters:
  ///   - dataset: Examples as for `evaluate`, in any order; without targets nothing is evaluated.
  ///   - batchSize: The batch size in training; nil: the one that the model stores.
  ///   - threads: The most threads; nil for as many as pay. The result does not depend on it.
  /// - Throws: `EvenkeelError` as `evaluate`; `usage` for a batch size below 2; `data` for fewer than 2 examples.
  public func diagnose(on dataset: Dataset? = nil, batchSize: Int? = nil, threads: Int? = nil) throws -> Diagnosis {
    if let batchSize, batchSize < 2 {
      throw EvenkeelError.usage("The batch size is \(batchSize); a batch's variance needs at least 2 examples.")
    }
    let structure = StructureExamination(
      state.layout.network, standardizedChannels: scaling?.mean.count, weightDecay: training?.weightDecay)
    // For a norm with ghost batches, the batch is the ghost batch.
    let ghost = structure.norms.compactMap(\.options.ghostBatch).min()
    let batchSize = (batchSize ?? training?.batchSize).map { min($0, ghost ?? $0) }
    var records: [String: NormRecord] = [:]
    var comparison: StatisticsComparison?
    if let dataset, !structure.norms.isEmpty {
      (records, comparison) = try measure(
        structure.norms, on: dataset, batchSize: batchSize ?? Thresholds.batchSize, threads: threads)
    }
    let parameters = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.values.values) })
    let norms = structure.norms.compactMap { site in
      let path = site.layer.path
      return state.runningStatistics(of: site.layer).map { statistics in
        NormExamination(
          site: site, statistics: statistics, scale: parameters[path + ".weight"] ?? [],
          shift: parameters[path + ".bias"] ?? [], record: records[path], batchSize: batchSize,
          comparison: comparison)
      }
    }
    return Diagnosis(
      norms: norms.map(\.health), comparison: comparison,
      findings: Finding.sorted(structure.findings + norms.flatMap(\.findings), in: state.layout.network))
  }

  /// What `dataset` shows at each batch norm, and how the model does with each kind of statistics.
  private func measure(
    _ norms: [StructureExamination.NormSite], on dataset: Dataset, batchSize: Int, threads: Int?
  ) throws -> ([String: NormRecord], StatisticsComparison?) {
    guard dataset.count > 1 else {
      throw EvenkeelError.data("The data has \(dataset.count) examples; its statistics need at least 2.")
    }
    let size = min(batchSize, dataset.count)
    let recorder = NormRecorder(norms, batchSize: size)
    // Data may lie in the order of its classes; batches of one class would have other statistics.
    var order = Array(0..<dataset.count)
    var random = RandomNumbers(RandomKey(seed: 0).branch(RandomStream.shuffle))
    random.shuffle(&order)
    let mixed = dataset.subset(order)
    let options = InferenceRun(threads: threads, batch: size, observe: recorder.observe)
    guard output != nil, dataset.targets.count != nil else {
      try run(mixed, options) { _, _, _, _ in }
      return (recorder.records, nil)
    }
    let running = try evaluate(mixed, options)
    let batch = try evaluate(mixed, InferenceRun(threads: threads, batch: size, usesBatchStatistics: true))
    var recalibrated = self
    try recalibrated.recalibrate(on: mixed, threads: threads ?? Machine.threads)
    return (
      recorder.records,
      StatisticsComparison(
        running: running, batch: batch, batchSize: size,
        recalibrated: try recalibrated.evaluate(mixed, threads: threads))
    )
  }
}

extension StatisticsComparison {
  /// What running statistics cost compared with recalibrated ones, in words; nil if it is no more than chance.
  var cost: String? {
    if let before = running.accuracy, let after = recalibrated.accuracy {
      let error = (after * (1 - after) / Double(running.count)).squareRoot()
      return after - before > max(Thresholds.accuracyCost, 2 * error) ? summary : nil
    }
    guard let before = running.rootMeanSquaredError, let after = recalibrated.rootMeanSquaredError else { return nil }
    // The standard error of a root mean square of n normal errors is 1 / √(2 n) of it.
    let chance = 2 / (2 * Double(running.count)).squareRoot()
    return before > after * (1 + max(Thresholds.errorCost, chance)) ? summary : nil
  }

  /// Both qualities in words.
  var summary: String {
    if let before = running.accuracy, let after = recalibrated.accuracy {
      return
        "\(NumberText.plain.percent(before, decimals: 2)) accuracy with them, \(NumberText.plain.percent(after, decimals: 2)) with recalibrated ones"
    }
    return
      "an RMSE of \(NumberText.plain.short(running.rootMeanSquaredError ?? .nan)) with them, \(NumberText.plain.short(recalibrated.rootMeanSquaredError ?? .nan)) with recalibrated ones"
  }

  var numbers: [String: Double] {
    var numbers = ["runningLoss": running.loss, "recalibratedLoss": recalibrated.loss]
    numbers["runningAccuracy"] = running.accuracy
    numbers["recalibratedAccuracy"] = recalibrated.accuracy
    numbers["runningRMSE"] = running.rootMeanSquaredError
    numbers["recalibratedRMSE"] = recalibrated.rootMeanSquaredError
    return numbers
  }
}

extension Finding {
  /// Most severe first, then by layer in the order of the network, then by kind.
  static func sorted(_ findings: [Finding], in network: PlacedNetwork) -> [Finding] {
    let layers = network.layers.map(\.path)
    let place = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($1, $0) })
    return findings.enumerated().sorted { left, right in
      let (a, b) = (left.element, right.element)
      if a.severity != b.severity { return a.severity > b.severity }
      return (place[a.layer] ?? 0, left.offset) < (place[b.layer] ?? 0, right.offset)
    }.map(\.element)
  }
}
