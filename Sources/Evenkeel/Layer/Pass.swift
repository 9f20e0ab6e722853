/// One forward run of one operation: its rows and its memory, valid for the duration of the call.
///
/// Buffers hold `rows` examples, one after the other, features last.
public struct ForwardPass {
  /// What the program is for.
  public let purpose: Purpose
  /// The number of examples: those of a slice, or of the whole batch (`LayerOperation.takesSlices`).
  public let rows: Int
  /// The number of values of one input example.
  public let inputLength: Int
  /// The number of values of one output example.
  public let outputLength: Int
  /// The number of rows of the batch before these: those of other slices, and of parts that were computed before. Random
  /// numbers are drawn by row of the batch, so that it does not matter how it is cut.
  public let firstRow: Int
  /// `rows` × `inputLength` values.
  public let input: UnsafePointer<Float>
  /// `rows` × `outputLength` values.
  public let output: UnsafeMutablePointer<Float>
  /// `LayerOperation.scratchCount` floats, kept until the step is over.
  public let scratch: UnsafeMutablePointer<Float>
  /// `LayerOperation.sliceScratchCount` floats of this slice, kept until the step is over.
  public let sliceScratch: UnsafeMutablePointer<Float>
  /// `LayerOperation.workspaceCount` floats, kept during the call.
  public let workspace: UnsafeMutablePointer<Float>
  /// The random stream of this layer in this step. Branch it by `firstRow` and row, so that numbers belong to an
  /// example.
  public let key: RandomKey
  /// Which statistics a norm normalizes with, unless its own options freeze it in training. Statistics of the batch may
  /// be asked for in prediction, too: the doctor compares them with the running ones.
  public let statistics: NormStatistics
  /// Which slice of the batch this is.
  public let slice: Int
  /// Which thread of the team runs it, below `LayerSite.members`.
  public let member: Int

  /// All slices of the batch.
  package let slices: SliceBounds
  /// Floats from one slice's scratch to the next's.
  package let sliceScratchStride: Int
  /// The weights of the examples and the number of valid positions of each input sequence; nil for 1 each and for all.
  package let weights: BatchWeights
  /// A second input that is added, if the operation takes one.
  package let addend: UnsafePointer<Float>?
  /// The layer's parameters and buffers.
  package let memory: LayerMemory
  /// What this rank exchanges with others; nil if it trains alone.
  package let exchange: SliceExchange?
  /// What the parts of a batch share at this step; only the code that drives the parts knows its type.
  package let context: (any StepContext)?

  package init(
    purpose: Purpose, rows: Int, inputLength: Int, outputLength: Int, firstRow: Int = 0, input: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    sliceScratch: UnsafeMutablePointer<Float>, workspace: UnsafeMutablePointer<Float>,
    key: RandomKey = RandomKey(seed: 0), statistics: NormStatistics = .batch(share: 1), slice: Int = 0, member: Int = 0,
    slices: SliceBounds, sliceScratchStride: Int = 0, weights: BatchWeights = BatchWeights(),
    addend: UnsafePointer<Float>? = nil, memory: LayerMemory, exchange: SliceExchange? = nil,
    context: (any StepContext)? = nil
  ) {
    self.purpose = purpose
    self.rows = rows
    self.inputLength = inputLength
    self.outputLength = outputLength
    self.firstRow = firstRow
    self.input = input
    self.output = output
    self.scratch = scratch
    self.sliceScratch = sliceScratch
    self.workspace = workspace
    self.key = key
    self.statistics = statistics
    self.slice = slice
    self.member = member
    self.slices = slices
    self.sliceScratchStride = sliceScratchStride
    self.weights = weights
    self.addend = addend
    self.memory = memory
    self.exchange = exchange
    self.context = context
  }

  /// The number of slices of the batch.
  public var sliceCount: Int { slices.count }

  /// The scratch of slice `index`, in a pass of the whole batch.
  public func sliceScratch(of index: Int) -> UnsafeMutablePointer<Float> {
    sliceScratch + (index - slice) * sliceScratchStride
  }

  /// The values of parameter `index`, in the order of `Layer.parameters(for:)`.
  public func parameter(_ index: Int) -> UnsafePointer<Float> {
    UnsafePointer(memory.parameters + memory.offset(index))
  }

  /// The values of buffer `index`, in the order of `Layer.buffers(for:)`.
  public func buffer(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(memory.buffers.values(index)) }

  /// The count in buffer `index`.
  public func count(_ index: Int) -> Int { memory.buffers.count(index).pointee }

  /// What each example counts, one an example; nil for 1 each. Losses and their gradients count it already: it matters
  /// to layers that take statistics over examples.
  public var exampleWeights: UnsafePointer<Float>? { weights.weights }

  /// The positions of each input sequence that are there, one an example; nil where all are.
  public var lengths: UnsafePointer<Int32>? { weights.lengths }

  /// The same rows for an operation that this one wraps: with parameters that the wrapper has made, each
  /// `offsets[index]` floats from `parameters`, and a part of the wrapper's scratch, at a multiple of 16 floats from
  /// its start. Slice scratch and workspace are the same, so the wrapper asks for at least what the inner one does. Both
  /// have the same input and output, and the wrapper's buffers.
  public func inner(
    parameters: UnsafeMutablePointer<Float>, offsets: [Int], scratch: UnsafeMutablePointer<Float>
  ) -> ForwardPass {
    var memory = memory
    (memory.parameters, memory.ownOffsets) = (parameters, offsets)
    return ForwardPass(
      purpose: purpose, rows: rows, inputLength: inputLength, outputLength: outputLength, firstRow: firstRow,
      input: input, output: output, scratch: scratch, sliceScratch: sliceScratch, workspace: workspace, key: key,
      statistics: statistics, slice: slice, member: member, slices: slices, sliceScratchStride: sliceScratchStride,
      weights: weights, addend: addend, memory: memory, exchange: exchange, context: context)
  }
}

/// One backward run of one operation, after the forward run of the same rows.
public struct BackwardPass {
  /// The forward run. Its input and output are still intact if `LayerOperation.backwardReads` says so.
  public let forward: ForwardPass
  /// The gradient of the loss with respect to the output: `rows` × `outputLength` values.
  public let outputGradient: UnsafeMutablePointer<Float>
  /// Where the gradient with respect to the input goes; nil if it is not needed, as at the network's own input.
  public let inputGradient: UnsafeMutablePointer<Float>?
  /// The gradients of all parameters, in the layout of the parameters.
  package let gradients: UnsafeMutablePointer<Float>

  package init(
    _ forward: ForwardPass, outputGradient: UnsafeMutablePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?,
    gradients: UnsafeMutablePointer<Float>
  ) {
    self.forward = forward
    self.outputGradient = outputGradient
    self.inputGradient = inputGradient
    self.gradients = gradients
  }

  /// As in `forward`.
  public var rows: Int { forward.rows }
  /// As in `forward`.
  public var inputLength: Int { forward.inputLength }
  /// As in `forward`.
  public var outputLength: Int { forward.outputLength }
  /// As in `forward`.
  public var input: UnsafePointer<Float> { forward.input }
  /// As in `forward`.
  public var output: UnsafePointer<Float> { UnsafePointer(forward.output) }
  /// As in `forward`.
  public var scratch: UnsafeMutablePointer<Float> { forward.scratch }
  /// As in `forward`.
  public var workspace: UnsafeMutablePointer<Float> { forward.workspace }
  /// As in `forward`.
  public var sliceScratch: UnsafeMutablePointer<Float> { forward.sliceScratch }
  /// As in `forward`: what was drawn forward can be drawn again.
  public var key: RandomKey { forward.key }
  /// As in `forward`.
  public var firstRow: Int { forward.firstRow }
  /// As in `forward`.
  public var statistics: NormStatistics { forward.statistics }

  /// As in `forward`.
  public func parameter(_ index: Int) -> UnsafePointer<Float> { forward.parameter(index) }

  /// Where the gradient of parameter `index` goes.
  public func parameterGradient(_ index: Int) -> UnsafeMutablePointer<Float> {
    gradients + forward.memory.offset(index)
  }

  /// The same rows for an operation that this one wraps, as `ForwardPass.inner`; the gradients of the parameters that
  /// the wrapper has made go to `gradients`, at the same offsets.
  public func inner(
    parameters: UnsafeMutablePointer<Float>, offsets: [Int], gradients: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) -> BackwardPass {
    BackwardPass(
      forward.inner(parameters: parameters, offsets: offsets, scratch: scratch), outputGradient: outputGradient,
      inputGradient: inputGradient, gradients: gradients)
  }
}

/// The work that remains once a training step has succeeded.
public struct CommitPass {
  /// The forward run of the step; of its memory, only scratch is still intact.
  public let forward: ForwardPass

  package init(_ forward: ForwardPass) { self.forward = forward }

  /// The layer's buffers, to be written.
  public var buffers: LayerBuffers { forward.memory.buffers }
}

/// Which statistics norms normalize with. The engine decides it once per run.
public enum NormStatistics: Hashable, Sendable {
  /// The running ones: in prediction, and in training if all norms are frozen.
  case running
  /// Those of the rows. They enter the running ones as the part `share` of a step, below 1 where the batch is smaller
  /// than others: the weight of the past is then decay to the power of `share`.
  case batch(share: Double)
}

/// What the parts of a batch share at one step, known only to the code that made it.
package protocol StepContext: AnyObject {}

/// Where the slices of a batch begin and end.
package struct SliceBounds {
  /// `count` + 1 rows, from 0 to the number of rows.
  private let bounds: UnsafePointer<Int>
  package let count: Int

  package init(_ bounds: UnsafePointer<Int>, count: Int) { (self.bounds, self.count) = (bounds, count) }

  package subscript(index: Int) -> Range<Int> { bounds[index]..<bounds[index + 1] }

  /// The slices that `rows` consists of; they begin and end at slices.
  func covering(_ rows: Range<Int>) -> Range<Int> {
    let first = (0..<count).first { bounds[$0] == rows.lowerBound }!
    return first..<(first + 1...count).first { bounds[$0] == rows.upperBound }!
  }
}

/// A layer's buffers in a model.
public struct LayerBuffers {
  private let start: UnsafeMutablePointer<Float>
  private let counts: UnsafeMutablePointer<Int>
  private let offsets: UnsafePointer<Int>

  /// - Parameter offsets: For each buffer, in the layer's order, where its values start among the values, or the place
  ///   of its count among the counts. They stay where they are.
  package init(
    _ start: UnsafeMutablePointer<Float>, _ counts: UnsafeMutablePointer<Int>, offsets: UnsafePointer<Int>
  ) {
    self.start = start
    self.counts = counts
    self.offsets = offsets
  }

  /// The values of buffer `index`, in the order of `Layer.buffers(for:)`.
  public func values(_ index: Int) -> UnsafeMutablePointer<Float> { start + offsets[index] }

  /// The count in buffer `index`.
  public func count(_ index: Int) -> UnsafeMutablePointer<Int> { counts + offsets[index] }
}

/// A layer's parameters and buffers in a model.
package struct LayerMemory {
  var parameters: UnsafeMutablePointer<Float>
  /// Where each parameter starts.
  private let offsets: UnsafePointer<Int>
  /// In their place, those of an operation that another wraps.
  var ownOffsets: [Int]?
  let buffers: LayerBuffers

  package init(parameters: UnsafeMutablePointer<Float>, offsets: UnsafePointer<Int>, buffers: LayerBuffers) {
    self.parameters = parameters
    self.offsets = offsets
    self.buffers = buffers
  }

  func offset(_ index: Int) -> Int { ownOffsets?[index] ?? offsets[index] }
}
