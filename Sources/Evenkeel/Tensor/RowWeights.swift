import Kernels

/// The weights of the rows of some examples in batch norm: an example's weight in its valid positions, 0 after them.
struct RowWeights {
  /// For the kernels.
  let view: ek_weights
  /// Σ w², and the number of rows of weight above 0.
  let squares: Double
  let rows: Int

  /// - Parameters:
  ///   - weights: One per example; nil for 1 each.
  ///   - lengths: The number of positions of each example; nil for `positions` each.
  init(_ weights: UnsafePointer<Float>?, _ lengths: UnsafePointer<Int32>?, examples: Int, positions: Int) {
    var (total, squares, rows) = (0.0, 0.0, 0)
    for example in 0..<examples {
      let weight = Double(weights?[example] ?? 1)
      let length = lengths.map { Int($0[example]) } ?? positions
      guard weight > 0, length > 0 else { continue }
      total += Double(length) * weight
      squares += Double(length) * weight * weight
      rows += length
    }
    view = ek_weights(
      examples: examples, positions: positions, weights: weights, lengths: lengths, total: total)
    self.squares = squares
    self.rows = rows
  }

  /// Whether there is a variance: at least two rows with weight.
  var haveStatistics: Bool { rows > 1 }

  /// The number m of values that the statistics stand for: Σ w, so that a weight of 2 is the same as two rows; for
  /// fractional weights, Kish's (Σ w)² / Σ w², which is then larger.
  var count: Double { max(view.total, view.total * view.total / squares) }
}
