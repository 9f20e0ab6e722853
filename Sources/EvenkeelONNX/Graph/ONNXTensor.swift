/// The kinds of element that an ONNX file may name, by their numbers there.
public enum ONNXElement: Int, Hashable, Sendable {
  case float = 1
  case uint8, int8, uint16, int16, int32, int64, string, bool, float16, double, uint32, uint64
}

/// Constant values of an ONNX graph, in row-major order.
public struct ONNXTensor: Hashable, Sendable {
  /// The values, in the type that holds every value of the kind.
  public enum Content: Hashable, Sendable {
    case floats([Float])
    case doubles([Double])
    case integers([Int])
    case texts([String])
  }

  /// The name by which nodes refer to it.
  public var name: String
  /// The extent of each axis; none for a scalar.
  public var dimensions: [Int]
  /// The kind of element in the file.
  public let element: ONNXElement
  public let content: Content

  init(_ name: String, _ dimensions: [Int], _ element: ONNXElement, _ content: Content) {
    (self.name, self.dimensions, self.element, self.content) = (name, dimensions, element, content)
  }

  public init(_ name: String = "", _ dimensions: [Int], floats: [Float]) {
    self.init(name, dimensions, .float, .floats(floats))
  }
  public init(_ name: String = "", _ dimensions: [Int], doubles: [Double]) {
    self.init(name, dimensions, .double, .doubles(doubles))
  }
  public init(_ name: String = "", _ dimensions: [Int], integers: [Int]) {
    self.init(name, dimensions, .int64, .integers(integers))
  }
  public init(_ name: String = "", _ dimensions: [Int], texts: [String]) {
    self.init(name, dimensions, .string, .texts(texts))
  }

  /// The number of values.
  var count: Int {
    switch content {
    case .floats(let values): values.count
    case .doubles(let values): values.count
    case .integers(let values): values.count
    case .texts(let values): values.count
    }
  }

  /// The values as doubles; nil for texts.
  var doubles: [Double]? {
    switch content {
    case .floats(let values): values.map(Double.init)
    case .doubles(let values): values
    case .integers(let values): values.map(Double.init)
    case .texts: nil
    }
  }

  /// The values as floats; nil for texts.
  var floats: [Float]? {
    if case .floats(let values) = content { return values }
    return doubles?.map { Float($0) }
  }

  /// The values as integers; nil for what is none.
  var integers: [Int]? { if case .integers(let values) = content { values } else { nil } }
}
