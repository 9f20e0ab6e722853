import Evenkeel
import EvenkeelTestSupport
import Testing

/// What ranks of which each has a file with one of `texts` read.
private func joined(_ texts: [String], hasHeader: Bool? = nil) throws -> [Result<String, any Error>] {
  try withTemporaryFolder { folder in
    for (rank, text) in texts.enumerated() { writeBytes(Array(text.utf8), to: "\(folder)/part-\(rank).csv") }
    return ThreadRanks.run(texts.count) {
      let all = try RankFiles.joined("\(folder)/part-{rank}.csv", hasHeader: hasHeader, among: $0)
      return String(decoding: all.bytes, as: UTF8.self)
    }
  }
}

private func expectJoined(_ texts: [String], _ whole: String, hasHeader: Bool? = nil) throws {
  for result in try joined(texts, hasHeader: hasHeader) { #expect(try result.get() == whole) }
}

@Test func filesOfRanksAreOneTableUnderOneHeader() throws {
  try expectJoined(["a,b\n1,2\n", "a,b\r\n3,4\r\n5,6", "a,b\n7,8\n"], "a,b\n1,2\n3,4\r\n5,6\n7,8\n")
  try expectJoined(["\u{FEFF}a,b\n1,2\n", "\u{FEFF}a,b\n3,4\n"], "a,b\n1,2\n3,4\n")
  try expectJoined(["\"a\nx\",b\n1,2\n", "\"a\nx\",b\n3,4\n"], "\"a\nx\",b\n1,2\n3,4\n")
}

@Test func theyMayBeUnevenAndEmpty() throws {
  try expectJoined(["a,b\n", "", "a,b\n1,2\n3,4\n5,6\n", " \n", "a,b"], "a,b\n1,2\n3,4\n5,6\n")
}

@Test func withoutHeadersEveryLineIsARow() throws {
  try expectJoined(["1,2\n", "1,2\n3,4\n"], "1,2\n1,2\n3,4\n")
  try expectJoined(["1,2\n9,9\n", "1,2\n3,4\n"], "1,2\n9,9\n3,4\n", hasHeader: true)
  try expectJoined(["{\"a\": 1}\n", "{\"a\": 2}"], "{\"a\": 1}\n{\"a\": 2}\n")
}

@Test func filesThatAreNoOneTableAreRefusedOnAllRanks() throws {
  for result in try joined(["a,b\n1,2\n", "", "b,a\n1,2\n"]) {
    expectError("part-2.csv begins with other columns than ") { _ = try result.get() }
  }
  for text in ["PK\u{3}\u{4}", "PAR1"] {
    for result in try joined(["a,b\n1,2\n", text]) { expectError("Rank 1: ") { _ = try result.get() } }
  }
}
