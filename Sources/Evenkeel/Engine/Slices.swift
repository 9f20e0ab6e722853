/// How batches are cut into slices: by the number of rows alone, so that whatever is summed over slices has the same bits
/// on any number of threads.
struct Slices {
  /// The largest number of rows in a slice.
  let largest: Int
  /// Batches are also cut where these ghost batches begin, which their norms reduce separately.
  private let ghostBatches: Set<Int>
  private let bounds: UnsafeMutablePointer<Int>
  private let capacity: Int
  private var rows = 0
  private var count = 0

  /// - Parameter rows: The largest number of rows in a batch.
  init(_ network: PlacedNetwork, rows: Int, purpose: Purpose) {
    ghostBatches =
      purpose == .training ? Set(network.layers.compactMap { ($0.layer as? BatchNorm)?.ghostBatch }) : []
    largest = min(rows, Self.rows(network, of: rows))
    capacity = (rows - 1) / largest + 1 + ghostBatches.reduce(0) { $0 + Parts(rows: rows, about: $1).count }
    bounds = .allocate(capacity: capacity + 1)
  }

  func deallocate() { bounds.deallocate() }

  /// The largest number of slices in a batch.
  var mostSlices: Int { capacity }

  /// The slices of a batch of `rows` rows; valid until those of another number of rows are asked for.
  mutating func cut(_ rows: Int) -> SliceBounds {
    if rows != self.rows {
      var starts: Set<Int> = [0]
      for ghost in ghostBatches {
        let parts = Parts(rows: rows, about: ghost)
        for index in 0..<parts.count { starts.insert(parts[index].lowerBound) }
      }
      count = 0
      let ends = starts.sorted().dropFirst() + [rows]
      var start = 0
      for end in ends {
        let parts = Parts(rows: end - start, largest: largest)
        for index in 0..<parts.count {
          bounds[count] = start + parts[index].lowerBound
          count += 1
        }
        start = end
      }
      bounds[count] = rows
      self.rows = rows
    }
    return SliceBounds(bounds, count: count)
  }

  /// Enough rows that reading the weights pays, few enough that what a layer gives of them stays in the second-level cache, and
  /// that there are several slices for several threads.
  private static func rows(_ network: PlacedNetwork, of rows: Int) -> Int {
    let widest = network.layers.reduce(1) { max($0, $1.output.count) }
    let isOfImages = network.layers.contains { $0.input.rank > 1 }
    if isOfImages { return max(8, min(rows / 8, valuesOfImages / widest)) }
    return max(32, min(rows / 8, 256))
  }

  private static let valuesOfImages = 1 << 17
}
