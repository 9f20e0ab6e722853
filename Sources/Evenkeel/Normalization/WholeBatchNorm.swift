import Kernels

/// What the parts of one batch share at one batch norm: μ and σ² over all of them, and Σ dz and Σ dz x̂ for the way back.
final class WholeBatchNorm {
  let norm: Program.Norm
  let population: PopulationStatistics
  let statistics: ek_batch_statistics
  /// Σ dz and Σ dz x̂ of every feature: the gradients of β and γ.
  let shiftSums, scaleSums: UnsafeMutablePointer<Double>
  private let memory: AlignedFloats
  private let features: Int

  /// - Parameter rows: The examples of the largest part.
  init(_ norm: Program.Norm, rows: Int) {
    self.norm = norm
    features = norm.operation.features
    population = PopulationStatistics(features: features, rows: rows * norm.operation.positions)
    memory = AlignedFloats(count: 8 * features)
    shiftSums = UnsafeMutableRawPointer(memory.start).assumingMemoryBound(to: Double.self)
    scaleSums = shiftSums + features
    statistics = ek_batch_statistics(at: memory.start + 4 * features, features: features)
  }

  var byteCount: Int { population.byteCount + memory.count * MemoryLayout<Float>.stride }

  func reset() {
    population.reset()
    shiftSums.update(repeating: 0, count: 2 * features)
  }

  /// Makes the statistics to normalize with from those of all parts.
  /// - Throws: `EvenkeelError` with code `data` where they leave the range of a float.
  func finish() throws {
    let options = norm.operation.options
    let correction = options.runningVariance.correction(count: population.count)
    for feature in 0..<features {
      let (mean, variance) = population.moments(feature)
      guard Float(variance * correction).isFinite, Float(mean).isFinite else {
        throw EvenkeelError.data(
          "Layer \(norm.operation.name) (batchNorm) got values whose variance exceeds the range of a float in feature \(feature)"
        )
      }
      let high = Float(mean)
      statistics.mean_high[feature] = high
      statistics.mean_low[feature] = Float(mean - Double(high))
      statistics.variance[feature] = Float(variance)
      statistics.inverse_deviation[feature] = Float(ek_inverse_deviation(variance, options.epsilon))
    }
  }

  /// Writes the gradients of γ and β, which the sums are, into a buffer of all gradients.
  func writeGradients(to gradients: UnsafeMutablePointer<Float>, offsets: [Int]) {
    let options = norm.operation.options
    for feature in 0..<features {
      if options.scale { gradients[offsets[0] + feature] = Float(scaleSums[feature]) }
      if options.shift { gradients[offsets[norm.operation.shiftIndex] + feature] = Float(shiftSums[feature]) }
    }
  }
}

extension BatchNormOperation {
  func apply(_ whole: WholeBatchNorm, _ pass: Pass) {
    var norm = norm(pass, 0..<pass.rows)
    ek_batch_norm_apply(&norm, pass.input, pass.output, whole.statistics, Int32(pass.threads))
  }

  func addGradientSums(_ pass: Pass) {
    let whole = pass.whole!
    var norm = norm(pass, 0..<pass.rows)
    ek_batch_norm_gradient_sums(
      &norm, pass.input, pass.output, pass.outputGradient!, whole.statistics, whole.shiftSums, whole.scaleSums,
      sums(pass), Int32(pass.threads))
  }

  func spread(_ whole: WholeBatchNorm, _ pass: Pass) {
    var norm = norm(pass, 0..<pass.rows)
    ek_batch_norm_spread(
      &norm, pass.input, pass.output, pass.outputGradient!, whole.statistics, whole.shiftSums, whole.scaleSums,
      whole.population.count, pass.inputGradient, sums(pass), Int32(pass.threads))
  }

  func fold(_ whole: WholeBatchNorm, _ pass: Pass) {
    pass.statistics!.fold(whole.statistics, count: whole.population.count, share: pass.share, options: options)
  }
}
