/// One fold of a cross-validation: rows that are left out of training, to be judged on.
///
/// In each repeat every row is left out in one fold. Of every class each fold has its share, give or take one row.
public struct Fold: Hashable, Sendable {
  /// Which fold, from 1.
  public let number: Int
  /// The number of folds of a repeat.
  public let count: Int
  /// Which repeat, from 1: each draws its folds anew.
  public let round: Int

  /// Fold `number`, from 1, of `count`; another `round` parts the rows anew.
  /// - Throws: `EvenkeelError` with code `usage` for less than two folds, or a number that is none of them.
  public init(_ number: Int, of count: Int, round: Int = 1) throws {
    guard count >= 2 else {
      throw EvenkeelError.usage("The number of folds is \(count); expected at least 2.")
    }
    guard (1...count).contains(number), round >= 1 else {
      throw EvenkeelError.usage("There is no fold \(number) of \(count) in repeat \(round).")
    }
    (self.number, self.count, self.round) = (number, count, round)
  }

  /// The rows that are left out, in rising order.
  /// - Parameter targets: Those of all rows; only classes matter.
  /// - Throws: `EvenkeelError` with code `data` if there are fewer rows than folds.
  package func rows(of targets: Targets, count rowCount: Int, seed: UInt64) throws -> [Int] {
    guard rowCount >= count else {
      throw EvenkeelError.data("\(rowCount) rows cannot be parted into \(count) folds.")
    }
    var order = Array(0..<rowCount)
    var random = RandomNumbers(RandomKey(seed: seed).branch(RandomStream.split).branch(round))
    random.shuffle(&order)
    if case .classes(let classes, _) = targets {
      // Class after class, so that dealing them out in turn gives every fold its share of each.
      var members: [Int32: [Int]] = [:]
      for row in order { members[classes[row], default: []].append(row) }
      order = members.keys.sorted().flatMap { members[$0]! }
    }
    return stride(from: number - 1, to: rowCount, by: count).map { order[$0] }.sorted()
  }
}

extension RowSplit {
  /// The rows of `fold` are the test; `validation` is drawn from the others.
  init(_ fold: Fold, of count: Int, targets: Targets, validation: Double, seed: UInt64) throws {
    let test = try fold.rows(of: targets, count: count, seed: seed)
    let left = Set(test)
    self.init(
      RowNumbers((0..<count).filter { !left.contains($0) }.map { Int32($0) }), targets: targets, validation: validation,
      test: RowNumbers(test.map { Int32($0) }), seed: seed)
  }
}

extension Dataset {
  /// The targets and weights alone, as examples without a meaning: what predictions are judged by.
  package var withoutFeatures: Dataset {
    var plain = Dataset(
      shape: [1], examples: ExampleStorage(AlignedFloats(count: count), width: 1), targets: targets)
    if weights != nil || lengths != nil { plain.weights = (0..<count).map { weight($0) } }
    return plain
  }
}
