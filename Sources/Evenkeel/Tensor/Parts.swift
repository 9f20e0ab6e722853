/// Rows divided into consecutive parts that differ by at most one row, larger ones first (PyTorch's `tensor_split`).
///
/// This divides an epoch into batches, and a batch into the parts that are computed at once and into ghost batches:
/// statistics of a norm are about equally noisy in all of them.
struct Parts: Hashable, Sendable {
  /// The rows that are divided.
  let rows: Int
  /// The number of parts.
  let count: Int

  /// Enough parts for each to have at most `largest` rows, but few enough to leave `smallest` in each, which takes
  /// precedence.
  init(rows: Int, largest: Int, smallest: Int = 1) {
    self.init(rows: rows, count: (rows - 1) / largest + 1, smallest: smallest)
  }

  /// Parts of about `size` rows: rows / size of them, rounded to a whole number (Hoffer et al. 2017, algorithm 1).
  ///
  /// Whatever `rows` is, a part has between two thirds of `size` and one and a half times as many, and at least two. If
  /// `size` divides `rows`, every part has `size`.
  init(rows: Int, about size: Int) {
    self.init(rows: rows, count: size < rows ? (2 * rows + size) / (2 * size) : 1, smallest: 2)
  }

  private init(rows: Int, count: Int, smallest: Int) {
    self.rows = rows
    self.count = max(1, min(count, rows / smallest))
  }

  /// The rows of part `index`.
  subscript(index: Int) -> Range<Int> {
    let (size, larger) = rows.quotientAndRemainder(dividingBy: count)
    let start = index * size + min(index, larger)
    return start..<start + size + (index < larger ? 1 : 0)
  }

  /// The part that holds a row.
  func index(ofRow row: Int) -> Int {
    let (size, larger) = rows.quotientAndRemainder(dividingBy: count)
    let inLarger = larger * (size + 1)
    return row < inLarger ? row / (size + 1) : larger + (row - inLarger) / size
  }

  /// The number of rows of the first part, which is the largest, and of the last.
  var largest: Int { self[0].count }
  var smallest: Int { rows / count }
}
