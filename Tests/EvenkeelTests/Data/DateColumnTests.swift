import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Testing

private struct DateColumns: Decodable {
  struct Column: Decodable {
    let name: String
    let texts: [String]
    let features: [[Double]]
  }
  let columns: [Column]
}

private func table(_ texts: [String]) -> String {
  "when,y\n" + texts.enumerated().map { "\"\($1)\",\($0).25\n" }.joined()
}

@Test func datesGiveTheFeaturesThatPandasFinds() throws {
  for column in (Fixture.json("dates.json") as DateColumns).columns {
    let read = try splits(ofTable: table(column.texts))
    let encoding = try #require(read.training.encoding)
    #expect(
      encoding.featureNames
        == ["year", "month", "weekday", "day of year sin", "day of year cos", "days"].map { "when \($0)" })
    for (row, expected) in zip(rows(read.training), column.features) {
      for (value, wanted) in zip(row, expected) {
        // A float of a day's number, and one of a sine.
        #expect(abs(Double(value) - wanted) <= max(1, abs(wanted)) * 0x1p-24, "\(column.name): \(row), \(expected)")
      }
    }
    #expect(read.warnings.isEmpty)
    let again = try used(table(column.texts), by: encoding)
    #expect(rows(again.data) == rows(read.training))
  }
}

@Test func aMissingDateIsTheMeanOfTheFeaturesAndAnIndicator() throws {
  let read = try splits(ofTable: table(["2024-01-01", "", "2024-01-03", "NA"]))
  let encoding = try #require(read.training.encoding)
  #expect(encoding.featureNames.last == "when missing")
  #expect(rows(read.training)[0].prefix(3) == [2024, 1, 1] && rows(read.training)[0][5...] == [0, 0])
  #expect(rows(read.training)[1].prefix(3) == [2024, 1, 2] && rows(read.training)[1][5...] == [1, 1])
  // Days are counted from the first training row, before it too.
  let stored = try JSONDecoder().decode(TableEncoding.self, from: JSONEncoder().encode(encoding))
  #expect(try used("when\n2023-12-31\n", by: stored).data[0][5] == -1)
  expectError("t, line 2, column when: expected a date (ymd), got \"soon\"") {
    _ = try used("when\nsoon\n", by: encoding)
  }
}

@Test func theOrderOfADateFollowsFromTheColumnOrIsAskedFor() throws {
  #expect(try splits(ofTable: table(["03/04/2024", "13/04/2024"])).training[0].prefix(2) == [2024, 4])
  #expect(try splits(ofTable: table(["03/04/2024", "03/14/2024"])).training[0].prefix(2) == [2024, 3])
  #expect(try splits(ofTable: table(["03.04.05", "04.05.06"])).training[0].prefix(2) == [2005, 4])
  let open = table(["03/04/05", "04/05/06"])
  expectError(
    "t, line 2, column when: \"03/04/05\" may be several dates; --column 'when=date:ymd' or date:dmy or date:mdy"
  ) { _ = try splits(ofTable: open) }
  for (order, start) in [(DateOrder.ymd, [Float(2003), 4]), (.dmy, [2005, 4]), (.mdy, [2005, 3])] {
    let read = try splits(ofTable: open, options: TableOptions(columns: ["when": .date(order)]))
    #expect(Array(read.training[0].prefix(2)) == start)
  }
  expectError("t, line 3, column when: expected a date, got \"04/15/06\"") {
    _ = try splits(
      ofTable: table(["03/04/05", "04/15/06"]), options: TableOptions(columns: ["when": .date(.dmy)]))
  }
}

@Test(arguments: [
  "2024-02-30", "2023-02-29", "31.4.2024", "1.2.3", "195/60/15", "10.1.2.3", "2024-13-01", "2024-1", "0000-01-01",
  "24:00", "Janet 5, 2024", "2024-01-01 25:00", "2024-01-01 noon", "2024-01-01T", "5/6", "12-34-5678-9",
])
func whatIsNoDayOfTheCalendarIsAText(text: String) throws {
  let read = try splits(ofTable: table([text, text, "x"]))
  #expect(read.training.encoding!.featureNames == ["when=\(text)", "when=x"])
  let alone = try splits(ofTable: table([text, text]))
  #expect(alone.training.encoding!.featureNames == ["when=\(text)"])
}
