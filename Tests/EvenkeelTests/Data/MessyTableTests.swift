import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Testing

private func splits(
  _ text: String, target: String? = nil, ignoring: [String] = [], test: Double = 0
) throws -> DatasetSplits {
  try splits(ofTable: text, target: target, ignoring: ignoring, test: test)
}

/// The data of `text`, read with the encoding of a model that was trained on `training`.
private func used(
  _ text: String, after training: String, targets: Bool, ignoring: [String] = []
) throws -> (data: Dataset, warnings: [String]) {
  try used(text, by: splits(training, ignoring: ignoring).training.encoding!, targets: targets)
}

// MARK: Targets

@Test func aRowWithoutItsTargetIsLeftOutAndCounted() throws {
  let table = "a,y\n1,0.5\n2,\n3,1.5\n4,NA\n5,-\n6,2.5\n"
  let read = try splits(table)
  #expect(rows(read.training) == [[1], [3], [6]] && values(read.training) == [0.5, 1.5, 2.5])
  #expect(
    read.warnings.count == 1
      && read.warnings[0].hasSuffix(": 3 rows have no target and are left out, e.g. line 3, line 5."))
  let evaluated = try used(table, after: table, targets: true)
  #expect(rows(evaluated.data) == [[1], [3], [6]] && values(evaluated.data) == [0.5, 1.5, 2.5])
  #expect(evaluated.warnings == ["t: 3 rows have no target and are left out, e.g. line 3, line 5."])
  let predicted = try used(table, after: table, targets: false)
  #expect(rows(predicted.data) == (1...6).map { [Float($0)] } && predicted.warnings.isEmpty)
}

@Test func thePartsOfATableAreThoseOfItsRowsWithTarget() throws {
  let lines = (0..<30).map { "\($0),\(Double($0) / 4)\n" }
  let holes = lines.enumerated().map { $0 % 3 == 1 ? "\($0 + 1000),\n" + $1 : $1 }
  let (whole, holed) = try (splits("a,y\n" + lines.joined(), test: 0.2), splits("a,y\n" + holes.joined(), test: 0.2))
  #expect(rows(whole.training) == rows(holed.training) && rows(whole.test) == rows(holed.test))
  #expect(values(whole.test) == values(holed.test) && holed.test.count == 6)
}

@Test func aTableWithoutAnyTargetIsAnError() throws {
  expectError("the target y is missing in every row") { _ = try splits("a,y\n1,\n2,NA\n") }
  expectError("the target y is missing in every row") {
    _ = try used("a,y\n1,\n", after: "a,y\n1,0.5\n2,1.5\n", targets: true)
  }
}

@Test func aTargetThatIsNotQuiteNumbersIsAnErrorThatNamesTheCells() throws {
  let prices = (1..<9).map { "\($0),\(Double($0) * 7.5)\n" }.joined()
  expectError(
    "the target price is not quite numbers: \"unknown\" in line 10, \"sold\" in line 11. As classes, 10 of 10"
  ) {
    _ = try splits("size,price\n" + prices + "9,unknown\n10,sold\n")
  }
  // Classes, some of which are numbers, stay classes.
  let read = try splits("a,y\n1,4\n2,4\n3,f\n4,f\n5,4\n")
  #expect(read.training.encoding!.classLabels == ["4", "f"] && read.warnings.isEmpty)
  // Prices that repeat are suspicious, but not refused.
  let repeated = try splits(
    "a,y\n" + (0..<40).map { "\($0),\(Double($0 % 9) + 0.5)\n" }.joined() + "41,free\n42,free\n")
  #expect(repeated.training.encoding!.classLabels.count == 10)
  #expect(
    repeated.warnings.count == 1 && repeated.warnings[0].contains("not all of it is numbers: \"free\" in line 42"))
}

@Test func classesOfOneRowLeaveNothingToTestOn() throws {
  let read = try splits("x,name\n" + (0..<9).map { "\($0),Person \($0)\n" }.joined(), test: 0.2)
  #expect(read.test.isEmpty && read.training.count == 9)
  #expect(read.warnings.count == 2)
  #expect(
    read.warnings[0].contains("most classes of the target have one row")
      && read.warnings[0].contains("\"Person 0\" in line 2"))
  #expect(read.warnings[1].hasSuffix("no row is left to test on."))
}

@Test func aDashIsAClassAmongTexts() throws {
  let read = try splits("a,y\n1,+\n2,-\n3,+\n4,-\n5,?\n")
  #expect(read.training.encoding!.classLabels == ["+", "-"] && read.training.count == 4)
  let evaluated = try used("a,y\n1,-\n2,?\n", after: "a,y\n1,+\n2,-\n3,+\n4,-\n", targets: true)
  #expect(classes(evaluated.data) == [1] && evaluated.warnings == ["t: 1 row has no target and is left out: line 3."])
}

// MARK: Cells

@Test(arguments: ["?", "-", ".", "N/A", "n/a", "#N/A", "<NA>", "NA", "NaN", "null", "NULL", ""])
func aMarkerAmongNumbersIsMissing(marker: String) throws {
  let read = try splits("a,b,y\n1,1,0.5\n\(marker),2,1.5\n3,3,2.5\n")
  #expect(read.training.encoding!.featureNames == ["a", "a missing", "b"] && read.warnings.isEmpty)
  #expect(rows(read.training) == [[1, 0, 1], [2, 1, 2], [3, 0, 3]])
  // In a row to be predicted as in training.
  let predicted = try used("a,b\n\(marker),7\n", after: "a,b,y\n1,1,0.5\n3,2,1.5\n", targets: false)
  #expect(rows(predicted.data) == [[2, 7]] && predicted.warnings.isEmpty)
}

@Test(arguments: [("?", false), ("N/A", false), ("#N/A", false), ("-", true), (".", true)])
func aMarkerAmongTextsIsMissingUnlessItMayMeanSomething(marker: String, isCategory: Bool) throws {
  let read = try splits("t,y\nb,0.5\n\(marker),1.5\nc,2.5\n")
  #expect(read.training.encoding!.featureNames == (isCategory ? ["t=\(marker)"] : []) + ["t=b", "t=c"])
  #expect(read.training[1] == (isCategory ? [1, 0, 0] : [0, 0]))
  #expect(read.warnings.isEmpty)
}

@Test func aCategoryOfAnOlderModelStaysOne() throws {
  // Before, a question mark was a category of its own.
  let stored =
    #"{"columns":[{"name":"t","kind":{"categorical":{"_0":["?","b"]}}}],"targetName":"y","classLabels":["?","z"]}"#
  let encoding = try JSONDecoder().decode(TableEncoding.self, from: Data(stored.utf8))
  var warnings: [String] = []
  let data = try Dataset.csv(
    FileBytes(Array("t,y\n?,?\nb,z\n".utf8), name: "t"), encoding: encoding, targets: true, warnings: &warnings)
  #expect(rows(data) == [[1, 0], [0, 1]] && classes(data) == [0, 1] && warnings.isEmpty)
}

@Test func textsAmongNumbersMakeCategories() throws {
  let read = try splits("drv,y\n4,0.5\nf,1.5\n4,2.5\nr,3.5\n,4.5\n")
  #expect(read.training.encoding!.featureNames == ["drv=4", "drv=f", "drv=r"])
  #expect(rows(read.training) == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]])
  #expect(read.warnings.count == 1)
  #expect(
    read.warnings[0].hasSuffix(
      ": 1 column has texts among its numbers and is read as categories: drv (\"f\" in line 3)."))
}

@Test func aTextInTheTestPartAloneMakesCategoriesToo() throws {
  // Wherever the one text lands.
  for place in 0..<10 {
    let text = "a,y\n" + (0..<10).map { "\($0 == place ? "x" : "\($0 % 2)"),\(Double($0) / 4)\n" }.joined()
    let read = try splits(text, test: 0.3)
    let names = read.training.encoding!.featureNames
    #expect(names.prefix(2) == ["a=0", "a=1"])
    let isUnknown = names.count == 2
    #expect(read.warnings.count == (isUnknown ? 2 : 1))
    #expect(!isUnknown || rows(read.test).contains([0, 0]))
  }
}

@Test func warningsOfOneKindAreOneLineWithTwoExamples() throws {
  let training = "t,u,y\nb,b,0.5\nc,c,1.5\nb,c,2.5\n"
  let read = try used("t,u\nd,b\nb,e\nd,f\nc,b\n", after: training, targets: false)
  #expect(
    read.warnings == [
      "t: 3 texts do not occur in the training data, e.g. \"d\" (column t, line 2), \"e\" (column u, line 3)."
    ])
  #expect(rows(read.data) == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0]])
  let constant = try splits("a,b,c,y\n1,2,3,0.5\n1,2,3,1.5\n1,2,3,2.5\n")
  #expect(constant.warnings.count == 1)
  #expect(constant.warnings[0].hasSuffix(": 3 columns are constant in the training rows, e.g. a, b."))
}

// MARK: Columns

@Test(arguments: ["", "\"\"", "Unnamed: 0"], [[0, 1, 2], [1, 2, 3], [4, 9, 2]])
func aFirstColumnThatNumbersTheRowsIsLeftOut(name: String, numbers: [Int]) throws {
  let read = try splits("\(name),a,y\n\(numbers[0]),7,0.5\n\(numbers[1]),8,1.5\n\(numbers[2]),9,2.5\n")
  #expect(read.training.encoding!.featureNames == ["a"] && rows(read.training) == [[7], [8], [9]])
  #expect(read.warnings.count == 1 && read.warnings[0].contains("first column has no name and numbers the rows"))
}

@Test(arguments: [",a,y\n1,7,0.5\n1,8,1.5\n", ",a,y\n1.5,7,0.5\n2,8,1.5\n", "id,a,y\n1,7,0.5\n2,8,1.5\n"])
func aColumnWithANameOrOtherNumbersIsAFeature(table: String) throws {
  #expect(try splits(table).training.encoding!.featureNames.count == 2)
}

@Test func aColumnThatNamesNearlyEveryRowIsLeftOut() throws {
  func table(rows: Int, names: Int) -> String {
    "name,a,y\n" + (0..<rows).map { "n\($0 % names),\($0),\(Double($0) / 4)\n" }.joined()
  }
  let read = try splits(table(rows: 20, names: 19))
  #expect(read.training.encoding!.featureNames == ["a"])
  #expect(read.warnings.count == 1 && read.warnings[0].contains("nearly every row: name (\"n0\" in line 2)"))
  #expect(try splits(table(rows: 20, names: 18)).training.shape == [19])
  #expect(try splits(table(rows: 19, names: 19)).training.shape == [20])
  // 1,600 names were too many categories.
  #expect(try splits(table(rows: 1600, names: 1600)).training.shape == [1])
  expectError("--ignore leaves it out") { _ = try splits(table(rows: 3000, names: 1500)) }
  expectError("every column but the target differs in nearly every row") {
    _ = try splits("name,y\n" + (0..<30).map { "n\($0),\(Double($0) / 4)\n" }.joined())
  }
}

@Test func anIgnoredColumnIsNotUsedAndNeedNotBeThere() throws {
  let table = "a,b,c,y,z\n1,x,5,0.5,9\n2,,6,1.5,9\n3,v,8,2.5,9\n"
  let read = try splits(table, ignoring: ["b", "z"])
  #expect(read.training.encoding!.featureNames == ["a", "c"] && read.training.encoding!.targetName == "y")
  #expect(rows(read.training) == [[1, 5], [2, 6], [3, 8]] && read.warnings.isEmpty)
  for rest in ["a,c\n4,9\n", "b,a,c\nq,4,9\n"] {
    let predicted = try used(rest, after: table, targets: false, ignoring: ["b", "z"])
    #expect(rows(predicted.data) == [[4, 9]] && predicted.warnings.isEmpty)
  }
  expectError("has no column \"q\" to ignore; it has a, b, c, y, z", code: .usage) {
    _ = try splits(table, ignoring: ["q"])
  }
  expectError("cannot be both the target and ignored", code: .usage) {
    _ = try splits(table, target: "y", ignoring: ["y"])
  }
  expectError("no column besides the target is left", code: .data) { _ = try splits("a,y\n1,2\n", ignoring: ["a"]) }
  expectError("no columns with names to ignore", code: .usage) { _ = try Dataset.read("digits", ignoring: ["a"]) }
}

@Test func aColumnWithoutNameAndContentIsLeftOut() throws {
  let read = try splits("a,y,\n1,0.5,\n2,1.5,\n3,2.5,\n")
  #expect(read.training.encoding!.targetName == "y" && rows(read.training) == [[1], [2], [3]] && read.warnings.isEmpty)
}
