import Glibc

/// One batch norm of a model: its parameters and averages, what data showed, and what follows from them.
struct NormExamination {
  let site: StructureExamination.NormSite
  let statistics: RunningStatistics
  /// γ and β; empty if they are fixed.
  let scale: [Float]
  let shift: [Float]
  /// nil without data.
  let record: NormRecord?
  /// The batch size in training; nil if it is not known.
  let batchSize: Int?
  /// nil if it was not evaluated.
  let comparison: StatisticsComparison?

  private var name: String { site.layer.path }
  private var features: Int { statistics.mean.count }
  private var epsilon: Double { site.options.epsilon }
  private var hasStatistics: Bool { statistics.batchCount > 0 }

  var findings: [Finding] {
    [
      neverUpdated, constantFeatures, epsilonDominates, deadScale, closedActivation, disagreement,
      Self.smallBatch(site, batchSize: batchSize, record),
    ].compactMap(\.self)
  }

  // ---- averages -----------------------------------------------------------------------------------------------------

  private var neverUpdated: Finding? {
    guard !hasStatistics else { return nil }
    return Finding(
      .neverUpdated, .illness, layer: name,
      cause: site.options.isFrozen
        ? "The norm is frozen and no batch was ever averaged: it normalizes with mean 0 and variance 1, that is, it does nothing."
        : "No batch was ever averaged: it predicts with mean 0 and variance 1 instead of the data's.",
      remedy: site.options.isFrozen
        ? "Train with frozen: false first, or recalibrate the model on training data."
        : "Train the model, or recalibrate it on training data."
    )
  }

  /// The variance that matters for feature `index`: the running one, or the data's if none was averaged.
  private func variance(_ index: Int) -> Double? {
    hasStatistics ? Double(statistics.variance[index]) : record?.input.variance(index)
  }

  private func isConstant(_ index: Int) -> Bool {
    variance(index).map { $0 <= Thresholds.constantVariance * epsilon } ?? false
  }

  private var constantFeatures: Finding? {
    let constant = (0..<features).filter(isConstant)
    guard !constant.isEmpty else { return nil }
    let all = constant.count == features
    let gain =
      epsilon > 0
      ? "any other value is multiplied by up to \(NumberText.plain.short(1 / epsilon.squareRoot()))"
      : "any other value is lost"
    return Finding(
      .constantFeatures, all ? .illness : .warning, layer: name, features: constant,
      numbers: ["largestVariance": constant.map { variance($0)! }.max()!, "epsilon": epsilon],
      cause:
        "\(part(constant)) were the same in every example (σ² below ε / \(NumberText.plain.short(1 / Thresholds.constantVariance))): they carry no information, and \(gain) when one comes.",
      remedy: all
        ? "Look at the layers before it: nothing that depends on the input gets through."
        : "Leave constant columns or pixels out of the data, or look at the layer before it, whose units for these features are dead."
    )
  }

  private var epsilonDominates: Finding? {
    let small = (0..<features).filter { index in
      !isConstant(index) && (variance(index).map { $0 < Thresholds.smallVariance * epsilon } ?? false)
    }
    guard !small.isEmpty else { return nil }
    let variances = small.map { variance($0)! }.sorted()
    let median = variances[variances.count / 2]
    return Finding(
      .epsilonDominates, 2 * small.count > features ? .warning : .note, layer: name, features: small,
      numbers: ["medianVariance": median, "epsilon": epsilon],
      cause:
        "\(part(small)) have a variance below ε = \(NumberText.plain.short(epsilon)) (median \(NumberText.plain.short(median))): ε outweighs it, and they come out with a standard deviation of \(NumberText.plain.short((median / (median + epsilon)).squareRoot())), not 1.",
      remedy: "Use a smaller epsilon, or give the layer inputs of a larger scale.")
  }

  /// The divergence of the norm's output for feature `index`, before γ and β, from N(0, 1).
  private func divergence(_ index: Int) -> Double {
    let (shift, ratio) = departure(index)!
    return ratio > 0 ? (ratio - 1 - log(ratio) + shift * shift) / 2 : .infinity
  }

  /// Whether the running statistics of feature `index` do not match the data.
  private func disagrees(_ index: Int) -> Bool {
    guard let record else { return false }
    let examples = Int(record.input.weight) / positions
    return divergence(index) > Thresholds.divergence + Thresholds.chanceDivergence(examples: examples)
  }

  /// How far the data's mean is from the running one, in running deviations, and its variance divided by the running
  /// one.
  private func departure(_ index: Int) -> (shift: Double, ratio: Double)? {
    guard let record else { return nil }
    let running = Double(statistics.variance[index]) + epsilon
    guard running > 0 else { return (0, 1) }
    return (
      (record.input.mean(index) - Double(statistics.mean[index])) / running.squareRoot(),
      (record.input.variance(index) + epsilon) / running
    )
  }

  /// The shift from the running statistics to the data's.
  private var statisticsShift: StatisticsShift? {
    record.map { record in
      let data = RunningStatistics(
        mean: record.input.means.map { Float($0) }, variance: (0..<features).map { Float(record.input.variance($0)) },
        batchCount: 1)
      return StatisticsShift(from: statistics, to: data, epsilon: epsilon)
    }
  }

  private var disagreement: Finding? {
    guard let shift = statisticsShift, hasStatistics else { return nil }
    let wrong = (0..<features).filter(disagrees)
    let cost = comparison?.cost
    guard !wrong.isEmpty, cost != nil || Double(wrong.count) > Thresholds.disagreeingShare * Double(features) else {
      return nil
    }
    let price =
      switch (comparison, cost) {
      case (nil, _): "without targets, the cost is unknown"
      case (_, let cost?): "the model has \(cost)"
      case (let comparison?, nil): "the model does no worse because of it (\(comparison.summary))"
      }
    var numbers = [
      "meanShift": shift.meanShift, "largestShift": shift.largestMeanShift,
      "lowestVarianceRatio": shift.lowestVarianceRatio, "highestVarianceRatio": shift.highestVarianceRatio,
    ]
    if let comparison { numbers.merge(comparison.numbers) { first, _ in first } }
    return Finding(
      .statisticsDisagree, cost != nil ? .illness : comparison == nil ? .warning : .note, layer: name, features: wrong,
      numbers: numbers,
      cause:
        "The running statistics of \(part(wrong)) do not match this data: over the layer, means are off by \(NumberText.plain.short(shift.meanShift)) σ (at most \(NumberText.plain.short(shift.largestMeanShift)) σ) and variances \(NumberText.plain.short(shift.lowestVarianceRatio)) to \(NumberText.plain.short(shift.highestVarianceRatio)) times the running ones; \(price).",
      remedy: comparison != nil && cost == nil
        ? "Nothing needs to be done: recalibrated statistics do no better on this data."
        : "Recalibrate the model on data of this kind; if statistics are off even on the training data, train longer with a smaller learning rate."
    )
  }

  // ---- γ and β ------------------------------------------------------------------------------------------------------

  private var deadFeatures: [Int] {
    guard !scale.isEmpty else { return [] }
    let limit = max(Thresholds.absoluteScale, Thresholds.relativeScale * typicalScale)
    return scale.indices.filter { Double(abs(scale[$0])) < limit }
  }

  private var typicalScale: Double {
    (scale.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(scale.count, 1))).squareRoot()
  }

  private var deadScale: Finding? {
    // A scale that starts at 0 on purpose is judged only after training.
    guard hasStatistics || site.options.initialScale != 0 else { return nil }
    let dead = deadFeatures
    guard !dead.isEmpty else { return nil }
    let all = dead.count == features
    let severity: Finding.Severity =
      switch (site.endsBlock, all) {
      case (true, false): .note
      case (true, true), (false, false): .warning
      case (false, true): .illness
      }
    return Finding(
      .deadScale, severity, layer: name, features: dead,
      numbers: ["largestScale": dead.map { Double(abs(scale[$0])) }.max()!, "typicalScale": typicalScale],
      cause:
        "γ is practically 0 for \(part(dead)): \(site.endsBlock ? "there the block adds nothing to its shortcut" : "they output β whatever the input").",
      remedy: site.endsBlock
        ? "If this is most of the block, the block can be left out; otherwise nothing needs to be done."
        : "Remove these features from the layer before it, or train again with a smaller learning rate and no decay on γ."
    )
  }

  /// P(γ x̂ + β > 0) of feature `index` for standard normal x̂.
  private func expectedOpenShare(_ index: Int) -> Double {
    let (gain, shift) = (scale.isEmpty ? 1 : Double(abs(scale[index])), shift.isEmpty ? 0 : Double(shift[index]))
    guard gain > 0 else { return shift > 0 ? 1 : 0 }
    return erfc(-shift / gain / 2.0.squareRoot()) / 2
  }

  private var closedActivation: Finding? {
    guard site.reluPath != nil, !shift.isEmpty else { return nil }
    let dead = Set(deadFeatures)
    var closed: [Int] = []
    var largest = 0.0
    var isMeasured = (record?.counted ?? 0) >= Thresholds.countedValues
    for index in shift.indices where !dead.contains(index) {
      let expected = expectedOpenShare(index)
      // If the statistics do not match the data, β is not to blame for a closed ReLU.
      let counted = disagrees(index) ? nil : record?.openShare(index)
      guard counted ?? expected < Thresholds.openShare else { continue }
      let share = counted ?? expected
      if counted == nil { isMeasured = false }
      closed.append(index)
      largest = max(largest, share)
    }
    guard !closed.isEmpty else { return nil }
    let all = closed.count == features
    let worst = closed.map { Double(shift[$0]) / Double(scale.isEmpty ? 1 : abs(scale[$0])) }.min()!
    return Finding(
      .closedActivation, all ? .illness : .warning, layer: name, features: closed,
      numbers: ["largestShare": largest, "lowestShift": worst, "measured": isMeasured ? 1 : 0],
      cause: isMeasured
        ? "The ReLU after \(part(closed)) let at most \(NumberText.plain.short(largest)) of \(record!.counted) values through: γ x̂ + β stays below 0, and no gradient comes back."
        : "β of \(part(closed)) is down to \(NumberText.plain.short(worst)) |γ|: for normally distributed x̂ the ReLU lets at most \(NumberText.plain.short(largest)) through, and no gradient comes back.",
      remedy:
        "Train again with a smaller learning rate or a leaky activation, or remove these features from the layer before it."
    )
  }

  // ---- batches ------------------------------------------------------------------------------------------------------

  private var positions: Int { Self.positions(site) }
  private static func positions(_ site: StructureExamination.NormSite) -> Int { site.layer.positions }

  /// Standard errors of the mean and variance of `m` independent normal values: σ / √m and σ² √(2 / (m − 1)).
  static func normalErrors(_ m: Int) -> (mean: Double, variance: Double) {
    (1 / Double(m).squareRoot(), (2 / Double(max(m - 1, 1))).squareRoot())
  }

  /// Pixels of one image depend on each other, so without data an image counts as one value, which gives an upper
  /// bound.
  static func smallBatch(
    _ site: StructureExamination.NormSite, batchSize: Int?, _ record: NormRecord?
  ) -> Finding? {
    // Renormalization removes the noise again.
    guard var batchSize, !site.options.isFrozen, !site.options.isRenormalized else { return nil }
    // For a norm with ghost batches, the batch is the ghost batch.
    batchSize = min(batchSize, site.options.ghostBatch ?? batchSize)
    let measured = record?.batchErrors
    let errors = measured ?? normalErrors(batchSize)
    guard errors.mean > Thresholds.meanError else { return nil }
    let isImage = positions(site) > 1
    let numbers = [
      "batchSize": Double(batchSize), "meanError": errors.mean, "varianceError": errors.variance,
      "measured": measured == nil ? 0 : 1,
    ]
    let bound = measured == nil && isImage ? "up to " : ""
    return Finding(
      .smallBatch, errors.mean < Thresholds.graveMeanError ? .warning : .illness, layer: site.layer.path,
      numbers: numbers,
      cause:
        "With \(batchSize) examples, a batch's mean is off by \(bound)\(NumberText.plain.short(errors.mean)) σ and its variance by \(bound)\(NumberText.plain.short(100 * errors.variance)) %\(measured == nil ? "" : ", measured on this data"): every example is normalized with that much noise.",
      remedy:
        "Train with larger batches (\(Int((1 / (Thresholds.meanError * Thresholds.meanError)).rounded())) examples or more), or with a norm that does not depend on the batch."
    )
  }

  // ---- the table ----------------------------------------------------------------------------------------------------

  var health: NormHealth {
    NormHealth(
      layer: name, features: features, batchCount: statistics.batchCount, scale: Self.range(scale),
      shift: Self.range(shift), mean: Self.range(statistics.mean)!, variance: Self.range(statistics.variance)!,
      shareBelowEpsilon: share { Double(statistics.variance[$0]) < Thresholds.smallVariance * epsilon ? 1 : 0 },
      expectedOpenShare: site.reluPath.map { _ in share(expectedOpenShare) },
      measured: record.map { record in
        let m = batchSize ?? Thresholds.batchSize
        let errors = record.batchErrors ?? Self.normalErrors(m)
        return NormHealth.Measured(
          shift: statisticsShift!,
          openShare: record.openShare, batchSize: m, meanError: errors.mean, varianceError: errors.variance)
      })
  }

  /// The mean of `value` over features.
  private func share(_ value: (Int) -> Double) -> Double {
    (0..<features).reduce(0) { $0 + value($1) } / Double(max(features, 1))
  }

  private static func range(_ values: [Float]) -> ClosedRange<Float>? {
    values.isEmpty ? nil : values.min()!...values.max()!
  }

  private func part(_ chosen: [Int]) -> String { "\(chosen.count) of \(features) features" }
}
