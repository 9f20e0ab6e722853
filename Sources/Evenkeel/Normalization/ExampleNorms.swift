/// Layer normalization (Ba et al. 2016): x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β, where μ and σ² are those of one example's
/// features.
///
/// Axes: only the last one. `[C]`: over C. `[L, C]`: over C, separately at every step of a sequence. `[H, W, C]`: over
/// C, separately at every pixel. γ and β: one per feature. It is PyTorch's `LayerNorm(C)` (for images on tensors laid
/// out features last) and Keras's `LayerNormalization(axis=-1)`. Statistics over all values of an image, which is what
/// Wu and He (2018) call layer norm, are `GroupNorm(groups: 1)`; PyTorch's `LayerNorm([C, H, W])` also takes those,
/// with a γ and β for each pixel, which no layer here has.
///
/// An example's output does not depend on the others: training and prediction do the same, at any batch size, even 1.
/// Use it if batches are small or sequences long. A bias before it is not redundant: it shifts features relative to
/// each other, which the norm does not undo.
public struct LayerNorm: ExampleNorm {
  public static let kind = "layerNorm"
  /// ε, added to the variance. PyTorch's default is 1e-5, Keras's 1e-3.
  public var epsilon: Double
  /// True if γ is learned; 1 otherwise. PyTorch's `elementwise_affine`, Keras's `scale`.
  public var scale: Bool
  /// True if β is learned; 0 otherwise. PyTorch's `bias`, Keras's `center`.
  public var shift: Bool
  /// The initial value of γ, as in `BatchNorm`.
  public var initialScale: Double

  /// A norm with these options; `outputShape(for:)` checks them.
  public init(epsilon: Double = 1e-5, scale: Bool = true, shift: Bool = true, initialScale: Double = 1) {
    self.epsilon = epsilon
    self.scale = scale
    self.shift = shift
    self.initialScale = initialScale
  }

  public var norm: NormOptions? {
    NormOptions(epsilon: epsilon, learnsScale: scale, learnsShift: shift, initialScale: initialScale)
  }

  func sets(for input: Shape) throws -> NormSets {
    guard input.featureCount > 1 else {
      throw EvenkeelError.usage(
        "layerNorm: expected at least 2 features, got \(input); a value less its own mean is always 0.")
    }
    return NormSets(eachPositionOf: input)
  }

  public func outputLength(of length: Int, for input: Shape) -> Int? { length }

  public init(from decoder: any Decoder) throws {
    let options = try StoredNormOptions(from: decoder)
    self.init(
      epsilon: options.epsilon ?? 1e-5, scale: options.scale, shift: options.shift, initialScale: options.initialScale)
  }
}

/// RMS normalization (Zhang and Sennrich 2019): y = γ x / √(Σ x²/C + ε): layer norm without the mean and the shift.
///
/// Axes: only the last one, as in `LayerNorm`: `[C]`, `[L, C]` and `[H, W, C]` are all normalized over C, separately at
/// every step or pixel. It is PyTorch's `RMSNorm(C)` and Keras's `RMSNormalization(axis=-1)`. Use it instead of layer
/// norm if subtracting the mean does not help, as in most language models; it is a little cheaper. A bias before it is
/// not redundant.
public struct RMSNorm: ExampleNorm {
  public static let kind = "rmsNorm"
  /// ε, added to the mean square. The default is the distance from 1 to the next float, which is PyTorch's for float tensors
  /// (its `eps=None`); Keras's is 1e-6.
  public var epsilon: Double
  /// True if γ is learned; 1 otherwise. PyTorch's `elementwise_affine`.
  public var scale: Bool
  /// The initial value of γ, as in `BatchNorm`.
  public var initialScale: Double

  public var norm: NormOptions? {
    NormOptions(epsilon: epsilon, learnsScale: scale, learnsShift: nil, initialScale: initialScale)
  }
  var isCentered: Bool { false }

  /// A norm with these options; `outputShape(for:)` checks them.
  public init(epsilon: Double = 0x1p-23, scale: Bool = true, initialScale: Double = 1) {
    self.epsilon = epsilon
    self.scale = scale
    self.initialScale = initialScale
  }

  func sets(for input: Shape) throws -> NormSets { NormSets(eachPositionOf: input) }

  public func outputLength(of length: Int, for input: Shape) -> Int? { length }

  public init(from decoder: any Decoder) throws {
    let options = try StoredNormOptions(from: decoder)
    self.init(epsilon: options.epsilon ?? 0x1p-23, scale: options.scale, initialScale: options.initialScale)
  }
}

/// Group normalization (Wu and He 2018): x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β, where μ and σ² are those of one example and one
/// group of C / `groups` consecutive features, over all positions.
///
/// Axes: `[C]`: over the group's features. `[L, C]`: over L and the group's features. `[H, W, C]`: over H, W and the
/// group's features. γ and β: one per feature. It is PyTorch's `GroupNorm(groups, C)`, where features are the second
/// axis, and Keras's `GroupNormalization(groups, axis=-1)`. One group is layer norm over a whole example; as many
/// groups as features is instance norm.
///
/// Use it for images if memory allows few examples per batch (detection, segmentation, video). A bias before it is
/// redundant only with one feature per group.
public struct GroupNorm: ExampleNorm {
  public static let kind = "groupNorm"
  /// The number of groups of features; it divides their number. Wu and He use 32, which is Keras's default too.
  public var groups: Int
  /// ε, added to the variance. PyTorch's default is 1e-5, Keras's 1e-3.
  public var epsilon: Double
  /// True if γ is learned; 1 otherwise. PyTorch's `affine` is both, Keras's are `scale` and `center`.
  public var scale: Bool
  /// True if β is learned; 0 otherwise.
  public var shift: Bool
  /// The initial value of γ, as in `BatchNorm`.
  public var initialScale: Double

  /// A norm with these options; `outputShape(for:)` checks them.
  public init(groups: Int, epsilon: Double = 1e-5, scale: Bool = true, shift: Bool = true, initialScale: Double = 1) {
    self.groups = groups
    self.epsilon = epsilon
    self.scale = scale
    self.shift = shift
    self.initialScale = initialScale
  }

  public var norm: NormOptions? {
    NormOptions(epsilon: epsilon, learnsScale: scale, learnsShift: shift, initialScale: initialScale)
  }

  func sets(for input: Shape) throws -> NormSets {
    let features = input.featureCount
    guard groups > 0, features % groups == 0 else {
      throw EvenkeelError.usage("groupNorm: groups is \(groups); expected a number that divides \(features) features.")
    }
    guard input.count > groups else {
      throw EvenkeelError.usage(
        "groupNorm: \(groups) groups of \(input) hold one value each, and a value less its own mean is always 0.")
    }
    return NormSets(positions: input.count / features, groups: groups)
  }

  private enum CodingKeys: String, CodingKey { case groups, epsilon, scale, shift, initialScale }
  /// In files: a number of groups, or the options.
  public init(from decoder: any Decoder) throws {
    if let groups = try? decoder.singleValueContainer().decode(Int.self) {
      self.init(groups: groups)
      return
    }
    let options = try StoredNormOptions(from: decoder)
    self.init(
      groups: try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .groups),
      epsilon: options.epsilon ?? 1e-5, scale: options.scale, shift: options.shift, initialScale: options.initialScale)
  }
}

/// Instance normalization (Ulyanov et al. 2016): x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β, where μ and σ² are those of one feature
/// of one example over its positions.
///
/// Axes: `[L, C]`: over L. `[H, W, C]`: over H and W. `[C]` has one value per feature and is an error. It is PyTorch's
/// `InstanceNorm1d(C)` and `InstanceNorm2d(C)` with `affine=True` (theirs is false by default) and Keras's
/// `GroupNormalization(groups=-1, axis=-1)`. It removes an image's contrast and color cast: use it if those should not
/// count, as in style transfer. A bias before it is redundant, as before batch norm.
public struct InstanceNorm: ExampleNorm {
  public static let kind = "instanceNorm"
  public var traits: LayerTraits { [.removesConstants, .passesThrough] }
  /// ε, added to the variance. PyTorch's default is 1e-5.
  public var epsilon: Double
  /// True if γ is learned; 1 otherwise.
  public var scale: Bool
  /// True if β is learned; 0 otherwise.
  public var shift: Bool
  /// The initial value of γ, as in `BatchNorm`.
  public var initialScale: Double

  /// A norm with these options; `outputShape(for:)` checks them.
  public init(epsilon: Double = 1e-5, scale: Bool = true, shift: Bool = true, initialScale: Double = 1) {
    self.epsilon = epsilon
    self.scale = scale
    self.shift = shift
    self.initialScale = initialScale
  }

  public var norm: NormOptions? {
    NormOptions(epsilon: epsilon, learnsScale: scale, learnsShift: shift, initialScale: initialScale)
  }

  func sets(for input: Shape) throws -> NormSets {
    guard input.count > input.featureCount else {
      throw EvenkeelError.usage(
        "instanceNorm: expected more than one position, [length, channels] or [height, width, channels], got \(input); a value less its own mean is always 0. layerNorm is for features without positions."
      )
    }
    return NormSets(positions: input.count / input.featureCount, groups: input.featureCount)
  }

  public init(from decoder: any Decoder) throws {
    let options = try StoredNormOptions(from: decoder)
    self.init(
      epsilon: options.epsilon ?? 1e-5, scale: options.scale, shift: options.shift, initialScale: options.initialScale)
  }
}

/// The options that these norms share, as in files.
private struct StoredNormOptions: Decodable {
  /// nil for the norm's default.
  let epsilon: Double?
  let scale, shift: Bool
  let initialScale: Double

  private enum CodingKeys: String, CodingKey { case epsilon, scale, shift, initialScale }
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    epsilon = try container.decodeIfPresent(Double.self, forKey: .epsilon)
    scale = try container.value(.scale, default: true)
    shift = try container.value(.shift, default: true)
    initialScale = try container.value(.initialScale, default: 1)
  }
}
