import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

private let settings = ["--epochs", "2", "--hidden", "4", "--threads", "1"]

/// Runs the command with `path` on its standard input, through a pipe.
private func piped(
  _ arguments: [String], _ path: String
) throws -> (code: Int32, output: String, errors: String) {
  try run(arguments, variables: ["sh", "-c", "cat '\(path)' | \"$0\" \"$@\""])
}

/// How well the model of a run does on the test part.
private func quality(_ output: String) -> Substring? { output.split(separator: "\n").first { $0.hasPrefix("test: ") } }

@Suite(.enabled(if: command != nil, "the command is not built"))
struct EncodeCommandTests {
  @Test func anEncodedTableIsTrainedOnEvaluatedAndDescribedAndGivesTheSameModel() throws {
    try withTemporaryFolder { folder in
      let (table, encoded) = (folder + "/t.csv", folder + "/t.ekdata")
      let (one, other) = (folder + "/one.safetensors", folder + "/other.safetensors")
      writeBytes(Array(smallTable.utf8), to: table)
      let made = try run(["encode", table, "--validation", "0.1", "--output", encoded])
      #expect(made.code == 0 && made.errors.isEmpty, "\(made.errors)")
      let lines = made.output.split(separator: "\n")
      #expect(lines.first == "\(table): 300 rows, 216 to train on, 24 to validate on, 60 to test on")
      #expect(lines.last?.hasPrefix("\(encoded): ") == true)

      let expected = try run(["train", table, "--validation", "0.1", "--output", one] + settings)
      let told = try run(["train", encoded, "--output", other] + settings)
      #expect(told.code == 0, "\(told.errors)")
      #expect(quality(told.output) != nil && quality(told.output) == quality(expected.output))
      #expect(try FileBytes(other).copy == FileBytes(one).copy)

      let evaluated = try run(["evaluate", one, encoded])
      #expect(evaluated.code == 0 && evaluated.output.contains("60"), "\(evaluated.errors)\(evaluated.output)")
      let described = try run(["describe", encoded])
      #expect(described.output.contains("\na") && described.output.contains("the target, 2 classes"))
      let predicted = try run(["predict", one, encoded])
      #expect(predicted.code == 64 && predicted.errors.contains("predictions need the table itself"))
      let chosen = try run(["train", encoded, "--target", "a"])
      #expect(chosen.code == 64 && chosen.errors.contains("were chosen by encode"))
    }
  }

  @Test func tablesOnStandardInputAreTrainedOnEvaluatedDescribedAndEncoded() throws {
    try withTemporaryFolder { folder in
      let (table, one, other) = (folder + "/t.csv", folder + "/one.safetensors", folder + "/other.safetensors")
      writeBytes(Array(smallTable.utf8), to: table)
      let expected = try run(["train", table, "--output", one] + settings)
      let told = try piped(["train", "-", "--output", other] + settings, table)
      #expect(told.code == 0 && told.errors.hasPrefix("standard input: 300 rows, 240 to train on"), "\(told.errors)")
      #expect(quality(told.output) != nil && quality(told.output) == quality(expected.output))
      #expect(try FileBytes(other).copy == FileBytes(one).copy)
      for (arguments, from) in [(["evaluate", one], 0), (["describe"], 1), (["encode"], 1)] {
        func options(_ name: String) -> [String] {
          arguments[0] == "encode" ? ["--output", "\(folder)/\(name).ekdata"] : []
        }
        let whole = try run(arguments + [table] + options("whole"))
        let part = try piped(arguments + ["-"] + options("piped"), table)
        #expect(part.code == 0, "\(part.errors)")
        let last = arguments[0] == "encode" ? 1 : 0
        let (ofWhole, ofPart) = (whole.output.split(separator: "\n"), part.output.split(separator: "\n"))
        #expect(ofWhole.dropFirst(from).dropLast(last) == ofPart.dropFirst(from).dropLast(last))
      }
    }
  }

  @Test func whatCannotBeWrittenWholeLeavesNothing() throws {
    try withTemporaryFolder { folder in
      let (table, encoded) = (folder + "/t.csv", folder + "/t.ekdata")
      writeBytes(Array(smallTable.utf8), to: table)
      // Two kB are less than the file would take.
      let result = try run(
        ["encode", table, "--output", encoded], variables: ["sh", "-c", "ulimit -f 2; exec \"$0\" \"$@\""])
      #expect(result.code == 74, "\(result.errors)")
      #expect(result.errors.hasPrefix("evenkeel: \(encoded) cannot be written: "))
      #expect(try names(folder) == ["t.csv"])
    }
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGKILL])
  func aKilledProcessLeavesNothing(signal: Int32) throws {
    try withTemporaryFolder { folder in
      let encoded = folder + "/t.ekdata"
      var random = UInt64(1)
      let rows = (0..<120_000).map { row -> String in
        random = random &* 6_364_136_223_846_793_005 &+ 1
        return "\(random >> 40),\(random >> 30 & 0xfff),\(row % 2)\n"
      }
      writeBytes(Array(("a,b,c\n" + rows.joined()).utf8), to: folder + "/t.csv")
      let process = try start(
        ["encode", folder + "/t.csv", "--output", encoded], output: nil, errors: "/dev/null")
      usleep(UInt32.random(in: 5000...60_000))
      kill(process, signal)
      _ = end(process)
      // It may have been done before.
      #expect(try Set(names(folder)).isSubset(of: ["t.csv", "t.ekdata"]))
      if access(encoded, F_OK) == 0 { _ = try Dataset.read(encoded) }
    }
  }

  private func names(_ folder: String) throws -> [String] {
    let stream = try #require(opendir(folder))
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
