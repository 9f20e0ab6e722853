/// One step of a network as it is described: what it is called in files, which shapes it takes and gives, which
/// parameters it learns, and the operation that carries it out.
///
/// A layer of your own conforms in your own module and takes part in everything: shapes, training, gradients, storage.
/// It needs a `LayerOperation`; a layer with nothing to prepare can be its own operation. Call `LayerRegistry.register` once
/// for files that name it.
public protocol Layer: Hashable, Codable, Sendable {
  /// The layer's name in network and model files, in lower camel case: `dense`, `batchNorm`.
  static var kind: String { get }

  /// The shape of one output example for the shape of one input example.
  /// - Throws: `EvenkeelError` with code `usage` that says what was expected and what came.
  func outputShape(for input: Shape) throws -> Shape

  /// What the layer learns, in the order in which `Pass.parameter(_:)` numbers it. Nothing by default.
  func parameters(for input: Shape) throws -> [ParameterDescription]

  /// How many positions of the output are made of the first `length` positions of a sequence of shape `[L, C]` alone, or of
  /// zeros behind them, and are what the shorter sequence would give; any number where the output is no sequence.
  ///
  /// nil, the default, for a layer that does not work on sequences of lengths of their own. The engine sets what lies behind
  /// the end to 0, in values and in gradients.
  func outputLength(of length: Int, for input: Shape) -> Int?

  /// What carries the layer out at `site`.
  func makeOperation(for site: LayerSite) throws -> any LayerOperation
}

extension Layer {
  public func outputShape(for input: Shape) throws -> Shape { input }
  public func parameters(for input: Shape) throws -> [ParameterDescription] { [] }
  public func outputLength(of length: Int, for input: Shape) -> Int? { nil }
}

extension Layer where Self: LayerOperation {
  public func makeOperation(for site: LayerSite) throws -> any LayerOperation { self }
}

/// Where in a network a layer stands.
public struct LayerSite: Sendable {
  /// The shapes of one example.
  public let input: Shape
  /// The shape of one output example.
  public let output: Shape
  /// The path in the stored file: `0`, `3`, `2.block.0`.
  public let name: String
  /// The largest number of rows a pass will bring.
  public let maximumRows: Int
  /// Whether passes will go backward too.
  public let purpose: Purpose
  /// What products are computed in; tensors are floats in either.
  public let precision: Precision

  package init(
    input: Shape, output: Shape, name: String, maximumRows: Int, purpose: Purpose, precision: Precision = .float32
  ) {
    self.input = input
    self.output = output
    self.name = name
    self.maximumRows = maximumRows
    self.purpose = purpose
    self.precision = precision
  }
}

/// The part a parameter plays. Weight decay acts on weights only, by this role and never by name.
public enum ParameterRole: String, Codable, Sendable {
  case weight, bias, scale, shift
}

/// A tensor that a layer learns.
public struct ParameterDescription: Hashable, Sendable {
  /// Its name in the stored file, as PyTorch calls it: `weight`, `bias`.
  public let name: String
  /// Its shape in memory and in the file, which is PyTorch's.
  public let shape: Shape
  /// The part it plays.
  public let role: ParameterRole
  /// How it starts.
  public let start: ParameterStart

  /// A tensor to learn.
  public init(name: String, shape: Shape, role: ParameterRole, start: ParameterStart) {
    self.name = name
    self.shape = shape
    self.role = role
    self.start = start
  }
}

/// The values a parameter has before training.
public enum ParameterStart: Hashable, Sendable {
  case constant(Float)
  /// Normal with mean 0 and this deviation.
  case normal(deviation: Double)
  /// Normal or uniform by fan-in and fan-out; `automatic` is decided by the activation that follows.
  case weights(Initialization, inputs: Int, outputs: Int)
}
