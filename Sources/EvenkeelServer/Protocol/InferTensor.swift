/// A tensor of a request.
package struct InferTensor: Sendable {
  package let name: String
  package let datatype: Datatype
  package let shape: [Int]
  package let content: Content

  package enum Content: Sendable {
    /// NaN where one is missing.
    case numbers([Double])
    case texts([String])
    /// Elements of any bytes, of a binary request.
    case files([[UInt8]])

    var count: Int {
      switch self {
      case .numbers(let numbers): numbers.count
      case .texts(let texts): texts.count
      case .files(let files): files.count
      }
    }
  }

  /// The number of elements.
  package var count: Int { content.count }
}
