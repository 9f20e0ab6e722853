import Kernels

/// Batch normalization, the shortcut that is added after it and the activation that follows, in the same sweeps.
///
/// A batch is one part, or several ghost batches that are normalized by themselves; a part is a number of slices. A part with
/// fewer than two valid values of a feature, as with masked examples, is normalized with the running statistics and does not
/// change them. Scratch holds the slices' sums, then for every part its statistics, if it is renormalized the resulting
/// parameters, and in the backward the means of the gradients.
struct BatchNormOperation: BatchReduction {
  let options: BatchNorm
  let features: Int
  /// Values of one feature in one example: 1 for `[N, C]`, H·W for images.
  let positions: Int
  /// Whether examples are sequences, which may be shorter than their shape.
  let isSequence: Bool
  let name: String
  var activation = Activation.identity
  /// Whether it is the last of a residual block and adds the shortcut: only identity or ReLU may then follow.
  var hasAddend = false
  /// Floats for the sums of all slices.
  private let sumCount: Int
  private let partCount: Int
  /// The running statistics, as the kernels want them.
  private let running: PreparedStatistics

  init(_ options: BatchNorm, site: LayerSite) {
    self.options = options
    features = site.input.featureCount
    positions = site.input.count / max(site.input.featureCount, 1)
    isSequence = site.input.rank == 2
    name = site.name
    sumCount = 2 * site.maximumSlices * ek_slice_stride(features)
    partCount = site.purpose == .training ? options.parts(of: site.maximumRows).count : 1
    running = PreparedStatistics(features: features)
  }

  var backwardReads: BackwardReads {
    activation.fusedReadsOutput || (hasAddend && activation != .identity) ? [.input, .output] : .input
  }
  var worksInPlace: Bool { true }
  var backwardWorksInPlace: Bool { !hasAddend }
  var scratchCount: Int { sumCount + partCount * (floatsOfPart + 1) }

  /// Statistics, means and sums of gradients, and how they are renormalized.
  private var floatsOfPart: Int { (options.renormalization == nil ? 10 : 14) * features }

  private func part(_ index: Int, _ pass: ForwardPass) -> UnsafeMutablePointer<Float> {
    pass.scratch + sumCount + index * floatsOfPart
  }

  private func statistics(_ part: Int, _ pass: ForwardPass) -> ek_batch_statistics {
    ek_batch_statistics(at: self.part(part, pass), features: features)
  }

  /// The means of dz and dz x̂ over a part.
  private func means(
    _ part: Int, _ pass: ForwardPass
  ) -> (dz: UnsafeMutablePointer<Float>, dzN: UnsafeMutablePointer<Float>) {
    let start = self.part(part, pass) + 4 * features
    return (start, start + features)
  }

  /// Σ dz and Σ dz x̂ over a part, one after the other.
  private func gradientSums(_ part: Int, _ pass: ForwardPass) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(self.part(part, pass) + 6 * features).assumingMemoryBound(to: Double.self)
  }

  private func renormalized(_ part: Int, _ pass: ForwardPass) -> RenormalizedParameters {
    RenormalizedParameters(at: self.part(part, pass) + 10 * features, features: features)
  }

  /// The sums of one slice.
  func sums(_ slice: Int, _ pass: ForwardPass) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(pass.scratch).assumingMemoryBound(to: Double.self) + slice * ek_slice_stride(features)
  }

  var shiftIndex: Int { options.scale ? 1 : 0 }

  /// Where μ and σ² come from.
  private enum Source {
    case running
    /// The rows themselves, which enter the running averages as this fraction of a step.
    case batch(share: Double)
    /// All parts of the batch to which the rows belong.
    case whole(WholeBatchNorm)
  }

  private func source(_ pass: ForwardPass) -> Source {
    if let context = pass.context { return .whole(unsafeDowncast(context, to: WholeBatchNorm.self)) }
    // On request, prediction uses the batch's statistics, even for a frozen norm.
    guard case .batch(let share) = pass.statistics, !(options.frozen && pass.purpose == .training) else {
      return .running
    }
    return .batch(share: share)
  }

  /// Whether the statistics are the batch's own.
  private func takesStatistics(_ pass: ForwardPass) -> Bool {
    if case .running = source(pass) { return false }
    return true
  }

  /// The rows of the whole batch.
  private func rows(_ pass: ForwardPass) -> Range<Int> { 0..<pass.slices[pass.sliceCount - 1].upperBound }

  private func parts(_ pass: ForwardPass) -> Parts {
    let rows = rows(pass).count
    let haveStatistics = pass.purpose == .training && takesStatistics(pass)
    return haveStatistics ? options.parts(of: rows) : Parts(rows: rows, largest: .max)
  }

  private func isWeighted(_ pass: ForwardPass) -> Bool {
    takesStatistics(pass) && (pass.weights.weights != nil || (isSequence && pass.weights.lengths != nil))
  }

  /// The weights of the rows of a part, in the pass of the whole batch; nil for 1 each.
  private func weights(_ whole: ForwardPass, _ examples: Range<Int>) -> RowWeights? {
    guard isWeighted(whole) else { return nil }
    let lengths = isSequence ? whole.weights.lengths : nil
    return RowWeights(
      whole.weights.weights.map { $0 + examples.lowerBound }, lengths.map { $0 + examples.lowerBound },
      examples: examples.count, positions: positions)
  }

  /// The weights of a slice for the kernels.
  private func sliceWeights(_ pass: ForwardPass) -> ek_weights? {
    guard isWeighted(pass) else { return nil }
    return ek_weights(
      examples: pass.rows, positions: positions, weights: pass.weights.weights,
      lengths: isSequence ? pass.weights.lengths : nil, total: 0)
  }

  /// What the kernels normalize a slice with.
  private struct Site {
    var norm: ek_batch_norm
    let statistics: ek_batch_statistics
    let part: Int
    /// Whether the statistics were given, not computed from the part.
    let isGiven: Bool
  }

  func norm(_ pass: ForwardPass) -> ek_batch_norm {
    ek_batch_norm(
      rows: pass.rows * positions, features: features, epsilon: options.epsilon,
      scale: options.scale ? pass.parameter(0) : nil, shift: options.shift ? pass.parameter(shiftIndex) : nil,
      activation: activation.kernel, slope: activation.slope, addend: pass.addend,
      past_cache: 0)
  }

  private func site(_ pass: ForwardPass) -> Site {
    var norm = norm(pass)
    switch source(pass) {
    case .running: return Site(norm: norm, statistics: running.view, part: 0, isGiven: true)
    case .whole(let whole): return Site(norm: norm, statistics: whole.statistics, part: 0, isGiven: false)
    case .batch:
      let parts = parts(pass)
      let part = parts.index(ofRow: pass.slices[pass.slice].lowerBound)
      let isGiven = hasStatistics(part, pass).pointee == 0
      if options.renormalization != nil, !isGiven {
        let renormalized = renormalized(part, pass)
        (norm.scale, norm.shift) = (UnsafePointer(renormalized.scale), UnsafePointer(renormalized.shift))
      }
      return Site(norm: norm, statistics: statistics(part, pass), part: part, isGiven: isGiven)
    }
  }

  /// Set to 1 where a part has statistics of its own, to 0 where it takes the running ones.
  private func hasStatistics(_ part: Int, _ pass: ForwardPass) -> UnsafeMutablePointer<Float> {
    pass.scratch + sumCount + partCount * floatsOfPart + part
  }

  // ---- forward --------------------------------------------------------------------------------------------------------

  func preparationBlocks(_ pass: ForwardPass) -> Int {
    if pass.purpose == .prediction { return 1 }
    if case .running = source(pass) { return 1 }
    return 0
  }

  func prepare(_ pass: ForwardPass, block: Int) {
    runningView(pass).copy(to: running.view, epsilon: options.epsilon)
  }

  func reducesForward(_ pass: ForwardPass) -> Bool {
    if case .batch = source(pass) { return true }
    return false
  }

  func collect(_ pass: ForwardPass) {
    let moments = sums(pass.slice, pass)
    if var weights = sliceWeights(pass) {
      ek_slice_weighted_moments(pass.input, &weights, features, moments)
    } else {
      ek_slice_moments(pass.input, pass.rows * positions, features, moments)
    }
  }

  private func runningView(_ pass: ForwardPass) -> RunningStatisticsView {
    RunningStatisticsView(pass.memory.buffers, features: features)
  }

  func reduce(_ pass: ForwardPass) throws {
    let parts = parts(pass)
    guard let exchange = pass.exchange, parts.count > 1 else {
      for index in 0..<parts.count { try reduce(index, parts[index], pass) }
      return
    }
    for index in 0..<parts.count {
      do { try reduce(index, parts[index], pass) } catch let error as EvenkeelError where error.code != .unavailable {
        exchange.failure = exchange.failure ?? error
      }
    }
  }

  private func reduce(_ index: Int, _ examples: Range<Int>, _ pass: ForwardPass) throws {
    let weights = weights(pass, examples)
    let statistics = statistics(index, pass)
    hasStatistics(index, pass).pointee = weights?.haveStatistics != false ? 1 : 0
    if let weights, !weights.haveStatistics {
      return runningView(pass).copy(to: statistics, epsilon: options.epsilon)
    }
    guard examples.count * positions > 1 else {
      throw NormFailure.oneValue.error(name, BatchNorm.kind)
    }
    let slices = pass.slices.covering(examples)
    let moments = sums(slices.lowerBound, pass)
    if let exchange = pass.exchange {
      // Ranks with other ghost batches need these statistics at the end of the step only.
      let isForAll = examples.count == rows(pass).count
      try exchange.merge(slices, of: sums(0, pass), features: features, SliceMerge.moments, isForAll: isForAll)
      guard isForAll || exchange.holds(slices) else { return }
    } else {
      ek_merge_moments(moments, slices.count, features)
    }
    let bad = ek_statistics_from(moments, features, options.epsilon, statistics)
    guard bad < 0 else { throw NormFailure.notFinite(feature: bad).error(name, BatchNorm.kind) }
    if let renormalization = options.renormalization {
      renormalized(index, pass).compute(
        statistics, against: runningView(pass), renormalization, epsilon: options.epsilon,
        scale: options.scale ? pass.parameter(0) : nil, shift: options.shift ? pass.parameter(shiftIndex) : nil)
    }
    // The variance that is averaged is larger than the batch's by m / (m − 1) and must be a float too.
    let correction = options.runningVariance.correction(count: weights?.count ?? Double(examples.count * positions))
    let overflow = (0..<features).first { !Float(Double(statistics.variance[$0]) * correction).isFinite }
    if let overflow { throw NormFailure.outOfRange(feature: overflow).error(name, BatchNorm.kind) }
  }

  func forward(_ pass: ForwardPass) {
    var site = site(pass)
    ek_batch_norm_apply(&site.norm, pass.input, pass.output, site.statistics)
  }

  // ---- backward -------------------------------------------------------------------------------------------------------

  func reducesBackward(_ pass: ForwardPass) -> Bool { pass.context == nil }

  func collect(_ pass: BackwardPass) {
    var site = site(pass.forward)
    ek_batch_norm_gradient_sums(
      &site.norm, pass.input, pass.output, pass.outputGradient, site.statistics, sums(pass.forward.slice, pass.forward))
  }

  func reduce(_ pass: BackwardPass) throws {
    let forward = pass.forward
    let parts = parts(forward)
    let dscale = options.scale ? pass.parameterGradient(0) : nil
    let dshift = options.shift ? pass.parameterGradient(shiftIndex) : nil
    for index in 0..<parts.count {
      let slices = forward.slices.covering(parts[index])
      let sums = try mergedSums(slices, forward, isForAll: parts.count == 1)
      let kept = gradientSums(index, forward)
      kept.update(from: sums.dz, count: features)
      (kept + features).update(from: sums.dzN, count: features)
    }
    if let exchange = forward.exchange, parts.count > 1 {
      try exchange.gather(part(0, forward), parts, floats: floatsOfPart)
    }
    for index in 0..<parts.count {
      let weights = weights(forward, parts[index])
      let sums = gradientSums(index, forward)
      let means = means(index, forward)
      let total = weights.map { max($0.view.total, .leastNormalMagnitude) } ?? Double(parts[index].count * positions)
      let renormalized =
        options.renormalization != nil && takesStatistics(forward) && weights?.haveStatistics != false
        ? renormalized(index, forward) : nil
      for feature in 0..<features {
        let (dz, dzN) = (sums[feature], sums[features + feature])
        means.dz[feature] = Float(dz / total)
        means.dzN[feature] = Float(dzN / total)
        // dγ = Σ dy (x̂ r + d)
        let scale = renormalized.map { Double($0.ratio[feature]) * dzN + Double($0.offset[feature]) * dz } ?? dzN
        if let dscale { dscale[feature] = Float(scale) + (index > 0 ? dscale[feature] : 0) }
        if let dshift { dshift[feature] = Float(dz) + (index > 0 ? dshift[feature] : 0) }
      }
    }
  }

  /// Σ dz and Σ dz x̂ over some slices.
  func mergedSums(
    _ slices: Range<Int>, _ pass: ForwardPass, isForAll: Bool = true
  ) throws -> (dz: UnsafeMutablePointer<Double>, dzN: UnsafeMutablePointer<Double>) {
    let sums = sums(slices.lowerBound, pass)
    if let exchange = pass.exchange {
      try exchange.merge(slices, of: self.sums(0, pass), features: features, SliceMerge.sums, isForAll: isForAll)
    } else {
      ek_merge_sums(sums, slices.count, features)
    }
    return (sums, sums + ek_slice_second(features))
  }

  func backward(_ pass: BackwardPass) throws {
    if let context = pass.forward.context {
      return spread(unsafeDowncast(context, to: WholeBatchNorm.self), pass)
    }
    guard let dx = pass.inputGradient else { return }
    let forward = pass.forward
    var site = site(forward)
    let means = means(site.part, forward)
    let isWeighted = isWeighted(forward)
    let hasMeans = !site.isGiven && !isWeighted
    ek_batch_norm_spread(
      &site.norm, pass.input, pass.output, pass.outputGradient, site.statistics, hasMeans ? means.dz : nil,
      hasMeans ? means.dzN : nil, dx)
    if isWeighted, !site.isGiven, var weights = sliceWeights(forward) {
      ek_batch_norm_spread_weights(&site.norm, pass.input, &weights, site.statistics, means.dz, means.dzN, dx)
    }
  }

  /// Every ghost batch is a step of the running averages, as for accumulated micro-batches (and in algorithm 1 of
  /// Hoffer et al. 2017); one of fewer than `ghostBatch` examples counts proportionally.
  func commit(_ pass: CommitPass) {
    let forward = pass.forward
    let running = runningView(forward)
    switch source(forward) {
    case .running: return
    case .whole(let whole):
      guard case .batch(let share) = forward.statistics else { return }
      running.fold(whole.statistics, count: whole.moments.count, share: share, options: options)
    case .batch(let share):
      let parts = parts(forward)
      for index in 0..<parts.count {
        let examples = parts[index].count
        let weights = weights(forward, parts[index])
        guard weights?.haveStatistics != false else { continue }
        running.fold(
          statistics(index, forward), count: weights?.count ?? Double(examples * positions),
          share: options.ghostBatch.map { min(1, Double(examples) / Double($0)) } ?? share, options: options)
      }
    }
  }

  /// From the averages to the statistics that were folded into them last; nil if none were.
  func shift(_ pass: CommitPass) -> StatisticsShift? {
    let forward = pass.forward
    let last: ek_batch_statistics
    switch source(forward) {
    case .running: return nil
    case .whole(let whole): last = whole.statistics
    case .batch:
      let part = parts(forward).count - 1
      guard hasStatistics(part, forward).pointee == 1 else { return nil }
      last = statistics(part, forward)
    }
    let running = runningView(forward)
    let values = { (start: UnsafeMutablePointer<Float>) in Array(UnsafeBufferPointer(start: start, count: features)) }
    return StatisticsShift(
      from: RunningStatistics(mean: values(running.mean), variance: values(running.variance), batchCount: 1),
      to: RunningStatistics(mean: values(last.mean_high), variance: values(last.variance), batchCount: 1),
      epsilon: options.epsilon)
  }

  func recalibrate(_ moments: FeatureMoments, _ buffers: LayerBuffers) throws {
    let running = RunningStatisticsView(buffers, features: features)
    let correction = options.runningVariance.correction(count: moments.count)
    for feature in 0..<features {
      running.mean[feature] = Float(moments.mean(feature))
      running.variance[feature] = Float(moments.variance(feature) * correction)
      guard running.mean[feature].isFinite, running.variance[feature].isFinite else {
        throw NormFailure.outOfRange(feature: feature).error(name, BatchNorm.kind)
      }
    }
    running.batchCount.pointee = max(1, running.batchCount.pointee)
  }
}
