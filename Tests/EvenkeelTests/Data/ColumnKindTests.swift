import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Testing

@Test func aColumnOfNumbersMayBeCategories() throws {
  let read = try splits(
    ofTable: "zip,a,y\n1010,1,0.5\n2020,2,1.5\n1010,3,2.5\n,4,3.5\n", options: TableOptions(columns: ["zip": .category])
  )
  #expect(read.training.encoding!.featureNames == ["zip=1010", "zip=2020", "a"] && read.warnings.isEmpty)
  #expect(rows(read.training) == [[1, 0, 1], [0, 1, 2], [1, 0, 3], [0, 0, 4]])
  // Even where every row has its own, which is otherwise a name.
  let names = "name,y\n" + (0..<30).map { "n\($0),\(Double($0) / 4)\n" }.joined()
  #expect(try splits(ofTable: names, options: TableOptions(columns: ["name": .category])).training.shape == [30])
}

@Test func textsInAColumnOfNumbersMayBeMissingCells() throws {
  let read = try splits(
    ofTable: "a,y\n1,0.5\n171a,1.5\n3,2.5\nnone,3.5\n", options: TableOptions(columns: ["a": .number]))
  #expect(read.training.encoding!.featureNames == ["a", "a missing"])
  #expect(rows(read.training) == [[1, 0], [2, 1], [3, 0], [2, 1]])
  #expect(
    read.warnings == [
      "t: 2 texts in columns of numbers are taken as missing: \"171a\" (column a, line 3), \"none\" (column a, line 5)."
    ])
  let encoding = try JSONDecoder().decode(
    TableEncoding.self, from: JSONEncoder().encode(read.training.encoding!))
  let predicted = try used("a\n2B\n5\n", by: encoding)
  #expect(rows(predicted.data) == [[2, 1], [5, 0]] && predicted.warnings.count == 1)
}

@Test func aFirstColumnOfNumbersWithAKindIsNoRowNumber() throws {
  let read = try splits(ofTable: ",a,y\n1,7,0.5\n2,8,1.5\n", options: TableOptions(columns: ["": .number]))
  #expect(rows(read.training) == [[1, 7], [2, 8]])
}

@Test func aKindOfAColumnThatHasAnotherRoleIsAnError() throws {
  let table = "a,w,y\n1,1,0.5\n2,1,1.5\n"
  for (kinds, ignored, sentence) in [
    (["q": TableOptions.ColumnKind.number], [String](), "has no column \"q\" to give a kind; it has a, w, y"),
    (["a": .number], ["a"], "the column \"a\" cannot be both ignored and of a kind"),
    (["y": .number], [], "the kind of the column \"y\" cannot be given"),
  ] {
    expectError(sentence, code: .usage) {
      _ = try splits(ofTable: table, ignoring: ignored, options: TableOptions(columns: kinds))
    }
  }
  expectError("t, line 2, column a: expected a date, got \"1\"") {
    _ = try splits(ofTable: table, options: TableOptions(columns: ["a": .date(nil)]))
  }
}

@Test func aMarkerThatIsGivenIsMissingAsWritten() throws {
  let read = try splits(
    ofTable: "a,t,y\n1,none,0.5\n-999,x,1.5\n3,none,2.5\n-999.0,x,-999\n5,x,4.5\n",
    options: TableOptions(missing: ["-999", "none"]))
  // The row whose target is missing is left out.
  #expect(read.training.encoding!.featureNames == ["a", "a missing", "t=x"])
  #expect(rows(read.training) == [[1, 0, 0], [3, 1, 1], [3, 0, 0], [5, 0, 1]])
  #expect(values(read.training) == [0.5, 1.5, 2.5, 4.5])
  let encoding = try JSONDecoder().decode(
    TableEncoding.self, from: JSONEncoder().encode(read.training.encoding!))
  #expect(try rows(used("a,t\n-999,none\n", by: encoding).data) == [[3, 1, 0]])
}

@Test func aModelOfATimeWithoutTheseOptionsIsReadAsItWas() throws {
  let stored =
    #"{"columns":[{"name":"a","kind":{"numeric":{"mean":2,"hasIndicator":false}}},{"name":"t","kind":{"categorical":{"_0":["1,5","x"]}}}],"targetName":"y","classLabels":["0","1"]}"#
  let encoding = try JSONDecoder().decode(TableEncoding.self, from: Data(stored.utf8))
  let read = try used("a,t,y\n1.5,\"1,5\",1\n,x,0.0\n", by: encoding, targets: true)
  #expect(rows(read.data) == [[1.5, 1, 0], [2, 0, 1]] && classes(read.data) == [1, 0] && read.warnings.isEmpty)
  expectError("t, line 2, column a: expected a number, got \"x\"") { _ = try used("a,t\nx,x\n", by: encoding) }
}
