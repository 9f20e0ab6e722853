/// Numbers of rows in rising order: each in four bytes, or those that follow each other in none.
struct RowNumbers: RandomAccessCollection, Sendable {
  private let numbers: [Int32]?
  /// The number of the first row, where they follow each other.
  private let first: Int
  let indices: Range<Int>

  var startIndex: Int { indices.lowerBound }
  var endIndex: Int { indices.upperBound }

  init(_ numbers: [Int32]) { (self.numbers, first, indices) = (numbers, 0, numbers.indices) }

  init(_ numbers: Range<Int>) {
    (self.numbers, first, indices) = (nil, numbers.lowerBound, 0..<numbers.count)
  }

  @inline(__always)
  subscript(position: Int) -> Int { numbers.map { Int($0[position]) } ?? first + position }

  /// The same, as data sets number their rows.
  var compact: [Int32] { numbers ?? indices.map { Int32(first + $0) } }
}
