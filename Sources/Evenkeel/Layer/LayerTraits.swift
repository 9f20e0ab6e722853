/// What a layer declares about itself that matters to others.
public struct LayerTraits: OptionSet, Hashable, Codable, Sendable {
  /// One bit per trait.
  public let rawValue: Int
  /// A set of bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// Draws random numbers in training and passes its input through unchanged in prediction. It is left out where
  /// nothing may be random, as on a loss surface.
  public static let random = LayerTraits(rawValue: 1)
  /// Adding a constant to a feature of its input changes nothing in training: a bias before it is redundant.
  public static let removesConstants = LayerTraits(rawValue: 2)
  /// Weights before it start as the activation after it asks for. For norms, pools and layers that only change shapes.
  public static let passesThrough = LayerTraits(rawValue: 4)
  /// Normalizes with statistics of the batch in training, feature by feature over examples and positions, and with
  /// running ones in prediction, which it keeps in its buffers. A batch has to hold two values of each feature then,
  /// `NormFreezing` keeps the running statistics, and on request the layer's parameters, where they are, and
  /// `Model.recalibrate(on:)` hands exact moments to `LayerOperation.recalibrate`.
  ///
  /// `Model.runningStatistics` and the doctor's figures show layers with both of the buffers `running_mean` and
  /// `running_var`; others are missing there, and still have findings about their place. A batch in parts can have only each part's statistics, not the
  /// whole's.
  public static let runningStatistics = LayerTraits(rawValue: 8)
  /// Values are unchanged, only their shape or order differs.
  public static let reshapes = LayerTraits(rawValue: 16)
  /// Its buffers follow from the training data: the first training hands a sample of the layer's input to
  /// `LayerOperation.fit`, before the first step.
  public static let fitsInput = LayerTraits(rawValue: 32)
  /// The first axis of its output is that of the members of an ensemble. The network's output is `[members, outputs]` then;
  /// training minimizes the mean of the members' losses, and a prediction is the mean of theirs.
  public static let members = LayerTraits(rawValue: 64)
}

/// How a layer normalizes, as others need to know it: exchange of norms, residual blocks, the doctor.
public struct NormOptions: Hashable, Sendable {
  /// ε, added to the variance; 0 for a norm without one. An exchange of norms does not carry it over.
  public var epsilon: Double
  /// Whether γ, a parameter called `weight`, is learned.
  public var learnsScale: Bool
  /// Whether β, a parameter called `bias`, is learned; nil for a norm that has none, such as RMS norm.
  public var learnsShift: Bool?
  /// The initial value of γ.
  public var initialScale: Double
  /// Whether training also normalizes with running statistics.
  public var isFrozen: Bool
  /// The number of examples that share statistics in training; nil for the whole batch.
  public var ghostBatch: Int?
  /// Whether the noise of the batch's statistics is removed again, as by `Renormalization`.
  public var isRenormalized: Bool

  /// Options; the defaults are those of a norm that takes statistics of the whole batch.
  public init(
    epsilon: Double, learnsScale: Bool = true, learnsShift: Bool? = true, initialScale: Double = 1,
    isFrozen: Bool = false, ghostBatch: Int? = nil, isRenormalized: Bool = false
  ) {
    self.epsilon = epsilon
    self.learnsScale = learnsScale
    self.learnsShift = learnsShift
    self.initialScale = initialScale
    self.isFrozen = isFrozen
    self.ghostBatch = ghostBatch
    self.isRenormalized = isRenormalized
  }
}

/// What follows a layer, as far as the layer's open options depend on it.
public struct NextLayers: Sendable {
  /// The traits of the layer right after it in its list; none at the end of a list, or before a block.
  public let traits: LayerTraits
  /// The initialization of weights that the first layer after it asks for, skipping those that let it through; nil if
  /// none.
  public let initialization: Initialization?

  /// What follows, to resolve a layer outside of a network.
  public init(traits: LayerTraits = [], initialization: Initialization? = nil) {
    self.traits = traits
    self.initialization = initialization
  }

  /// - Parameters:
  ///   - following: The layers after it in its own list.
  ///   - tail: The layers after the block that contains it.
  package init(_ following: ArraySlice<any Layer>, tail: ArraySlice<any Layer>) {
    traits = following.first?.traits ?? []
    initialization = (following + tail).first { !$0.traits.contains(.passesThrough) }?.initializationBefore
  }
}
