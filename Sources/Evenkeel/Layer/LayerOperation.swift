/// Carries out a layer: a forward and a backward function over rows, next to each other.
///
/// An operation is compiled once for a network and run many times; it allocates nothing while it runs. Whatever it
/// needs besides its input, output, parameters and buffers, it requests as scratch.
public protocol LayerOperation: Sendable {
  /// Which of its tensors `backward` reads; the engine lets the others share memory.
  var backwardReads: BackwardReads { get }
  /// True if `forward` may be given one buffer as input and output. Only for operations that keep the shape. The engine
  /// does so where nobody needs the input afterward, `backward` of this operation included.
  var worksInPlace: Bool { get }
  /// True if `backward` may get the same buffer for both gradients. Only for operations that keep the shape.
  var backwardWorksInPlace: Bool { get }
  /// True if the gradient of the input, and of the addend if there is one, equals the output's as `backward` leaves it:
  /// the three share memory, and `backward` changes it in place.
  var passesGradient: Bool { get }
  /// Floats that hold from `forward` to `commit` of the same step, in prediction until `forward` returns. They begin at
  /// a multiple of 64 bytes and with any values.
  var scratchCount: Int { get }
  /// Floats that hold during one call of `forward` or `backward`, aligned like scratch; all operations of a program
  /// share them.
  var workspaceCount: Int { get }

  /// Computes `pass.output` from `pass.input`.
  /// - Throws: `EvenkeelError` with code `data` for values that it cannot work on; the step is then abandoned.
  func forward(_ pass: ForwardPass) throws
  /// Computes `pass.inputGradient` (if wanted) and `pass.parameterGradient(_:)` from `pass.outputGradient`. Overwrites,
  /// never accumulates.
  func backward(_ pass: BackwardPass) throws
  /// Called once after the parameters of a training step were updated: the place to fold the batch's statistics into
  /// the running ones. A step that fails never gets here; one whose norms are frozen does, so look at
  /// `ForwardPass.statistics` and at the layer's own options. A batch in parts that have statistics of their own calls it after each part.
  func commit(_ pass: CommitPass)
  /// Replaces the running statistics by what follows from the exact moments of the layer's input over a data set, and
  /// leaves a count of batches as it is, or makes it 1 where it is 0. Only layers with the trait `runningStatistics`
  /// are asked.
  /// - Throws: `EvenkeelError` with code `data` where they leave the range of a float.
  func recalibrate(_ moments: FeatureMoments, _ buffers: LayerBuffers) throws
}

extension LayerOperation {
  public var backwardReads: BackwardReads { .input }
  public var worksInPlace: Bool { false }
  public var backwardWorksInPlace: Bool { false }
  public var passesGradient: Bool { false }
  public var scratchCount: Int { 0 }
  public var workspaceCount: Int { 0 }
  public func commit(_ pass: CommitPass) {}
  public func recalibrate(_ moments: FeatureMoments, _ buffers: LayerBuffers) throws {}
}

/// The tensors of the forward pass that an operation needs again.
public struct BackwardReads: OptionSet, Sendable {
  /// One bit per tensor.
  public let rawValue: Int
  /// A set of bits.
  public init(rawValue: Int) { self.rawValue = rawValue }
  /// The operation's input.
  public static let input = BackwardReads(rawValue: 1)
  /// The operation's output.
  public static let output = BackwardReads(rawValue: 2)
}
