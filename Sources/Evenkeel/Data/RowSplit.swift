/// The rows of data that came in one piece, drawn apart at random, each part in rising order.
///
/// Where the targets are classes, every part gets its share of each, and at least one row where the class has so many: training
/// first, then the test, then validation.
struct RowSplit {
  let training: RowNumbers
  let validation: RowNumbers
  let test: RowNumbers

  /// - Parameters:
  ///   - targets: An entry for each row; only classes matter.
  ///   - validation: The share of what the test leaves.
  ///   - test: The share of all rows.
  init(count: Int, targets: Targets, validation: Double = 0, test: Double, seed: UInt64) {
    var classes: [Int32]?
    if case .classes(let indices, _) = targets { classes = indices }
    let rest: RowNumbers
    (rest, self.test) = Self.halves(RowNumbers(0..<count), classes, fraction: test, seed: seed)
    (training, self.validation) = Self.halves(rest, classes, fraction: validation, seed: seed &+ 1)
  }

  /// - Parameters:
  ///   - rows: Those that are not the test.
  ///   - validation: The share of them that is drawn.
  init(_ rows: RowNumbers, targets: Targets, validation: Double, test: RowNumbers, seed: UInt64) {
    var classes: [Int32]?
    if case .classes(let indices, _) = targets { classes = indices }
    self.test = test
    (training, self.validation) = Self.halves(rows, classes, fraction: validation, seed: seed &+ 1)
  }

  /// Draws a share of `rows`, of each class where `classes` has an entry for each row of all.
  private static func halves(
    _ rows: RowNumbers, _ classes: [Int32]?, fraction: Double, seed: UInt64
  ) -> (first: RowNumbers, second: RowNumbers) {
    let drawn = Int((Double(rows.count) * fraction).rounded())
    guard drawn > 0, let last = rows.last else { return (rows, RowNumbers([])) }
    var order = rows.compact
    var random = RandomNumbers(RandomKey(seed: seed).branch(RandomStream.split))
    random.shuffle(&order)
    var isDrawn = [Bool](repeating: false, count: last + 1)
    if let classes {
      // A class that is not known is −1.
      var left = [Int](repeating: 0, count: Int(classes.max() ?? 0) + 2)
      for row in rows { left[Int(classes[row]) + 1] += 1 }
      let counts = left.indices.filter { left[$0] > 0 }.map { (Int32($0) - 1, left[$0]) }
      for (index, share) in shares(Dictionary(uniqueKeysWithValues: counts), drawn: drawn) {
        left[Int(index) + 1] = share
      }
      for row in order where left[Int(classes[Int(row)]) + 1] > 0 {
        left[Int(classes[Int(row)]) + 1] -= 1
        isDrawn[Int(row)] = true
      }
    } else {
      for row in order[..<drawn] { isDrawn[Int(row)] = true }
    }
    func part(_ belongs: Bool) -> RowNumbers {
      RowNumbers(rows.compact.filter { isDrawn[Int($0)] == belongs })
    }
    order = []
    return (part(false), part(true))
  }

  /// How many rows of each class are drawn: its exact share without the fraction, but at least one, and all but one at most; what
  /// is missing goes to the classes that lost the most.
  private static func shares(_ counts: [Int32: Int], drawn: Int) -> [Int32: Int] {
    let exact = Double(drawn) / Double(counts.values.reduce(0, +))
    var shares = counts.mapValues { count in min(max(Int(Double(count) * exact), 1), count - 1) }
    var missing = drawn - shares.values.reduce(0, +)
    let byLoss = counts.keys.sorted { one, other in
      let losses = [one, other].map { Double(counts[$0]!) * exact - Double(shares[$0]!) }
      return losses[0] == losses[1] ? one < other : losses[0] > losses[1]
    }
    for key in byLoss where missing > 0 && shares[key]! < counts[key]! - 1 {
      shares[key]! += 1
      missing -= 1
    }
    return shares
  }
}
