/// The rows of data that came in one piece, drawn apart at random, each part in rising order.
struct RowSplit {
  private(set) var training: [Int]
  private(set) var validation: [Int]
  private(set) var test: [Int]

  /// - Parameters:
  ///   - validation: The share of what the test leaves.
  ///   - test: The share of all rows.
  init(count: Int, validation: Double, test: Double, seed: UInt64) {
    let rest: [Int]
    (rest, self.test) = Dataset.splitRows(count: count, fraction: test, seed: seed)
    let (kept, held) = Dataset.splitRows(count: rest.count, fraction: validation, seed: seed &+ 1)
    training = kept.map { rest[$0] }
    self.validation = held.map { rest[$0] }
  }

  /// Moves a row of every class that the draw left out of training there; `targets` has an entry for each row of all.
  /// - Returns: Whether any row was moved.
  mutating func bringEveryClassIntoTraining(_ targets: Targets) -> Bool {
    guard case .classes(let classes, _) = targets else { return false }
    var seen = Set(training.map { classes[$0] })
    let moved = classes.indices.filter { seen.insert(classes[$0]).inserted }
    guard !moved.isEmpty else { return false }
    training = (training + moved).sorted()
    validation.removeAll { moved.contains($0) }
    test.removeAll { moved.contains($0) }
    return true
  }
}
