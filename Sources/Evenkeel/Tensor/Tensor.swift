/// A block of numbers with a shape, in row-major order: the form in which rows of data enter and predictions leave.
public struct Tensor: Hashable, Sendable {
  /// The extent of each axis.
  public let shape: Shape
  /// The values in row-major order.
  public var values: [Float]

  /// Values in row-major order, and their shape.
  /// - Precondition: `values.count == shape.count`.
  public init(_ values: [Float], shape: Shape) {
    precondition(
      values.count == shape.count, "\(values.count) values do not fill the shape \(shape).")
    self.values = values
    self.shape = shape
  }

  /// The number of rows: the extent of the first axis.
  public var rowCount: Int { shape.dimensions.first ?? 1 }
  /// The number of values of one row.
  public var rowLength: Int { shape.dimensions.dropFirst().reduce(1, *) }

  /// The values of row `index`.
  public subscript(row index: Int) -> ArraySlice<Float> {
    values[index * rowLength..<(index + 1) * rowLength]
  }
}
