import Evenkeel
import EvenkeelTestSupport
import Testing

/// 103 targets of three classes, one of them rare.
private let classes: [Int32] = (0..<103).map { (row: Int) -> Int32 in
  if row % 20 == 3 { return 2 }
  return row * 7 % 3 == 0 ? 0 : 1
}
private let targets = Targets.classes(classes, labels: ["a", "b", "c"])

@Test(arguments: [2, 5, 10]) func foldsAreEveryRowOnceAndOfEveryClassTheSameShare(count: Int) throws {
  for round in 1...2 {
    let folds = try (1...count).map { try Fold($0, of: count, round: round).rows(of: targets, count: 103, seed: 4) }
    #expect(folds.flatMap(\.self).sorted() == Array(0..<103))
    #expect(folds.allSatisfy { $0 == $0.sorted() })
    var numbers: [[Int]] = [folds.map(\.count)]
    for label: Int32 in 0..<3 { numbers.append(folds.map { rows in rows.count { classes[$0] == label } }) }
    #expect(numbers.allSatisfy { $0.max()! - $0.min()! <= 1 }, "\(numbers)")
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
private let table: String = {
  var text = "x,kind,y\n"
  for row in 0..<40 {
    let kind: String = row == 9 ? "odd" : row % 2 == 0 ? "u" : "v"
    text += "\(row),\(kind)," + (row == 5 ? "" : "\(row).5") + "\n"
  }
  return text
}()

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
