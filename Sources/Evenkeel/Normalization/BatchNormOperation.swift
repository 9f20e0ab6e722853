import Kernels

/// Batch normalization, the shortcut that is added after it and the activation that follows, in the same sweeps.
///
/// A batch is one part, or several ghost batches that are normalized one after the other. A part with fewer than two
/// valid values of a feature, as with masked examples, is normalized with the running statistics and does not change
/// them. Scratch holds the kernels' sums, then for every part its statistics and, if it is renormalized, the resulting
/// parameters, then the gradients of one part.
struct BatchNormOperation: LayerOperation {
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
  /// Doubles for the kernels' sums; the largest number of rows needs the most.
  private let sumCount: Int
  private let partCount: Int

  init(_ options: BatchNorm, site: LayerSite) {
    self.options = options
    features = site.input.featureCount
    positions = site.input.count / max(site.input.featureCount, 1)
    isSequence = site.input.rank == 2
    name = site.name
    sumCount = ek_batch_norm_scratch(site.maximumRows * positions, features)
    partCount = site.purpose == .training ? options.parts(of: site.maximumRows).count : 1
  }

  var backwardReads: BackwardReads {
    activation.fusedReadsOutput || (hasAddend && activation != .identity) ? [.input, .output] : .input
  }
  var worksInPlace: Bool { true }
  var backwardWorksInPlace: Bool { !hasAddend }
  var scratchCount: Int { 2 * sumCount + partCount * floatsOfPart + 2 * features }

  private var floatsOfPart: Int { (options.renormalization == nil ? 4 : 8) * features }

  private func part(_ index: Int, _ pass: ForwardPass) -> UnsafeMutablePointer<Float> {
    pass.scratch + 2 * sumCount + index * floatsOfPart
  }

  private func statistics(_ part: Int, _ pass: ForwardPass) -> ek_batch_statistics {
    ek_batch_statistics(at: self.part(part, pass), features: features)
  }

  private func renormalized(_ part: Int, _ pass: ForwardPass) -> RenormalizedParameters {
    RenormalizedParameters(at: self.part(part, pass) + 4 * features, features: features)
  }

  func sums(_ pass: ForwardPass) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(pass.scratch).assumingMemoryBound(to: Double.self)
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

  private func parts(_ pass: ForwardPass) -> Parts {
    let haveStatistics = pass.purpose == .training && takesStatistics(pass)
    return haveStatistics ? options.parts(of: pass.rows) : Parts(rows: pass.rows, largest: .max)
  }

  private func isWeighted(_ pass: ForwardPass) -> Bool {
    takesStatistics(pass) && (pass.weights.weights != nil || (isSequence && pass.weights.lengths != nil))
  }

  /// The weights of the rows of some of the examples; nil for 1 each.
  private func weights(_ pass: ForwardPass, _ examples: Range<Int>) -> RowWeights? {
    guard isWeighted(pass) else { return nil }
    let lengths = isSequence ? pass.weights.lengths : nil
    return RowWeights(
      pass.weights.weights.map { $0 + examples.lowerBound }, lengths.map { $0 + examples.lowerBound },
      examples: examples.count, positions: positions)
  }

  /// The norm of some of the examples.
  func norm(_ pass: ForwardPass, _ examples: Range<Int>) -> ek_batch_norm {
    ek_batch_norm(
      rows: examples.count * positions, features: features, epsilon: options.epsilon,
      scale: options.scale ? pass.parameter(0) : nil, shift: options.shift ? pass.parameter(shiftIndex) : nil,
      activation: activation.kernel,
      slope: activation.slope,
      addend: pass.addend.map { $0 + examples.lowerBound * positions * features },
      frozen: takesStatistics(pass) ? 0 : 1)
  }

  func forward(_ pass: ForwardPass) throws {
    switch source(pass) {
    case .running: applyRunningStatistics(0, 0..<pass.rows, pass)
    case .batch:
      let parts = parts(pass)
      for index in 0..<parts.count { try normalize(index, parts[index], pass) }
    case .whole(let whole): apply(whole, pass)
    }
  }

  private func running(_ pass: ForwardPass) -> RunningStatisticsView {
    RunningStatisticsView(pass.memory.buffers, features: features)
  }

  private func applyRunningStatistics(_ index: Int, _ examples: Range<Int>, _ pass: ForwardPass) {
    var norm = norm(pass, examples)
    let statistics = statistics(index, pass)
    let start = examples.lowerBound * positions * features
    running(pass).copy(to: statistics, epsilon: options.epsilon)
    ek_batch_norm_apply(&norm, pass.input + start, pass.output + start, statistics, Int32(pass.threads))
  }

  private func normalize(_ index: Int, _ examples: Range<Int>, _ pass: ForwardPass) throws {
    let weights = weights(pass, examples)
    if let weights, !weights.haveStatistics { return applyRunningStatistics(index, examples, pass) }
    var norm = norm(pass, examples)
    let statistics = statistics(index, pass)
    let start = examples.lowerBound * positions * features
    let (x, y) = (pass.input + start, pass.output + start)
    guard norm.rows > 1 else {
      throw NormFailure.oneValue.error(name, BatchNorm.kind)
    }
    let (sums, threads) = (sums(pass), Int32(pass.threads))
    let bad: Int
    if weights == nil, options.renormalization == nil {
      bad = ek_batch_norm_forward(&norm, x, y, statistics, sums, threads)
    } else {
      if var view = weights?.view {
        bad = ek_weighted_statistics_of(x, &view, features, options.epsilon, statistics, sums, threads)
      } else {
        bad = ek_batch_statistics_of(x, norm.rows, features, options.epsilon, statistics, sums, threads)
      }
      if bad < 0 {
        if let renormalization = options.renormalization {
          let renormalized = renormalized(index, pass)
          renormalized.compute(
            statistics, against: running(pass), renormalization, epsilon: options.epsilon, scale: norm.scale,
            shift: norm.shift)
          (norm.scale, norm.shift) = (UnsafePointer(renormalized.scale), UnsafePointer(renormalized.shift))
        }
        ek_batch_norm_apply(&norm, x, y, statistics, threads)
      }
    }
    guard bad < 0 else {
      throw NormFailure.notFinite(feature: bad).error(name, BatchNorm.kind)
    }
    // The variance that is averaged is larger than the batch's by m / (m − 1) and must be a float too.
    let correction = options.runningVariance.correction(count: weights?.count ?? Double(norm.rows))
    let overflow = (0..<features).first { !Float(Double(statistics.variance[$0]) * correction).isFinite }
    if let overflow {
      throw NormFailure.outOfRange(feature: overflow).error(name, BatchNorm.kind)
    }
  }

  func backward(_ pass: BackwardPass) throws {
    if case .whole(let whole) = source(pass.forward) { return spread(whole, pass) }
    let forward = pass.forward
    let parts = parts(forward)
    let dscale = options.scale ? pass.parameterGradient(0) : nil
    let dshift = options.shift ? pass.parameterGradient(shiftIndex) : nil
    guard parts.count > 1 || isWeighted(forward) || (takesStatistics(forward) && options.renormalization != nil) else {
      return differentiate(0, 0..<pass.rows, nil, pass, dscale, dshift)
    }
    dscale?.update(repeating: 0, count: features)
    dshift?.update(repeating: 0, count: features)
    let partScale = pass.scratch + 2 * sumCount + partCount * floatsOfPart
    let partShift = partScale + features
    for index in 0..<parts.count {
      let weights = weights(forward, parts[index])
      differentiate(index, parts[index], weights, pass, partScale, partShift)
      if let dscale, isRenormalized(weights) {
        // dγ = Σ dy (x̂ r + d)
        let renormalized = renormalized(index, forward)
        for feature in 0..<features {
          dscale[feature] +=
            renormalized.ratio[feature] * partScale[feature] + renormalized.offset[feature] * partShift[feature]
        }
      } else if let dscale {
        for feature in 0..<features { dscale[feature] += partScale[feature] }
      }
      if let dshift { for feature in 0..<features { dshift[feature] += partShift[feature] } }
    }
  }

  /// The gradients of one part: dx, and Σ dy x̂ and Σ dy if wanted.
  private func differentiate(
    _ index: Int, _ examples: Range<Int>, _ weights: RowWeights?, _ pass: BackwardPass,
    _ dscale: UnsafeMutablePointer<Float>?, _ dshift: UnsafeMutablePointer<Float>?
  ) {
    let forward = pass.forward
    var norm = norm(forward, examples)
    if takesStatistics(forward), isRenormalized(weights) {
      let renormalized = renormalized(index, forward)
      (norm.scale, norm.shift) = (UnsafePointer(renormalized.scale), UnsafePointer(renormalized.shift))
    }
    let start = examples.lowerBound * positions * features
    let (x, y, dy) = (pass.input + start, pass.output + start, pass.outputGradient + start)
    let dx = pass.inputGradient.map { $0 + start }
    if var view = weights?.view, weights!.haveStatistics {
      ek_weighted_norm_backward(
        &norm, x, y, dy, &view, statistics(index, forward), dscale, dshift, dx, sums(forward), Int32(pass.threads))
    } else {
      if weights != nil { norm.frozen = 1 }
      ek_batch_norm_backward(
        &norm, x, y, dy, statistics(index, forward), dscale, dshift, dx, sums(forward), Int32(pass.threads))
    }
  }

  /// Whether the statistics of a part with these weights are renormalized.
  private func isRenormalized(_ weights: RowWeights?) -> Bool {
    options.renormalization != nil && weights?.haveStatistics != false
  }

  /// Every ghost batch is a step of the running averages, as for accumulated micro-batches (and in algorithm 1 of
  /// Hoffer et al. 2017); one of fewer than `ghostBatch` examples counts proportionally.
  func commit(_ pass: CommitPass) {
    let forward = pass.forward
    let running = RunningStatisticsView(pass.buffers, features: features)
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
