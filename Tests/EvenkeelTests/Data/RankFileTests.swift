import Evenkeel
import EvenkeelTestSupport
import Testing

/// What ranks of which each has a file with one of `texts` read.
private func joined(
  _ texts: [String], hasHeader: Bool? = nil, read: (@Sendable (FileBytes) throws -> Void)? = nil
) throws -> [Result<String, any Error>] {
  try withTemporaryFolder { folder in
    for (rank, text) in texts.enumerated() { writeBytes(Array(text.utf8), to: "\(folder)/part-\(rank).csv") }
    return ThreadRanks.run(texts.count) {
      try RankFiles.reading("\(folder)/part-{rank}.csv", hasHeader: hasHeader, among: $0) { all in
        if let read { _ = try read(all) }
        return String(decoding: all.bytes, as: UTF8.self)
      }
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

@Test func anErrorNamesTheFileOfARankAndItsLine() throws {
  for row in ["3\n", "3,\"4\n"] {
    for result in try joined(["a,b\n1,2\n", "a,b\n1,2\n\(row)", "a,b\n5,6\n"]) {
      expectError("Rank 1: ") { _ = try result.get() }
      expectError("part-1.csv, line 3: ") { _ = try result.get() }
    }
  }
  // What only the whole table shows.
  let texts = ["a,b\n1,2\n3,4\n", "a,b\n\n5,6\n7,8\n", "a,b\n9,10\n"]
  for (line, place) in [(2, "part-0.csv, line 2"), (4, "part-1.csv, line 3"), (6, "part-2.csv, line 2")] {
    for result in try joined(texts, read: { throw EvenkeelError(.data, "\($0.name), line \(line): wrong.") }) {
      expectError("\(place): wrong.") { _ = try result.get() }
    }
  }
}
