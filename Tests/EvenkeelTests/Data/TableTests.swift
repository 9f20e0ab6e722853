import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

@Test(arguments: [
  ("a,b\n1,2\n3\n", "line 3: expected 2 cells, got 1"),
  ("a,a\n1,2\n", "\"a\" appears twice"),
  ("a,b\n", "no rows"),
  ("", "no rows"),
  ("a,b\n1,0\ninf,1\n", "line 3, column a: expected a finite number, got \"inf\""),
  ("a,b\n1,\"0\n", "line 2: a quoted cell is not closed"),
])
func aDamagedTableIsNamedByLineAndColumn(text: String, sentence: String) throws {
  try withTemporaryPath(".csv", containing: text) { path in
    let error = #expect(throws: EvenkeelError.self) { try Dataset.csv(at: path) }
    #expect(error!.code == EvenkeelError.Code.data && error!.message.contains(sentence), "\(error!.message)")
  }
}

@Test func anUnknownTargetListsTheColumns() throws {
  try withTemporaryPath(".csv", containing: "a,b\n1,0\n2,1\n") { path in
    let error = #expect(throws: EvenkeelError.self) { try Dataset.csv(at: path, target: "c") }
    #expect(error!.code == .usage && error!.message.contains("a, b"))
  }
}

@Test func missingNumbersBecomeTheMeanAndAnIndicatorAndTextBecomesCategories() throws {
  try withTemporaryPath(
    ".csv", containing: "n,t,y\n1,\"red, dark\",0.5\nNA,blue,1.5\n3,blue,2.25\n,\"red, dark\",0.25\n"
  ) { path in
    let training = try Dataset.csv(at: path).training
    #expect(training.encoding!.featureNames == ["n", "n missing", "t=blue", "t=red, dark"])
    #expect(training[0] == [1, 0, 0, 1])
    #expect(training[1] == [2, 1, 1, 0])
    #expect(training[3] == [2, 1, 0, 1])
    guard case .values(let values, _) = training.targets else {
      Issue.record("Numbers that are not whole are a regression.")
      return
    }
    #expect(values == [0.5, 1.5, 2.25, 0.25])
  }
}

@Test func aConstantColumnIsAWarningThatNamesIt() throws {
  try withTemporaryPath(".csv", containing: "a,c,y\n1,5,x\n2,5,z\n3,5,x\n") { path in
    let splits = try Dataset.csv(at: path)
    #expect(splits.warnings.contains { $0.contains("1 column is constant in the training rows: c.") })
  }
}

@Test func aMissingFileHasItsOwnExitCode() throws {
  try withTemporaryFolder { folder in
    let error = #expect(throws: EvenkeelError.self) { try Dataset.read(folder + "/nowhere/at/all.csv") }
    #expect(error!.code == .noInput)
  }
}
