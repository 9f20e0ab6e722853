/// Carries out a layer: a forward and a backward function over rows, next to each other.
///
/// An operation is compiled once for a network and run many times; it allocates nothing while it runs. Whatever it
/// needs besides its input, output, parameters and buffers, it requests as scratch.
///
/// The engine cuts a batch into slices, consecutive rows, by its shape alone. An operation whose rows do not depend on each
/// other says so (`takesSlices`); its functions are then called for slices, several at once, each on one thread. Other
/// operations get the whole batch, on the calling thread.
public protocol LayerOperation: Sendable {
  /// Which of its tensors `backward` and `parameterGradients` read; the engine lets the others share memory.
  var backwardReads: BackwardReads { get }
  /// True if `forward` may be given one buffer as input and output. Only for operations that keep the shape. The engine
  /// does so where nobody needs the input afterward, `backward` of this operation included.
  var worksInPlace: Bool { get }
  /// True if `backward` may get the same buffer for both gradients. Only for operations that keep the shape, and not
  /// with `parameterGradients`, which come later.
  var backwardWorksInPlace: Bool { get }
  /// True if the gradient of the input, and of the addend if there is one, equals the output's as `backward` leaves it:
  /// the three share memory, and `backward` changes it in place.
  var passesGradient: Bool { get }
  /// True if the output of a row, and the gradient of its input, follow from this row alone: `forward` and `backward` are
  /// called for slices, from several threads at once. The gradients of parameters, if there are any, are then a matter of
  /// `parameterGradients`.
  var takesSlices: Bool { get }
  /// Floats that hold from `forward` to `commit` of the same step, in prediction until `forward` returns. They begin at
  /// a multiple of 64 bytes and with any values. The slices of a batch share them.
  var scratchCount: Int { get }
  /// The same for every slice, which has its own.
  var sliceScratchCount: Int { get }
  /// True if of other rows `parameterGradients` read only the slices' scratch, which is of numbers that they add as a balanced tree
  /// (`BackwardPass.mergeSlices`). Several ranks bring the sum for all such operations at once, at the end of the backward, and leave it in
  /// the only slice that the pass then has; `gatherRows` is not called.
  var addsSliceScratch: Bool { get }
  /// Floats that hold during one call of one of the functions, aligned like scratch; all operations of a program share
  /// them, but not the threads that run slices.
  var workspaceCount: Int { get }

  /// Into how many blocks the work of `prepare` is divided; 0 if there is none. The pass is that of the whole batch.
  func preparationBlocks(_ pass: ForwardPass) -> Int
  /// Derives from parameters and buffers what all slices need, in memory of the operation's own. Called for every block, on
  /// several threads, before the first forward after these have changed.
  func prepare(_ pass: ForwardPass, block: Int) throws
  /// Computes `pass.output` from `pass.input`.
  /// - Throws: `EvenkeelError` with code `data` for values that it cannot work on; the step is then abandoned.
  func forward(_ pass: ForwardPass) throws
  /// Computes `pass.inputGradient` (if wanted) from `pass.outputGradient`, and `pass.parameterGradient(_:)` unless the
  /// operation has `gradientBlocks`. Overwrites, never accumulates.
  func backward(_ pass: BackwardPass) throws
  /// Into how many blocks the gradients of the parameters are divided, by shape alone.
  var gradientBlocks: Int { get }
  /// Computes one block of `pass.parameterGradient(_:)` from all rows of the batch, after `backward` of all slices.
  /// Overwrites, never accumulates. Blocks are computed on several threads.
  func parameterGradients(_ pass: BackwardPass, block: Int) throws
  /// With several ranks, called on each before `parameterGradients`: brings what these read of the rows of other ranks. Without an
  /// implementation that is the gradient of the output and, if `backwardReads` has them, input and output.
  /// - Throws: `EvenkeelError` with code `unavailable` if other ranks do not answer.
  func gatherRows(_ pass: BackwardPass) throws
  /// With several ranks, how their blocks of parameter `parameter` divide its gradient: the place in it where a block begins, and for
  /// `gradientBlocks` the end. nil, as without an implementation: every rank computes all blocks.
  func gradientStart(ofBlock block: Int, parameter: Int) -> Int?
  /// Called once after the parameters of a training step were updated: the place to fold the batch's statistics into
  /// the running ones. A step that fails never gets here; one whose norms are frozen does, so look at
  /// `ForwardPass.statistics` and at the layer's own options. A batch in parts that have statistics of their own calls it after each part.
  func commit(_ pass: CommitPass)
  /// Replaces the running statistics by what follows from the exact moments of the layer's input over a data set, and
  /// leaves a count of batches as it is, or makes it 1 where it is 0. Only layers with the trait `runningStatistics`
  /// are asked.
  /// - Throws: `EvenkeelError` with code `data` where they leave the range of a float.
  func recalibrate(_ moments: FeatureMoments, _ buffers: LayerBuffers) throws
  /// Sets the buffers by `rows` rows of the layer's input, a sample of the training data. Only layers with the trait `fitsInput` are
  /// asked.
  /// - Throws: `EvenkeelError` with code `data` for values that it cannot work on.
  func fit(_ input: UnsafePointer<Float>, rows: Int, inputLength: Int, _ buffers: LayerBuffers) throws
}

extension LayerOperation {
  public var backwardReads: BackwardReads { .input }
  public var worksInPlace: Bool { false }
  public var backwardWorksInPlace: Bool { false }
  public var passesGradient: Bool { false }
  public var takesSlices: Bool { false }
  public var scratchCount: Int { 0 }
  public var sliceScratchCount: Int { 0 }
  public var addsSliceScratch: Bool { false }
  public var workspaceCount: Int { 0 }
  public func preparationBlocks(_ pass: ForwardPass) -> Int { 0 }
  public func prepare(_ pass: ForwardPass, block: Int) throws {}
  public var gradientBlocks: Int { 0 }
  public func parameterGradients(_ pass: BackwardPass, block: Int) throws {}
  public func gatherRows(_ pass: BackwardPass) throws { try pass.gatherRows(backwardReads) }
  public func gradientStart(ofBlock block: Int, parameter: Int) -> Int? { nil }
  public func commit(_ pass: CommitPass) {}
  public func recalibrate(_ moments: FeatureMoments, _ buffers: LayerBuffers) throws {}
  public func fit(_ input: UnsafePointer<Float>, rows: Int, inputLength: Int, _ buffers: LayerBuffers) throws {}
}

extension LayerOperation {
  /// Everything that is done forward with a whole batch, one thing after the other: for an operation that wraps this one, was
  /// made for `LayerSite.inner`, and takes no slices itself.
  /// - Throws: As `forward`.
  public func runForward(_ pass: ForwardPass) throws {
    for block in 0..<preparationBlocks(pass) { try prepare(pass, block: block) }
    if let reduction = self as? any BatchReduction, reduction.reducesForward(pass) {
      reduction.collect(pass)
      try reduction.reduce(pass)
    }
    try forward(pass)
  }

  /// The same backward, after `runForward`: the gradients of the input and of the parameters.
  /// - Throws: As `backward`.
  public func runBackward(_ pass: BackwardPass) throws {
    if let reduction = self as? any BatchReduction, reduction.reducesBackward(pass.forward) {
      reduction.collect(pass)
      try reduction.reduce(pass)
    }
    try backward(pass)
    for block in 0..<gradientBlocks { try parameterGradients(pass, block: block) }
  }
}

/// An operation whose rows meet in a reduction: each slice adds its part, the parts are merged in the order of a balanced
/// tree, and then each slice goes on, by `forward` and `backward`, with what came out.
package protocol BatchReduction: LayerOperation {
  /// Whether this run reduces anything forward, and backward; otherwise only `forward` and `backward` are called.
  func reducesForward(_ pass: ForwardPass) -> Bool
  func reducesBackward(_ pass: ForwardPass) -> Bool
  /// The part of one slice, from its input.
  func collect(_ pass: ForwardPass)
  /// Merges the parts of all slices; the pass is that of the whole batch.
  /// - Throws: As `forward`.
  func reduce(_ pass: ForwardPass) throws
  /// The part of one slice, from the gradient of its output, which it may change.
  func collect(_ pass: BackwardPass)
  /// Merges them, into the gradients of the parameters too.
  func reduce(_ pass: BackwardPass) throws
}

extension BatchReduction {
  package var takesSlices: Bool { true }
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
