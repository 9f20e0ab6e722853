/// What tells the rows of a table from other rows, in whatever order and parts they come: their number, and a sum of hashes of their
/// features and targets.
package struct RowsFingerprint: Hashable, Codable, Sendable, BitwiseCopyable {
  package private(set) var count = 0
  private var sum: UInt64 = 0

  package init() {}

  mutating func add(_ other: RowsFingerprint) {
    count += other.count
    sum &+= other.sum
  }

  /// Adds rows, by their features as floats.
  mutating func add(_ dataset: Dataset) {
    let width = dataset.shape.count
    let atOnce = max(1, 1 << 16 / width)
    let values = AlignedFloats(count: min(atOnce, max(1, dataset.count)) * width)
    let labels: [UInt64] =
      if case .classes(_, let labels) = dataset.targets { labels.map(Self.hash) } else { [] }
    for start in stride(from: 0, to: dataset.count, by: atOnce) {
      let rows = min(atOnce, dataset.count - start)
      dataset.rows.withUnsafeBufferPointer {
        _ = dataset.examples.gather($0.baseAddress! + start, rows, into: values.start, scaling: nil)
      }
      for row in 0..<rows {
        var hash: UInt64 = 0
        for index in 0..<width { hash = Self.mixed(hash, UInt64(values.start[row * width + index].bitPattern)) }
        switch dataset.targets {
        case .none: break
        case .classes(let indices, _):
          let index = indices[start + row]
          hash = Self.mixed(hash, index < 0 ? 0 : labels[Int(index)])
        case .values(let numbers, let names):
          for value in numbers[(start + row) * names.count..<(start + row + 1) * names.count] {
            hash = Self.mixed(hash, value.bitPattern)
          }
        }
        sum &+= hash
      }
    }
    count += dataset.count
  }

  private static func mixed(_ hash: UInt64, _ value: UInt64) -> UInt64 {
    RandomKey.mix((hash ^ value) &+ 0x9E37_79B9_7F4A_7C15)
  }

  private static func hash(_ label: String) -> UInt64 { label.utf8.reduce(1) { mixed($0, UInt64($1)) } }
}

/// The table that a model was trained on.
package struct TrainingTable: Hashable, Codable, Sendable {
  /// All its rows, with those that were set apart.
  let rows: RowsFingerprint
  /// How many of them were trained on.
  package let trained: Int
}
