/// The description of one step of a network: its name in files, its input and output shapes, what it learns and keeps,
/// and the operation that carries it out.
///
/// A layer of your own conforms in your own module and takes part in everything: shapes, training, gradients, storage,
/// freezing, recalibration, the doctor, exchange of norms, loss surfaces. Whatever others need to know of it, it says
/// here; nobody asks for its type. Only two things know a fixed list of layers and say so in an error or leave others
/// as they are: the exact Hessian, and `Model.folded()`, which folds batch norms into dense and convolution layers. It
/// needs a `LayerOperation`; a layer with nothing to prepare can be its own operation. Call `LayerRegistry.register`
/// once for files that name it. Documentation/Extending.md shows one of each sort.
///
/// Files hold the layer as its kind with its encoded options. A kind without options is decoded from an empty object,
/// and whatever key the encoded layer does not have is an error; write `init(from:)` where options have defaults.
public protocol Layer: Hashable, Codable, Sendable {
  /// The layer's name in network and model files, in lower camel case: `dense`, `batchNorm`.
  static var kind: String { get }

  /// The shape of one output example for the shape of one input example.
  /// - Throws: `EvenkeelError` with code `usage` that says what was expected and what it got.
  func outputShape(for input: Shape) throws -> Shape

  /// What the layer learns, in the order in which `ForwardPass.parameter(_:)` numbers it. By default γ and β, one per
  /// feature, if `norm` says that they are learned.
  func parameters(for input: Shape) throws -> [ParameterDescription]

  /// What the layer keeps besides its parameters: stored with the model, copied with it, never optimized. Numbered by
  /// `ForwardPass.buffer(_:)` in this order. Nothing by default.
  func buffers(for input: Shape) throws -> [BufferDescription]

  /// What others need to know about the layer. Nothing by default.
  var traits: LayerTraits { get }

  /// How the layer normalizes; nil, the default, if it does not.
  var norm: NormOptions? { get }

  /// How weights that feed this layer are initialized if that is left open; nil, the default, for a layer that has no
  /// say in it. Activations do.
  var initializationBefore: Initialization? { get }

  /// The layer with what it leaves open filled in by what follows it. Itself by default. A network asks it first:
  /// parameters and operations are those of the resolved layer. A wrapper resolves what it wraps.
  func resolved(before next: NextLayers) -> Self

  /// The layer with γ starting at `scale`. Itself, the default, for a layer without γ.
  func withInitialScale(_ scale: Double) -> Self

  /// The number of valid output positions for a sequence of shape `[L, C]` whose first `length` positions are valid:
  /// those that the shorter sequence would give by itself, or followed by zeros. Any number if the output is not a
  /// sequence.
  ///
  /// nil, the default, for a layer that does not support sequences of different lengths. The engine sets everything
  /// after the end to 0, in values and in gradients.
  func outputLength(of length: Int, for input: Shape) -> Int?

  /// The number of products of learned values and inputs for one example; nil where each value of the role `weight` is used
  /// once at every position of the output.
  func multiplyAdds(for input: Shape) -> Int?

  /// The operation that carries out the layer at `site`.
  func makeOperation(for site: LayerSite) throws -> any LayerOperation
}

extension Layer {
  public func outputShape(for input: Shape) throws -> Shape { input }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    let shape = Shape([input.featureCount])
    var parameters: [ParameterDescription] = []
    if let norm, norm.learnsScale {
      parameters.append(
        ParameterDescription(name: "weight", shape: shape, role: .scale, start: .constant(Float(norm.initialScale))))
    }
    if norm?.learnsShift == true {
      parameters.append(ParameterDescription(name: "bias", shape: shape, role: .shift, start: .constant(0)))
    }
    return parameters
  }

  public func buffers(for input: Shape) throws -> [BufferDescription] { [] }
  public var traits: LayerTraits { [] }
  public var norm: NormOptions? { nil }
  public var initializationBefore: Initialization? { nil }
  public func resolved(before next: NextLayers) -> Self { self }
  public func withInitialScale(_ scale: Double) -> Self { self }
  public func outputLength(of length: Int, for input: Shape) -> Int? { nil }
  public func multiplyAdds(for input: Shape) -> Int? { nil }
}

extension Layer where Self: LayerOperation {
  public func makeOperation(for site: LayerSite) throws -> any LayerOperation { self }
}

/// A layer's place in a network.
public struct LayerSite: Sendable {
  /// The shape of one input example.
  public let input: Shape
  /// The shape of one output example.
  public let output: Shape
  /// The path in stored files: `0`, `3`, `2.block.0`.
  public let name: String
  /// The largest number of rows in a batch.
  public let maximumRows: Int
  /// The largest number of rows in a slice of a batch, and of slices in a batch.
  public let maximumSlice, maximumSlices: Int
  /// The largest number of threads that run slices at once.
  public let members: Int
  /// Whether there are backward passes too. The same in every pass of the operation.
  public let purpose: Purpose
  /// Whether backward passes want the gradient of the input: always but at the network's own.
  public let wantsInputGradient: Bool
  /// What products are computed in; tensors are floats either way.
  public let precision: Precision

  /// - Parameters:
  ///   - maximumSlice: nil: batches are not cut.
  ///   - maximumSlices: The largest number of slices.
  package init(
    input: Shape, output: Shape, name: String, maximumRows: Int, maximumSlice: Int? = nil, maximumSlices: Int = 1,
    members: Int = 1, purpose: Purpose, wantsInputGradient: Bool = true, precision: Precision = .float32
  ) {
    self.input = input
    self.output = output
    self.name = name
    self.maximumRows = maximumRows
    self.maximumSlice = maximumSlice ?? maximumRows
    self.maximumSlices = maximumSlices
    self.members = members
    self.purpose = purpose
    self.wantsInputGradient = wantsInputGradient
    self.precision = precision
  }

  /// The same place for a layer that this one wraps and runs on whole batches (`LayerOperation.runForward`).
  /// - Parameters:
  ///   - input: The shape that the inner layer takes; nil for this one's.
  ///   - output: The shape that the inner layer gives; nil for this one's.
  public func inner(input: Shape? = nil, output: Shape? = nil) -> LayerSite {
    LayerSite(
      input: input ?? self.input, output: output ?? self.output, name: name, maximumRows: maximumRows, members: members,
      purpose: purpose, wantsInputGradient: wantsInputGradient, precision: precision)
  }
}

/// The purpose of a program.
public enum Purpose: Sendable {
  /// Steps of training: backward follows forward, and norms use the statistics of the batch.
  case training
  /// Outputs alone; norms use their running statistics.
  case prediction
}
