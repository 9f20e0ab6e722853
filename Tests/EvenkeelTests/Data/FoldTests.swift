import Evenkeel
import EvenkeelTestSupport
import Testing

/// 103 targets of three classes, one of them rare.
private let targets = Targets.classes(
  (0..<103).map { $0 % 20 == 3 ? 2 : Int32($0 * 7 % 3 == 0 ? 0 : 1) }, labels: ["a", "b", "c"])

@Test(arguments: [2, 5, 10]) func foldsAreEveryRowOnceAndOfEveryClassTheSameShare(count: Int) throws {
  guard case .classes(let classes, _) = targets else { return }
  for round in 1...2 {
    let folds = try (1...count).map { try Fold($0, of: count, round: round).rows(of: targets, count: 103, seed: 4) }
    #expect(folds.flatMap(\.self).sorted() == Array(0..<103))
    #expect(folds.allSatisfy { $0 == $0.sorted() })
    for numbers in [folds.map(\.count)]
      + (0..<3).map({ label in folds.map { $0.count { classes[$0] == Int32(label) } } })
    {
      #expect(numbers.max()! - numbers.min()! <= 1, "\(numbers)")
    }
  }
  let (first, second) = (try Fold(1, of: count), try Fold(1, of: count, round: 2))
  let rows = try first.rows(of: targets, count: 103, seed: 4)
  #expect(try rows == first.rows(of: targets, count: 103, seed: 4))
  #expect(try rows != second.rows(of: targets, count: 103, seed: 4))
  #expect(try rows != first.rows(of: targets, count: 103, seed: 5))
}

@Test func foldsThatCannotBeAreSentences() {
  expectError("The number of folds is 1; expected at least 2", code: .usage) { _ = try Fold(1, of: 1) }
  expectError("There is no fold 4 of 3", code: .usage) { _ = try Fold(4, of: 3) }
  expectError("2 rows cannot be parted into 3 folds") {
    _ = try Fold(1, of: 3).rows(of: .none, count: 2, seed: 0)
  }
}

/// 40 rows, one of which has no target; the text of row 9 is one of its kind.
private let table =
  "x,kind,y\n"
  + (0..<40).map { "\($0),\($0 == 9 ? "odd" : ["u", "v"][$0 % 2]),\($0 == 5 ? "" : "\(Double($0) + 0.5)")\n" }.joined()

@Test func aFoldLearnsItsEncodingWithoutTheRowsThatItLeavesOut() throws {
  try withTemporaryPath(".csv", containing: table) { path in
    let whole = try Dataset.read(path, test: .share(0))
    #expect(whole.training.count == 39 && whole.trainingRows == (0..<40).filter { $0 != 5 })
    guard case .values(let all, _) = whole.training.targets else { return }
    for number in 1...3 {
      let fold = try Fold(number, of: 3)
      let parts = try Dataset.read(path, validation: .share(0.2), fold: fold, seed: 2)
      let left = try fold.rows(of: whole.training.targets, count: 39, seed: 2)
      guard case .values(let own, _) = parts.test.targets, case .values(let training, _) = parts.training.targets,
        case .values(let held, _) = parts.validation.targets
      else { return }
      #expect(own == left.map { all[$0] } && held.count == 5)
      #expect((own + training + held).sorted() == all.sorted())
      let names = try #require(parts.training.encoding?.featureNames)
      #expect(names.contains { $0.contains("odd") } == training.contains(9.5), "\(names)")
    }
  }
}

@Test func foldsOfArraysAreThoseOfTheirRows() throws {
  try withTemporaryPath(".npy", containing: alignedTable()) { path in
    let whole = try Dataset.read(path, test: .share(0)).training
    let fold = try Fold(2, of: 4)
    let parts = try Dataset.read(path, fold: fold, seed: 3)
    let left = try fold.rows(of: whole.targets, count: whole.count, seed: 3)
    #expect((0..<left.count).allSatisfy { parts.test[$0] == whole[left[$0]] })
    #expect(parts.training.count == 192 && parts.validation.isEmpty)
  }
}
