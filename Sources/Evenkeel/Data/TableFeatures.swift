/// The features of a table as they are read, row after row, in floats or in double.
final class TableFeatures {
  private let memory: AlignedFloats
  private let rows: Int
  private let width: Int
  private let isInDouble: Bool
  private var next: UnsafeMutableRawPointer

  /// - Throws: As `AlignedFloats`.
  init(rows: Int, width: Int, isInDouble: Bool, for what: @autoclosure () -> String) throws {
    (self.rows, self.width, self.isInDouble) = (rows, width, isInDouble)
    memory = try AlignedFloats(count: rows * width * (isInDouble ? 2 : 1), for: what())
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

  /// One feature of `width` is 1, the others 0; all of them for a category that is not known.
  func append(category: Int?, of width: Int) {
    let start = next
    if let category {
      next += category * size
      append(1)
    }
    next = start + width * size
  }

  private var size: Int { isInDouble ? MemoryLayout<Double>.size : MemoryLayout<Float>.size }

  /// All features, once as many as there is room for were appended.
  var storage: ExampleStorage {
    ExampleStorage(
      owner: memory, base: UnsafeRawPointer(memory.start), element: isInDouble ? .float64 : .float32, count: rows,
      storedWidth: width)
  }
}
