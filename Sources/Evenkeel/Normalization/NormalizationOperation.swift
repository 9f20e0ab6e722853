import Kernels

/// Batch normalization and the activation that follows it, in the same sweeps.
struct NormalizationOperation: Operation {
  let options: BatchNorm
  let features: Int
  /// Values of one feature in one example: 1 for `[N, C]`, H·W for images.
  let positions: Int
  let activation: Activation
  let name: String
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

  var backwardReads: BackwardReads { activation.fusedReadsOutput ? [.input, .output] : .input }
  var backwardWorksInPlace: Bool { true }
  var scratchCount: Int { 2 * sumCount + 4 * features }

  private func statistics(_ pass: Pass) -> ek_batch_statistics {
    ek_batch_statistics(at: pass.scratch + 2 * sumCount, features: features)
  }

  private func sums(_ pass: Pass) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(pass.scratch).assumingMemoryBound(to: Double.self)
  }

  private var shiftIndex: Int { options.scale ? 1 : 0 }
  private func scale(_ pass: Pass) -> UnsafeMutablePointer<Float>? { options.scale ? pass.parameter(0) : nil }
  private func shift(_ pass: Pass) -> UnsafeMutablePointer<Float>? { options.shift ? pass.parameter(shiftIndex) : nil }

  func forward(_ pass: Pass) throws {
    let rows = pass.rows * positions
    let statistics = statistics(pass)
    guard pass.purpose == .training, !options.frozen else {
      pass.statistics!.copy(to: statistics, epsilon: options.epsilon)
      ek_batch_norm_apply(
        pass.input, rows, features, statistics, scale(pass), shift(pass), activation.kernel, activation.slope,
        pass.output, Int32(pass.threads))
      return
    }
    guard rows > 1 else {
      throw EvenkeelError.usage(
        "Layer \(name) (batchNorm) got one value per feature; training needs at least two examples a batch.")
    }
    let bad = ek_batch_norm_forward(
      pass.input, rows, features, options.epsilon, scale(pass), shift(pass), activation.kernel, activation.slope,
      pass.output, statistics, sums(pass), Int32(pass.threads))
    guard bad < 0 else {
      throw EvenkeelError.data("Layer \(name) (batchNorm) got a value that is not finite in feature \(bad)")
    }
    // The variance that is averaged is larger than the batch's by m / (m − 1) and must be a float too.
    let correction = options.runningVariance.correction(rows: rows)
    let overflow = (0..<features).first { !Float(Double(statistics.variance[$0]) * correction).isFinite }
    if let overflow {
      throw EvenkeelError.data(
        "Layer \(name) (batchNorm) got values whose variance exceeds the range of a float in feature \(overflow)")
    }
  }

  func backward(_ pass: Pass) throws {
    ek_batch_norm_backward(
      pass.input, pass.output, pass.outputGradient!, pass.rows * positions, features, statistics(pass), scale(pass),
      shift(pass), activation.kernel, activation.slope, options.frozen ? 1 : 0,
      options.scale ? pass.parameterGradient(0) : nil, options.shift ? pass.parameterGradient(shiftIndex) : nil,
      pass.inputGradient, sums(pass), Int32(pass.threads))
  }

  func commit(_ pass: Pass) {
    guard !options.frozen else { return }
    pass.statistics!.fold(statistics(pass), rows: pass.rows * positions, share: pass.share, options: options)
  }
}
