import Evenkeel
import EvenkeelTestSupport
import Testing

@Test func linesOfJSONAreATable() throws {
  let text = #"""
    {"a": 1, "kind": "x", "y": 0.5}
    {"kind": "a \"quoted\", part\nof ü \u00fc \ud83d\ude00", "y": 1.5, "a": -2.5e1}

    { "y" : 2.5 , "late" : true, "a" : null }
    {"a": NaN, "kind": "", "y": 3.5, "late": false}
    """#
  let read = try splits(ofTable: text, target: "y")
  #expect(
    read.training.encoding!.featureNames
      == ["a", "a missing", "kind=a \"quoted\", part\nof ü ü 😀", "kind=x", "late=false", "late=true"])
  #expect(
    rows(read.training) == [
      [1, 0, 0, 1, 0, 0], [-25, 0, 1, 0, 0, 0], [-12, 1, 0, 0, 0, 1], [-12, 1, 0, 0, 1, 0],
    ])
  #expect(values(read.training) == [0.5, 1.5, 2.5, 3.5] && read.warnings.isEmpty)
  // In another order of the keys, as a model is used.
  let predicted = try used("{\"late\": true, \"kind\": \"x\", \"a\": 3}\n", by: read.training.encoding!)
  #expect(rows(predicted.data) == [[3, 0, 0, 1, 0, 1]])
}

@Test func aNumberOfJSONHasADecimalPoint() throws {
  #expect(try splits(ofTable: "{\"a\": 5.314, \"y\": 1.5}\n{\"a\": 6.5, \"y\": 2.5}\n").training[0] == [5.314])
}

@Test(arguments: [
  (#"{"a": 1, "y": {"b": 2}}"#, "t, line 2, key \"y\": expected a number, a text, true, false or null; got an object"),
  (#"{"a": [1], "y": 2}"#, "t, line 2, key \"a\": expected a number, a text, true, false or null; got an array"),
  (#"{"a": 1, "a": 2}"#, "t, line 2: the key \"a\" appears twice"),
  (#"{"a": 1"#, "got the end of the line in place of }"),
  (#"{"a": 1} {"#, "expected the end of the line after a JSON object"),
  (#"{"a": "x"#, "t, line 2: a text is not closed"),
  (#"{"a": "\x"}"#, "\"\\x\" stands for nothing in JSON"), (#"{"a": abc}"#, "got \"abc\""),
  ("[1, 2]", "got \"[1, 2]\" in place of {"),
  (#"{"a" 1}"#, "got \"1}\" in place of :"), (#"{"a": 12x}"#, "got \"12x\""),
])
func aDamagedLineOfJSONIsNamed(line: String, sentence: String) {
  expectError(sentence) { _ = try splits(ofTable: "{\"a\": 1, \"y\": 2}\n" + line + "\n") }
}

@Test func anArrayOfJSONNamesTheWayOut() {
  expectError("it is a JSON array; write its objects one a line") { _ = try splits(ofTable: "[\n{\"a\": 1}]\n") }
}

@Test func damagedLinesOfJSONAreErrorsAndNothingElse() {
  let valid = Array("{\"a\": \"x\\u00fc\", \"b\": 1.5, \"y\": 0}\n{\"a\": null, \"b\": true, \"y\": 1}\n".utf8)
  fuzz(valid) { _ = try Dataset.csv(FileBytes($0, name: "t")) }
}

@Test func damagedTablesInUTF16AreErrorsAndNothingElse() {
  let valid = "\u{feff}a,d,y\nä,2024-01-31,0\nb,2024-02-01,1\nä,\"1.234,5\",0\n".utf16.flatMap {
    [UInt8($0 & 0xff), UInt8($0 >> 8)]
  }
  fuzz(valid) { _ = try Dataset.csv(FileBytes($0, name: "t")) }
}
