/// The extent of one example or of a tensor, features last: `[784]`, `[28, 28]`, `[32, 32, 3]`.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extent of each axis.
  public var dimensions: [Int]

  /// A shape of these extents.
  public init(_ dimensions: [Int]) { self.dimensions = dimensions }
  /// A shape of these extents.
  public init(arrayLiteral elements: Int...) { self.dimensions = elements }

  /// The number of elements: the product of the dimensions, 1 for the empty shape.
  public var count: Int { dimensions.reduce(1, *) }
  /// The number of axes.
  public var rank: Int { dimensions.count }
  /// The extent of the last axis, along which features lie; 1 for the empty shape.
  public var featureCount: Int { dimensions.last ?? 1 }

  public var description: String {
    "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
  }

  /// Whether examples of this shape can serve as examples of `other`: the same extents except for axes of 1, or the
  /// same number of values and one of the two flat.
  func fits(_ other: Shape) -> Bool {
    guard count == other.count else { return false }
    return rank == 1 || other.rank == 1
      || dimensions.filter { $0 != 1 } == other.dimensions.filter { $0 != 1 }
  }

  /// The largest number of values in one example: oneDNN counts them in 32 bits.
  static let greatestCount = 1 << 31 - 1

  /// The product of `dimensions`, or nil if one is negative or the product overflows; for shapes read from files.
  package static func checkedCount(_ dimensions: [Int]) -> Int? {
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
    let container = try decoder.singleValueContainer()
    if let extent = try? container.decode(Int.self) {
      dimensions = [extent]
    } else {
      dimensions = try container.decode([Int].self)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }
}
