/// How the examples of a batch are parted where each part has statistics of its own (Hoffer et al. 2017, algorithm 1).
///
/// A batch of N examples becomes N / size parts, rounded to a whole number, that differ by one example at most, the larger
/// ones first (PyTorch's `tensor_split`): whatever N is, a part has between two thirds of `size` and one and a half times as
/// many, so that all statistics of a batch are about equally noisy. Where `size` divides N every part has `size`. No part
/// is smaller than two examples.
struct GhostBatches: Hashable, Sendable {
  let rows: Int
  /// The number of parts.
  let count: Int

  /// - Parameter size: The examples of a part; nil for a batch in one piece.
  init(rows: Int, size: Int?) {
    self.rows = rows
    guard let size, size < rows else {
      count = 1
      return
    }
    count = max(1, min((2 * rows + size) / (2 * size), rows / 2))
  }

  /// `count` parts, or as many as leave `smallest` examples in each.
  init(rows: Int, count: Int, smallest: Int) {
    self.rows = rows
    self.count = max(1, min(count, rows / smallest))
  }

  /// The examples of part `index`.
  subscript(index: Int) -> Range<Int> {
    let (size, larger) = rows.quotientAndRemainder(dividingBy: count)
    let start = index * size + min(index, larger)
    return start..<start + size + (index < larger ? 1 : 0)
  }
}

extension Network {
  /// - Parameter whole: What has `rows` examples: a batch, or a part of one that has statistics of its own.
  /// - Throws: `EvenkeelError` with code `usage` that names a norm whose ghost batches are larger than that.
  func requireGhostBatches(in rows: Int, of whole: String) throws {
    try walk { layer, name, _ in
      guard let size = (layer as? BatchNorm)?.ghostBatch, size > rows else { return }
      throw EvenkeelError.usage(
        "Layer \(name) (batchNorm): ghostBatch is \(size); expected at most the \(rows) examples of a \(whole).")
    }
  }
}
