/// The features of a table, in floats or in double. Several threads may store those of different rows.
final class TableFeatures: @unchecked Sendable {
  private let memory: AlignedFloats
  private let rows: Int
  let width: Int
  private let isInDouble: Bool

  /// All features are 0.
  /// - Throws: As `AlignedFloats`.
  init(rows: Int, width: Int, isInDouble: Bool, for what: @autoclosure () -> String) throws {
    (self.rows, self.width, self.isInDouble) = (rows, width, isInDouble)
    memory = try AlignedFloats(count: rows * width * (isInDouble ? 2 : 1), for: what())
  }

  /// Returns false for a number that is too large for floats, where the features are in floats.
  @discardableResult @inline(__always)
  func store(_ value: Double, row: Int, feature: Int) -> Bool {
    let index = row * width + feature
    guard !isInDouble else {
      UnsafeMutableRawPointer(memory.start).storeBytes(
        of: value, toByteOffset: index * MemoryLayout<Double>.stride, as: Double.self)
      return true
    }
    let number = Float(value)
    memory.start[index] = number
    return number.isFinite
  }

  /// All features.
  var storage: ExampleStorage {
    ExampleStorage(
      owner: memory, base: UnsafeRawPointer(memory.start), element: isInDouble ? .float64 : .float32, count: rows,
      storedWidth: width)
  }
}
