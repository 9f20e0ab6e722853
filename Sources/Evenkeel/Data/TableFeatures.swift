/// The features of a table as they are read, row after row, in floats or in double.
final class TableFeatures {
  private let memory: AlignedFloats
  private let rows: Int
  private let width: Int
  private let isInDouble: Bool
  private var next: UnsafeMutableRawPointer

  init(rows: Int, width: Int, isInDouble: Bool) {
    (self.rows, self.width, self.isInDouble) = (rows, width, isInDouble)
    memory = AlignedFloats(count: rows * width * (isInDouble ? 2 : 1))
    next = UnsafeMutableRawPointer(memory.start)
  }

  /// Returns false for a number that is too large for floats, where the features are in floats.
  @discardableResult
  func append(_ value: Double) -> Bool {
    if isInDouble {
      next.storeBytes(of: value, as: Double.self)
      next += MemoryLayout<Double>.size
    } else {
      next.storeBytes(of: Float(value), as: Float.self)
      next += MemoryLayout<Float>.size
    }
    return isInDouble || Float(value).isFinite
  }

  /// All features, once as many as there is room for were appended.
  var storage: ExampleStorage {
    ExampleStorage(
      owner: memory, base: UnsafeRawPointer(memory.start), element: isInDouble ? .float64 : .float32, count: rows,
      storedWidth: width)
  }
}
