/// Batch normalization (Ioffe and Szegedy 2015): x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β, per feature over the batch.
///
/// μ and σ² are the mini-batch's in training, with gradients through both, and running averages in prediction, so that
/// a single observation can be predicted. It goes before the activation or after it. (Lecture notes that print √(σ² −
/// ε) have a misprint: ε is added, so that the root is never of a negative number.)
///
/// A batch of a few examples has statistics that are mostly noise, and its step counts like any other. `Trainer`
/// therefore cuts an epoch into batches of equal size. RMSE on a table of 516 rows in batches of at most 128, five
/// seeds: 0.756 ± 0.049 if the last batch is the four rows that are left, 0.345 ± 0.014 if all batches are of 103 or
/// 104; layer norm shows no such effect (Documentation/SmallBatches.md).
///
/// ```swift
/// let network = Network(input: [784]) {
///   Dense(256)                                               // z, without a bias: β takes its place
///   BatchNorm(epsilon: 1e-5, averaging: .exponential(decay: 0.9))
///   ReLU()
///   Dense(10)
/// }
/// ```
public struct BatchNorm: Layer {
  public static let kind = "batchNorm"

  /// ε, added to the variance. PyTorch's default is 1e-5, Keras's 1e-3.
  public var epsilon: Double
  /// How batch statistics are averaged for prediction.
  public var averaging: Averaging
  /// True if the exponential average is divided by 1 − decay^t, so that it is correct from the first batch.
  ///
  /// PyTorch and Keras do not; their averages start at 0 and 1 and need some 50 batches.
  public var debiased: Bool
  /// Which variance is averaged.
  public var runningVariance: RunningVariance
  /// True if γ is learned; 1 otherwise.
  public var scale: Bool
  /// True if β is learned; 0 otherwise.
  public var shift: Bool
  /// The initial value of γ. With 0 in the last norm of a residual block, training starts from the shortcut only (Goyal
  /// et al. 2017).
  public var initialScale: Double
  /// True if training, too, normalizes with the running averages and does not change them.
  public var frozen: Bool
  /// The number of examples that share statistics in training; nil for the whole batch.
  ///
  /// Ghost batches (Hoffer et al. 2017): y of an example follows from the μ and σ² of the `ghostBatch` examples in its
  /// group, so that a large batch has the noise of a small one, and generalizes like it, at the speed of a large one.
  /// Each enters the running averages as a separate batch, which makes a batch of k ghost batches equal to k
  /// accumulated micro-batches of that size. A batch that the size does not divide becomes parts that differ by at most
  /// one example. Prediction does not change. TensorFlow 1 calls this `virtual_batch_size`, timm and Composer have
  /// separate layers for it; in PyTorch it is a loop over `torch.chunk`.
  public var ghostBatch: Int?
  /// How training is kept close to prediction; nil for plain batch norm. Ghost batches are renormalized one by one.
  public var renormalization: Renormalization?

  /// A norm with these options; `outputShape(for:)` checks them.
  public init(
    epsilon: Double = 1e-5, averaging: Averaging = .exponential(decay: 0.9), debiased: Bool = true,
    runningVariance: RunningVariance = .unbiased, scale: Bool = true, shift: Bool = true, initialScale: Double = 1,
    frozen: Bool = false, ghostBatch: Int? = nil, renormalization: Renormalization? = nil
  ) {
    self.epsilon = epsilon
    self.averaging = averaging
    self.debiased = debiased
    self.runningVariance = runningVariance
    self.scale = scale
    self.shift = shift
    self.initialScale = initialScale
    self.frozen = frozen
    self.ghostBatch = ghostBatch
    self.renormalization = renormalization
  }

  public func outputShape(for input: Shape) throws -> Shape {
    try norm?.validate(Self.kind)
    if case .exponential(let decay) = averaging, !(0...1).contains(decay) {
      throw EvenkeelError.usage("batchNorm: decay is \(decay); expected 0 to 1.")
    }
    if let ghostBatch, ghostBatch < 2 {
      throw EvenkeelError.usage("batchNorm: ghostBatch is \(ghostBatch); expected at least 2 examples.")
    }
    try renormalization?.validate()
    return input
  }

  public func buffers(for input: Shape) throws -> [BufferDescription] {
    RunningStatisticsView.buffers(features: input.featureCount)
  }

  public var traits: LayerTraits { [.removesConstants, .passesThrough, .runningStatistics] }

  public var norm: NormOptions? {
    NormOptions(
      epsilon: epsilon, learnsScale: scale, learnsShift: shift, initialScale: initialScale, isFrozen: frozen,
      ghostBatch: ghostBatch, isRenormalized: renormalization != nil)
  }

  public func withInitialScale(_ scale: Double) -> BatchNorm {
    var norm = self
    norm.initialScale = scale
    return norm
  }

  public func outputLength(of length: Int, for input: Shape) -> Int? { length }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    BatchNormOperation(self, site: site)
  }
}

extension BatchNorm {
  /// The parts of `rows` examples that have separate statistics: ghost batches, or all as one.
  func parts(of rows: Int) -> Parts {
    ghostBatch.map { Parts(rows: rows, about: $0) } ?? Parts(rows: rows, largest: .max)
  }

  private enum CodingKeys: String, CodingKey {
    case epsilon, decay, debiased, runningVariance, scale, shift, initialScale, frozen, ghostBatch, renormalization
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: CodingKeys.self)
    epsilon = try container.value(.epsilon, default: epsilon)
    if let name = try? container.decodeIfPresent(String.self, forKey: .decay), name == "cumulative" {
      averaging = .cumulative
    } else if let decay = try container.decodeIfPresent(Double.self, forKey: .decay) {
      averaging = .exponential(decay: decay)
    }
    debiased = try container.value(.debiased, default: debiased)
    runningVariance = try container.choice(.runningVariance, default: runningVariance)
    scale = try container.value(.scale, default: scale)
    shift = try container.value(.shift, default: shift)
    initialScale = try container.value(.initialScale, default: initialScale)
    frozen = try container.value(.frozen, default: frozen)
    ghostBatch = try container.decodeIfPresent(Int.self, forKey: .ghostBatch)
    renormalization = try container.decodeIfPresent(Renormalization.self, forKey: .renormalization)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(epsilon, forKey: .epsilon)
    switch averaging {
    case .exponential(let decay): try container.encode(decay, forKey: .decay)
    case .cumulative: try container.encode("cumulative", forKey: .decay)
    }
    try container.encode(debiased, forKey: .debiased)
    try container.encode(runningVariance, forKey: .runningVariance)
    try container.encode(scale, forKey: .scale)
    try container.encode(shift, forKey: .shift)
    try container.encode(initialScale, forKey: .initialScale)
    try container.encode(frozen, forKey: .frozen)
    // Written even if they are off: the options that a layer writes are the ones that are known.
    try container.encode(ghostBatch, forKey: .ghostBatch)
    try container.encode(renormalization, forKey: .renormalization)
  }
}
