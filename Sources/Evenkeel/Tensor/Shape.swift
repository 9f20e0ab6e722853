/// The extent of one example or of a tensor, features last: `[784]`, `[28, 28]`, `[32, 32, 3]`.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public var dimensions: [Int]

  public init(_ dimensions: [Int]) { self.dimensions = dimensions }
  public init(arrayLiteral elements: Int...) { self.dimensions = elements }

  /// The number of elements: the product of the dimensions, 1 for the empty shape.
  public var count: Int { dimensions.reduce(1, *) }
  public var rank: Int { dimensions.count }
  /// The extent of the last axis, along which features lie; 1 for the empty shape.
  public var featureCount: Int { dimensions.last ?? 1 }

  public var description: String {
    "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
  }

  /// The product of `dimensions`, or nil where one is negative or the product overflows; for shapes read from files.
  static func checkedCount(_ dimensions: [Int]) -> Int? {
    var product = 1
    for dimension in dimensions {
      guard dimension >= 0 else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard !overflow else { return nil }
      product = next
    }
    return product
  }
}

extension Shape: Codable {
  public init(from decoder: any Decoder) throws {
    dimensions = try decoder.singleValueContainer().decode([Int].self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }
}
