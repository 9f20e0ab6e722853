/// From which value on something counts as a problem, and why.
enum Thresholds {
  /// σ² below this part of ε is constant: its normalized deviation √(σ² / (σ² + ε)) is below 0.1 instead of 1.
  static let constantVariance = 0.01
  /// σ² below this multiple of ε is more ε than data: the normalized deviation is below 0.71 (tensorflow#33027).
  static let smallVariance = 1.0

  /// |γ| below this part of the layer's root mean square is off: such a feature has 1/10,000 of the variance of its
  /// neighbors. (Network slimming, Liu et al. 2017, cuts features at far larger γ without loss.)
  static let relativeScale = 0.01
  /// |γ| below this is off whatever its neighbors are: its variance, 1e-6, is below the ε of a norm after it.
  static let absoluteScale = 1e-3

  /// A ReLU that is active for fewer values than this is closed: its weights get a gradient once in 10,000 values. For
  /// normal x̂ that is β < −3.7 |γ|.
  static let openShare = 1e-4
  /// Values that must have been seen before a count replaces the normal assumption: none open among this many puts the
  /// share below 1e-3 with 95 % certainty (the rule of three, 3 / n).
  static let countedValues = 3_000

  /// The divergence ½ (ρ − 1 − ln ρ + δ²) of a norm's output from N(0, 1), for a mean that is δ deviations off and a
  /// variance ρ times the running one, above which a feature's statistics are wrong: the value for half a deviation by
  /// itself; a variance twice as large gives 0.15, half as large 0.10.
  static let divergence = 0.125
  /// What n examples add to it by chance: its mean is near 1/n for normal values, heavier tails give a few times that.
  static func chanceDivergence(examples: Int) -> Double { 8 / Double(examples) }
  /// The share of a layer's features with wrong statistics above which the layer is reported even if accuracy does not
  /// suffer.
  static let disagreeingShare = 0.1
  /// Accuracy that running statistics may cost before they are an illness: half a point, or two standard errors.
  static let accuracyCost = 0.005
  /// The same for a regression: a relative increase of the error, or two standard errors.
  static let errorCost = 0.05

  /// The standard error of a batch's mean, in deviations, above which batches are small: 16 independent examples give
  /// 0.25. Wu and He (2018): ImageNet errors of 23.6, 23.7, 24.8, 27.3 and 34.7 % with 32, 16, 8, 4 and 2 images per
  /// batch.
  static let meanError = 0.25
  /// Above this they are too small to train with: 4 independent examples.
  static let graveMeanError = 0.5
  /// The number of batches needed for a standard error; with fewer it is off by a quarter or more (1 / √(2 · 7)).
  static let measuredBatches = 8
  /// The batch size if the one in training is not known.
  static let batchSize = 128
}
