/// What carries out a layer: a forward and a backward function over rows, next to each other.
///
/// An operation is compiled once for a network and run many times; it allocates nothing while it runs. Whatever it needs
/// beyond its input, output and parameters it asks for as scratch.
public protocol LayerOperation: Sendable {
  /// Which of its tensors `backward` reads; the engine lets the others share memory.
  var backwardReads: BackwardReads { get }
  /// True if `forward` may be given one buffer as input and output. Only for operations that keep the shape.
  var worksInPlace: Bool { get }
  /// True if `backward` may be given one buffer for both gradients. Only for operations that keep the shape.
  var backwardWorksInPlace: Bool { get }
  /// True if the gradient of the input, and of the addend where there is one, is the output's as `backward` leaves it: the
  /// three share memory, and `backward` changes it in place.
  var passesGradient: Bool { get }
  /// Floats that hold between `forward` and `backward` of the same step.
  var scratchCount: Int { get }
  /// Floats that hold during one call of `forward` or `backward`; all operations of a program share them.
  var workspaceCount: Int { get }

  /// Computes `pass.output` from `pass.input`.
  func forward(_ pass: Pass) throws
  /// Adds nothing and overwrites: computes `pass.inputGradient` (where it is wanted) and `pass.parameterGradient(_:)` from
  /// `pass.outputGradient`.
  func backward(_ pass: Pass) throws
  /// Called once after the parameters of a training step were updated: the place to fold the batch's statistics into the
  /// running ones. A step that fails never gets here.
  func commit(_ pass: Pass)
}

extension LayerOperation {
  public var backwardReads: BackwardReads { .input }
  public var worksInPlace: Bool { false }
  public var backwardWorksInPlace: Bool { false }
  public var passesGradient: Bool { false }
  public var scratchCount: Int { 0 }
  public var workspaceCount: Int { 0 }
  public func commit(_ pass: Pass) {}
}

/// The tensors of the forward pass that an operation needs again.
public struct BackwardReads: OptionSet, Sendable {
  /// One bit a tensor.
  public let rawValue: Int
  /// A set of bits.
  public init(rawValue: Int) { self.rawValue = rawValue }
  /// The operation's input.
  public static let input = BackwardReads(rawValue: 1)
  /// The operation's output.
  public static let output = BackwardReads(rawValue: 2)
}

/// What a program is for.
public enum Purpose: Sendable {
  case training, prediction
}

/// One run of one operation: its rows and its memory, valid for the duration of the call.
///
/// Buffers hold `rows` examples, one after the other, features last.
public struct Pass {
  /// What the program is for.
  public let purpose: Purpose
  /// The number of examples.
  public let rows: Int
  /// The number of values of one input and one output example.
  public let inputLength: Int
  /// The number of values of one output example.
  public let outputLength: Int
  /// The rows of the batch before these, where a step takes it in parts. What draws random numbers draws those of the rows that
  /// it has, so that parts are treated as the whole would be.
  public let firstRow: Int
  /// `rows` × `inputLength` values.
  public let input: UnsafeMutablePointer<Float>
  /// `rows` × `outputLength` values.
  public let output: UnsafeMutablePointer<Float>
  /// The gradient of the loss with respect to the output; only in `backward`.
  public let outputGradient: UnsafeMutablePointer<Float>?
  /// Where the gradient with respect to the input goes; nil where nobody wants it.
  public let inputGradient: UnsafeMutablePointer<Float>?
  /// `LayerOperation.scratchCount` floats.
  public let scratch: UnsafeMutablePointer<Float>
  /// `LayerOperation.workspaceCount` floats.
  public let workspace: UnsafeMutablePointer<Float>
  /// The random stream of this layer in this step.
  public let key: RandomKey
  /// The number of threads that kernels may use.
  public let threads: Int

  /// What the examples count, and how many positions of each input sequence are there; nil for 1 each and for all.
  let weights: BatchWeights
  /// A second input that is added, where the operation takes one.
  let addend: UnsafeMutablePointer<Float>?
  /// The part of a full batch that these rows are.
  let share: Double
  /// Whether batch norms normalize with the batch's statistics in prediction too.
  let usesBatchStatistics: Bool
  let parameters: UnsafeMutablePointer<Float>
  /// Another number whenever the parameters are others: what was made from them must be made anew.
  let parametersVersion: UInt64
  let parameterGradients: UnsafeMutablePointer<Float>?
  let parameterOffsets: [Int]
  let statistics: RunningStatisticsView?
  /// Whether training too normalizes with the running averages and leaves them alone.
  let isFrozen: Bool
  /// What the rows share with the other parts of a batch that has its statistics as a whole; nil for a batch in one part.
  let whole: WholeBatchNorm?

  /// The values of parameter `index` in the order of `Layer.parameters(for:)`.
  public func parameter(_ index: Int) -> UnsafeMutablePointer<Float> { parameters + parameterOffsets[index] }

  /// Where the gradient of parameter `index` goes; only in `backward`.
  public func parameterGradient(_ index: Int) -> UnsafeMutablePointer<Float> {
    parameterGradients! + parameterOffsets[index]
  }
}

extension Pass {
  /// A run of one operation of a training program outside a program: for what takes derivatives of the steps themselves.
  package init(
    rows: Int, inputLength: Int, outputLength: Int, input: UnsafeMutablePointer<Float>,
    output: UnsafeMutablePointer<Float>, outputGradient: UnsafeMutablePointer<Float>?,
    inputGradient: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>,
    workspace: UnsafeMutablePointer<Float>, state: ModelState,
    parameterGradients: UnsafeMutablePointer<Float>?, parameterOffsets: [Int], threads: Int,
    key: RandomKey = RandomKey(seed: 0)
  ) {
    self.init(
      purpose: .training, rows: rows, inputLength: inputLength, outputLength: outputLength, firstRow: 0, input: input,
      output: output, outputGradient: outputGradient, inputGradient: inputGradient, scratch: scratch,
      workspace: workspace, key: key, threads: threads, weights: BatchWeights(), addend: nil, share: 1,
      usesBatchStatistics: false, parameters: state.parameters.start, parametersVersion: state.version,
      parameterGradients: parameterGradients, parameterOffsets: parameterOffsets, statistics: nil, isFrozen: false,
      whole: nil)
  }
}
