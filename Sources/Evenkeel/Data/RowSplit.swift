/// The rows of data that came in one piece, drawn apart at random, each part in rising order.
///
/// Where the targets are classes, every part gets its share of each, and at least one row where the class has so many: training
/// first, then the test, then validation.
struct RowSplit {
  let training: [Int]
  let validation: [Int]
  let test: [Int]

  /// - Parameters:
  ///   - targets: An entry for each row; only classes matter.
  ///   - validation: The share of what the test leaves.
  ///   - test: The share of all rows.
  init(count: Int, targets: Targets, validation: Double = 0, test: Double, seed: UInt64) {
    var classes: [Int32]?
    if case .classes(let indices, _) = targets { classes = indices }
    let rest: [Int]
    (rest, self.test) = Self.halves(Array(0..<count), classes, fraction: test, seed: seed)
    (training, self.validation) = Self.halves(rest, classes, fraction: validation, seed: seed &+ 1)
  }

  /// - Parameters:
  ///   - rows: Those that are not the test, in rising order.
  ///   - validation: The share of them that is drawn.
  init(_ rows: [Int], targets: Targets, validation: Double, test: [Int], seed: UInt64) {
    var classes: [Int32]?
    if case .classes(let indices, _) = targets { classes = indices }
    self.test = test
    (training, self.validation) = Self.halves(rows, classes, fraction: validation, seed: seed &+ 1)
  }

  /// Draws a share of `rows`, of each class where `classes` has an entry for each row of all.
  private static func halves(
    _ rows: [Int], _ classes: [Int32]?, fraction: Double, seed: UInt64
  ) -> (first: [Int], second: [Int]) {
    var order = rows
    var random = RandomNumbers(RandomKey(seed: seed).branch(RandomStream.split))
    random.shuffle(&order)
    let drawn = Int((Double(rows.count) * fraction).rounded())
    guard let classes, drawn > 0 else { return (order[drawn...].sorted(), order[..<drawn].sorted()) }
    var counts: [Int32: Int] = [:]
    for row in rows { counts[classes[row], default: 0] += 1 }
    var left = shares(counts, drawn: drawn)
    var (first, second): ([Int], [Int]) = ([], [])
    for row in order {
      if left[classes[row]]! > 0 {
        left[classes[row]]! -= 1
        second.append(row)
      } else {
        first.append(row)
      }
    }
    return (first.sorted(), second.sorted())
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
