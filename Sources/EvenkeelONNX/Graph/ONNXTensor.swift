/// The kinds of element that an ONNX file may name, by their numbers there.
public enum ONNXElement: Int, Hashable, Sendable {
  /// 32 bits, IEEE 754.
  case float = 1
  /// 8 bits, from 0.
  case uint8
  /// 8 bits with a sign.
  case int8
  /// 16 bits, from 0.
  case uint16
  /// 16 bits with a sign.
  case int16
  /// 32 bits with a sign.
  case int32
  /// 64 bits with a sign.
  case int64
  /// Text.
  case string
  /// Yes or no.
  case bool
  /// 16 bits, IEEE 754.
  case float16
  /// 64 bits, IEEE 754.
  case double
  /// 32 bits, from 0.
  case uint32
  /// 64 bits, from 0.
  case uint64
}

/// Constant values of an ONNX graph, in row-major order.
public struct ONNXTensor: Hashable, Sendable {
  /// The values, in the type that holds every value of the kind.
  public enum Content: Hashable, Sendable {
    /// Of `float` and `float16`.
    case floats([Float])
    /// Of `double`.
    case doubles([Double])
    /// Of whole numbers and `bool`.
    case integers([Int])
    /// Of `string`.
    case texts([String])
  }

  /// The name by which nodes refer to it.
  public var name: String
  /// The extent of each axis; none for a scalar.
  public var dimensions: [Int]
  /// The kind of element in the file.
  public let element: ONNXElement
  /// The values.
  public let content: Content

  init(_ name: String, _ dimensions: [Int], _ element: ONNXElement, _ content: Content) {
    (self.name, self.dimensions, self.element, self.content) = (name, dimensions, element, content)
  }

  /// Floats, row after row.
  public init(_ name: String = "", _ dimensions: [Int], floats: [Float]) {
    self.init(name, dimensions, .float, .floats(floats))
  }
  /// Doubles, row after row.
  public init(_ name: String = "", _ dimensions: [Int], doubles: [Double]) {
    self.init(name, dimensions, .double, .doubles(doubles))
  }
  /// 64-bit integers, row after row.
  public init(_ name: String = "", _ dimensions: [Int], integers: [Int]) {
    self.init(name, dimensions, .int64, .integers(integers))
  }
  /// Texts, row after row.
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
