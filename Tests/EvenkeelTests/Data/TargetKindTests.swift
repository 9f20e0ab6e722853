import Evenkeel
import EvenkeelTestSupport
import Testing

/// A table whose target has each value so often.
private func table(_ counts: [(value: String, rows: Int)]) -> String {
  "a,y\n"
    + counts.flatMap { Array(repeating: $0.value, count: $0.rows) }.enumerated().map { "\($0),\($1)\n" }.joined()
}

private func labels(_ counts: [(value: String, rows: Int)], _ task: TableOptions.Task? = nil) throws -> [String] {
  try splits(ofTable: table(counts), options: TableOptions(task: task)).training.encoding!.classLabels
}

@Test func wholeNumbersAreClassesWhereTheyAreFewAndCloseAndDoNotCount() throws {
  let digits = (0...9).map { (value: "\($0)", rows: 20) }
  #expect(try labels(digits) == (0...9).map { "\($0)" })
  #expect(try labels([("1", 30), ("2", 50), ("3", 20)]) == ["1", "2", "3"])
  #expect(try labels([("-1", 30), ("0", 50), ("1", 20)]) == ["-1", "0", "1"])
  // Types 1 to 7 without 4, as in a table of glass.
  #expect(try labels([("1", 70), ("2", 76), ("3", 17), ("5", 13), ("6", 9), ("7", 29)]).count == 6)
  // Two values are classes, however far apart or few.
  #expect(try labels([("0", 3), ("100", 3)]) == ["0", "100"])
  #expect(try labels([("0.0", 3), ("1.0", 3)]) == ["0", "1"])
  // Eleven values are a score, years and sizes are far apart.
  #expect(try labels(digits + [("10", 20)]).isEmpty)
  #expect(try labels([("2", 90), ("4", 90), ("8", 90), ("16", 90)]).isEmpty)
  #expect(try labels([("1", 2), ("2", 2), ("3", 2), ("4", 2)]).isEmpty)
  #expect(try labels([("0.5", 50), ("1", 50), ("2", 50)]).isEmpty)
  // Visits to a doctor are counted.
  #expect(try labels([("0", 100), ("1", 47), ("2", 30), ("3", 7), ("4", 4), ("6", 1)]).isEmpty)
  #expect(try labels([("0", 100), ("1", 47), ("2", 50), ("3", 7), ("4", 4), ("6", 1)]).count == 6)
  #expect(try labels([("0", 100), ("1", 50), ("2", 25), ("3", 12)]).count == 4)
}

@Test func aTaskOverrulesWhatWholeNumbersSeemToBe() throws {
  let three = [(value: "1", rows: 30), (value: "2", rows: 50), (value: "3", rows: 20)]
  let read = try splits(ofTable: table(three), options: TableOptions(task: .regression))
  #expect(values(read.training).reduce(0, +) == 190 && read.targetReason == nil)
  let scores = (0...10).map { (value: "\($0)", rows: 20) }
  #expect(try labels(scores, .classification).count == 11)
  #expect(try labels([("0.5", 10), ("1.50", 10)], .classification) == ["0.5", "1.5"])
  expectError("the target y of a regression must be numbers; got \"no\" in line 3") {
    _ = try labels([("1", 1), ("no", 3)], .regression)
  }
  expectError("its targets are classes, so it is no regression", code: .usage) {
    _ = try Dataset.read("digits", options: TableOptions(task: .regression))
  }
}

@Test func theReasonOfAChoiceNamesTheOption() throws {
  let reasons = try [
    [("1", 30), ("2", 50), ("3", 20)], (0...10).map { ("\($0)", 20) }, [("2", 90), ("40", 90), ("8", 90)],
    [("0", 100), ("1", 47), ("2", 30), ("3", 7), ("4", 4)],
  ].map { try splits(ofTable: table($0)).targetReason ?? "" }
  #expect(
    reasons == [
      "as it is 3 whole numbers; --task regression makes it a number",
      "as it is 11 different whole numbers in 220 rows; --task classification makes them classes",
      "as its whole numbers reach from 2 to 40; --task classification makes them classes",
      "as it seems to count: from 0 to 4, each rarer than the one before; --task classification makes them classes",
    ])
  #expect(try splits(ofTable: "a,y\n1,x\n2,z\n3,x\n").targetReason == nil)
}

@Test func aTableOfNumPyFollowsTheSameRule() throws {
  let bytes = npy([120, 2], floats: (0..<120).flatMap { [Float($0), Float($0 % 12)] })
  try withTemporaryPath(".npy", containing: bytes) { path in
    let score = try Dataset.read(path, test: .share(0))
    #expect(values(score.training).count == 120 && score.targetReason?.contains("12 different whole numbers") == true)
    let forced = try Dataset.read(path, options: TableOptions(task: .classification), test: .share(0))
    #expect(forced.training.outputCount == 12 && classes(forced.training)[11] == 11)
    expectError("a decimal mark can be given for a CSV file only", code: .usage) {
      _ = try Dataset.read(path, options: TableOptions(decimal: .comma))
    }
  }
}
