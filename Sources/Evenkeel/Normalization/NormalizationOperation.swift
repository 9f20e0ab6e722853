import Kernels

/// Batch normalization, the shortcut that is added behind it and the activation that follows, in the same sweeps.
struct NormalizationOperation: Operation {
  let options: BatchNorm
  let features: Int
  /// Values of one feature in one example: 1 for `[N, C]`, H·W for images.
  let positions: Int
  let name: String
  var activation: Activation
  /// Whether it is the last of a residual block and adds the shortcut: identity or ReLU may follow then.
  var hasAddend = false
  /// Doubles for the kernels' sums; the most rows need the most.
  private let sumCount: Int

  init(_ options: BatchNorm, site: LayerSite, activation: Activation) {
    self.options = options
    self.activation = activation
    features = site.input.featureCount
    positions = site.input.count / max(site.input.featureCount, 1)
    name = site.name
    sumCount = ek_batch_norm_scratch(site.maximumRows * positions, features)
  }

  var backwardReads: BackwardReads {
    activation.fusedReadsOutput || (hasAddend && activation != .identity) ? [.input, .output] : .input
  }
  var worksInPlace: Bool { true }
  var backwardWorksInPlace: Bool { !hasAddend }
  var scratchCount: Int { 2 * sumCount + 4 * features }

  private func statistics(_ pass: Pass) -> ek_batch_statistics {
    ek_batch_statistics(at: pass.scratch + 2 * sumCount, features: features)
  }

  private func sums(_ pass: Pass) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(pass.scratch).assumingMemoryBound(to: Double.self)
  }

  private var shiftIndex: Int { options.scale ? 1 : 0 }

  private func norm(_ pass: Pass) -> ek_batch_norm {
    ek_batch_norm(
      rows: pass.rows * positions, features: features, epsilon: options.epsilon,
      scale: options.scale ? UnsafePointer(pass.parameter(0)) : nil,
      shift: options.shift ? UnsafePointer(pass.parameter(shiftIndex)) : nil, activation: activation.kernel,
      slope: activation.slope, addend: UnsafePointer(pass.addend), frozen: options.frozen ? 1 : 0)
  }

  func forward(_ pass: Pass) throws {
    var norm = norm(pass)
    let statistics = statistics(pass)
    guard pass.usesBatchStatistics || (pass.purpose == .training && !options.frozen) else {
      pass.statistics!.copy(to: statistics, epsilon: options.epsilon)
      ek_batch_norm_apply(&norm, pass.input, pass.output, statistics, Int32(pass.threads))
      return
    }
    guard norm.rows > 1 else {
      throw EvenkeelError.usage(
        "Layer \(name) (batchNorm) got one value per feature; training needs at least two examples a batch.")
    }
    let bad = ek_batch_norm_forward(&norm, pass.input, pass.output, statistics, sums(pass), Int32(pass.threads))
    guard bad < 0 else {
      throw EvenkeelError.data("Layer \(name) (batchNorm) got a value that is not finite in feature \(bad)")
    }
    // The variance that is averaged is larger than the batch's by m / (m − 1) and must be a float too.
    let correction = options.runningVariance.correction(rows: norm.rows)
    let overflow = (0..<features).first { !Float(Double(statistics.variance[$0]) * correction).isFinite }
    if let overflow {
      throw EvenkeelError.data(
        "Layer \(name) (batchNorm) got values whose variance exceeds the range of a float in feature \(overflow)")
    }
  }

  func backward(_ pass: Pass) throws {
    var norm = norm(pass)
    ek_batch_norm_backward(
      &norm, pass.input, pass.output, pass.outputGradient!, statistics(pass),
      options.scale ? pass.parameterGradient(0) : nil, options.shift ? pass.parameterGradient(shiftIndex) : nil,
      pass.inputGradient, sums(pass), Int32(pass.threads))
  }

  func commit(_ pass: Pass) {
    guard !options.frozen else { return }
    pass.statistics!.fold(statistics(pass), rows: pass.rows * positions, share: pass.share, options: options)
  }
}
