import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Testing

private struct NumberColumns: Decodable {
  struct Column: Decodable {
    let texts: [String]
    let decimal: DecimalMark
    let values: [Double]
  }
  let columns: [Column]
}

@Test func numbersAsPeopleWriteThemAreThoseThatPandasReads() throws {
  for column in (Fixture.json("number_texts.json") as NumberColumns).columns {
    let table = "x;y\n" + column.texts.enumerated().map { "\($1);\($0).25\n" }.joined()
    // The target has a point of its own, so the column alone decides.
    for options in [TableOptions(), TableOptions(columns: ["x": .number])] {
      let read = try splits(ofTable: table, options: options)
      #expect(rows(read.training) == column.values.map { [Float($0)] }, "\(column.texts)")
      #expect(values(read.training).count == column.texts.count && read.warnings.isEmpty)
      let encoding = try #require(read.training.encoding)
      #expect(encoding.decimalCommas == (column.decimal == .comma ? ["x"] : []))
      let again = try used("x\n\"\(column.texts[0])\"\n", by: encoding)
      #expect(rows(again.data) == [[Float(column.values[0])]])
    }
  }
}

@Test(arguments: [
  ("9.5%", 9.5), ("9.5 %", 9.5), ("$1,234.50", 1234.5), ("-$5.25", -5.25), ("$-5.25", -5.25), ("5.25 €", 5.25),
  ("€ 5.25", 5.25), ("£5", 5), ("\u{2212}3.5", -3.5), ("1,234,567", 1_234_567), (".5", 0.5), ("5.", 5), ("1e-3", 0.001),
  ("12\u{a0}345.5", 12345.5),
])
func signsAroundANumberAreNotPartOfIt(text: String, value: Double) throws {
  let read = try splits(ofTable: "x,y\n\"\(text)\",1.5\n0.25,2.5\n")
  #expect(rows(read.training) == [[Float(value)], [0.25]] && read.warnings.isEmpty)
}

@Test(arguments: [
  "1,23,456", "0,123", "1.2.3", "5%%", "$", "%", "1,2345", "12-34", "1 2", "--5", "$5$", "1,234e5", "5 kg",
])
func whatIsNoNumberIsAText(text: String) throws {
  let read = try splits(ofTable: "x,y\n\"\(text)\",1.5\n0.25,2.5\n0.75,3.5\n")
  #expect(read.training.encoding!.featureNames.contains("x=\(text)"), "\(read.training.encoding!.featureNames)")
}

@Test func separatorAndDecimalMarkAreFoundTogether() throws {
  let expected: [[Float]] = [[1.5, 2.5], [2.5, 3.5], [4.25, -3.5]]
  for (separator, mark) in [(";", ","), ("\t", ","), ("|", ","), (";", "."), ("\t", "."), ("|", "."), (",", ".")] {
    for header in ["", ["a", "b", "y"].joined(separator: separator) + "\n"] {
      let text = header + expected.enumerated().map { "\($1[0])\(separator)\($1[1])\(separator)\($0).5\n" }.joined()
      let read = try splits(ofTable: mark == "," ? text.replacing(".", with: ",") : text)
      #expect(rows(read.training) == expected, "\(separator) \(mark)")
      #expect(values(read.training) == [0.5, 1.5, 2.5])
    }
  }
  // Commas in texts part no cells.
  let texts = try splits(ofTable: "a;y\nx, z;1.5\n\"w; v\";2.5\n")
  #expect(texts.training.encoding!.featureNames == ["a=w; v", "a=x, z"])
}

@Test func aColumnThatMayHaveThousandsFollowsTheOthers() throws {
  // Alone, with commas between cells, a comma parts thousands and a point the fraction.
  let point = try splits(ofTable: "a,b,y\n\"5,314\",5.314,1.5\n\"6,123\",6.123,2.5\n")
  #expect(rows(point.training) == [[5314, 5.314], [6123, 6.123]])
  let comma = try splits(ofTable: "a;b;y\n5.314;0,5;1\n6.123;0,7;2\n")
  #expect(rows(comma.training) == [[5314, 0.5], [6123, 0.7]])
  expectError("t, line 2, column a: \"5.314\" may have a decimal mark or thousands; --decimal . or --decimal ,") {
    _ = try splits(ofTable: "a;y\n5.314;1\n6.123;2\n")
  }
  for (mark, value) in [(DecimalMark.comma, Float(5314)), (.point, 5.314)] {
    let read = try splits(ofTable: "a;y\n5.314;1\n6.123;2\n", options: TableOptions(decimal: mark))
    #expect(read.training[0] == [value])
  }
  // What is left out need not be asked for, and texts are none of both.
  #expect(try rows(splits(ofTable: "a;b;y\n5.314;1;1\n6.123;2;2\n", ignoring: ["a"]).training) == [[1], [2]])
  #expect(try splits(ofTable: "a;y\n5.314;1\nx;2\n").training.encoding!.featureNames == ["a=5.314", "a=x"])
}

@Test func aTargetWithDecimalCommasIsANumber() throws {
  let read = try splits(ofTable: "a;price\n1;101,75\n2;1.102,5\n3;99\n")
  #expect(values(read.training) == [101.75, 1102.5, 99])
  let evaluated = try used("a;price\n1;0,5\n", by: read.training.encoding!, targets: true)
  #expect(values(evaluated.data) == [0.5])
}

@Test func aModelAsksForTheDecimalMarkOfItsTraining() throws {
  let encoding = try splits(ofTable: "a;y\n0,5;1,5\n1,25;2,5\n").training.encoding!
  expectError("t, line 2, column a: expected a number with a decimal comma, got \"0.5\"") {
    _ = try used("a;y\n0.5;1.5\n", by: encoding)
  }
  let stored = try JSONDecoder().decode(TableEncoding.self, from: JSONEncoder().encode(encoding))
  #expect(stored == encoding && stored.decimalCommas == ["a", "y"])
}
