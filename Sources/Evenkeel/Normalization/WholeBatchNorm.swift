import Kernels

/// What the parts of one batch share at one batch norm: μ and σ² over all of them, and Σ dz and Σ dz x̂ for the
/// backward pass.
final class WholeBatchNorm: StepContext {
  let operation: BatchNormOperation
  private(set) var moments: FeatureMoments
  let statistics: ek_batch_statistics
  /// Σ dz and Σ dz x̂ of every feature: the gradients of β and γ; and their means over the batch.
  private let sumDz, sumDzN: UnsafeMutablePointer<Double>
  let meanDz, meanDzN: UnsafeMutablePointer<Float>
  private let memory: AlignedFloats
  private let sums: BatchStatisticsStorage

  /// - Parameter rows: The examples of the largest part.
  init(_ operation: BatchNormOperation, rows: Int) {
    self.operation = operation
    let features = operation.features
    moments = FeatureMoments(features: features)
    sums = BatchStatisticsStorage(features: features, rows: rows * operation.positions)
    memory = AlignedFloats(count: 6 * features)
    sumDz = UnsafeMutableRawPointer(memory.start).assumingMemoryBound(to: Double.self)
    sumDzN = sumDz + features
    meanDz = memory.start + 4 * features
    meanDzN = meanDz + features
    statistics = sums.view
  }

  var byteCount: Int {
    sums.byteCount + memory.count * MemoryLayout<Float>.stride + 2 * moments.features * MemoryLayout<Double>.stride
  }

  func reset() {
    moments.reset()
    sumDz.update(repeating: 0, count: 2 * moments.features)
  }

  /// Merges the norm's input from `rows` examples of a part.
  /// - Returns: The first feature that is not finite, or −1.
  func merge(_ x: UnsafePointer<Float>, rows: Int, threads: Int) -> Int {
    moments.merge(x, rows: rows * operation.positions, sums, threads: threads)
  }

  /// Computes the statistics to normalize with from those of all parts.
  /// - Throws: `EvenkeelError` with code `data` if they leave the range of a float.
  func finish() throws {
    let options = operation.options
    let correction = options.runningVariance.correction(count: moments.count)
    for feature in 0..<moments.features {
      let (mean, variance) = (moments.mean(feature), moments.variance(feature))
      guard Float(variance * correction).isFinite, Float(mean).isFinite else {
        throw NormFailure.outOfRange(feature: feature).error(operation.name, BatchNorm.kind)
      }
      _ = ek_keep_statistics(statistics, feature, mean, variance, options.epsilon)
    }
  }

  /// Adds the sums of one part.
  func add(_ dz: UnsafePointer<Double>, _ dzN: UnsafePointer<Double>) {
    for feature in 0..<moments.features {
      sumDz[feature] += dz[feature]
      sumDzN[feature] += dzN[feature]
    }
  }

  /// Takes the means of the sums, which are complete, and writes the gradients of γ and β, which are the sums, into a buffer
  /// of all gradients.
  func finishGradients(_ gradients: UnsafeMutablePointer<Float>, offsets: [Int]) {
    for feature in 0..<moments.features {
      meanDz[feature] = Float(sumDz[feature] / moments.count)
      meanDzN[feature] = Float(sumDzN[feature] / moments.count)
      if operation.options.scale { gradients[offsets[0] + feature] = Float(sumDzN[feature]) }
      if operation.options.shift {
        gradients[offsets[operation.shiftIndex] + feature] = Float(sumDz[feature])
      }
    }
  }
}

extension BatchNormOperation {
  /// Merges what the slices of a part collected backward into the sums of the whole batch.
  func reduce(_ pass: BackwardPass, into whole: WholeBatchNorm) throws {
    let sums = try mergedSums(0..<pass.forward.sliceCount, pass.forward)
    whole.add(sums.dz, sums.dzN)
  }

  func spread(_ whole: WholeBatchNorm, _ pass: BackwardPass) {
    // The gradient goes through the sum with the addend and its ReLU first, also of the norm that opens a batch.
    if hasAddend, activation != .identity { collect(pass) }
    guard let dx = pass.inputGradient else { return }
    var norm = norm(pass.forward)
    ek_batch_norm_spread(
      &norm, pass.input, pass.output, pass.outputGradient, whole.statistics, whole.meanDz, whole.meanDzN, dx)
  }
}
