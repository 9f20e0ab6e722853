import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

/// Two columns that decide the class, and two that are only for people.
private func rows(_ count: Int) -> [String] {
  (0..<count).map { row in
    let (a, b) = (row * 37 % 19 - 9, row * 23 % 17 - 8)
    return "\(row),\"n\(row), x\",\(a),\(b),\(a + b > 0 ? "yes" : "no")"
  }
}

/// Hands `body` a table and a model that was trained on it.
private func withModel(_ words: [String] = [], _ body: (_ table: String, _ model: String) throws -> Void) throws {
  let text = "id,name,a,b,y\n" + rows(300).joined(separator: "\n") + "\n"
  try withTemporaryPath(".csv", containing: text) { table in
    try withTemporaryPath { model in
      defer { unlink(String(model.dropLast(12)) + ".checkpoint.safetensors") }
      let trained = try run(
        [
          "train", table, "--ignore", "id", "--hidden", "8", "--batch-size", "16", "--epochs", "6", "--quiet",
          "--output",
        ]
          + [model] + words)
      try #require(trained.code == 0, "\(trained.errors)")
      try body(table, model)
    }
  }
}

private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

@Suite(.enabled(if: command != nil, "the command is not built"))
struct PredictCommandTests {
  @Test func probabilitiesThresholdAndKeptColumnsAreWritten() throws {
    try withModel { table, model in
      let all = lines(try run(["predict", model, table]).output).map { $0.split(separator: ",").map(String.init) }
      #expect(all[0] == ["prediction", "probability of no", "probability of yes"] && all.count == 301)
      let kept = lines(try run(["predict", model, table, "--keep", "name,id", "--probabilities", "yes"]).output)
      #expect(kept[0] == "name,id,prediction,probability of yes")
      #expect(
        kept.dropFirst().enumerated().allSatisfy { $1 == "\"n\($0), x\",\($0),\(all[$0 + 1][0]),\(all[$0 + 1][2])" })
      for (words, place) in [([], 2), (["--probabilities", "no"], 1)] {
        let found = lines(try run(["predict", model, table, "--threshold", "0.2"] + words).output).dropFirst()
        let (name, other) = (["no", "yes"][place - 1], ["yes", "no"][place - 1])
        let expected = all.dropFirst().map { Double($0[place])! >= 0.2 ? name : other }
        #expect(found.map { $0.split(separator: ",").map(String.init)[0] } == expected)
        #expect(expected != all.dropFirst().map { $0[0] }, "the threshold changes nothing")
      }
      let bare = lines(try run(["predict", model, table, "--probabilities", "none"]).output)
      #expect(bare == all.map { $0[0] })
      for (words, sentence) in [
        (["--probabilities", "maybe"], "has no class \"maybe\"; expected no, yes or none"),
        (["--threshold", "2"], "from 0 to 1"), (["--keep", "q"], "no column \"q\" to keep; it has id, name, a, b, y"),
      ] {
        let refused = try run(["predict", model, table] + words)
        #expect(refused.code == 64 && refused.errors.contains(sentence), "\(refused.errors)")
      }
    }
  }

  @Test func aModelWithOneOutputForTwoClassesKnowsBoth() throws {
    try withModel(["--loss", "sigmoid"]) { table, model in
      let found = lines(try run(["predict", model, table, "--probabilities", "no,yes"]).output).dropFirst()
      for line in found {
        let cells = line.split(separator: ",")
        let (no, yes) = (Double(cells[1])!, Double(cells[2])!)
        #expect(abs(no + yes - 1) < 1e-6 && cells[0] == (yes > 0.5 ? "yes" : "no"))
      }
    }
  }

  /// The producer of rows goes on only once the first prediction was read.
  @Test func predictionsOfAPipeComeBeforeItsEnd() throws {
    try withModel { table, model in
      try withTemporaryFolder { folder in
        let script = """
          mkfifo '\(folder)/go' && { printf 'a,b,name\\n1,2,\\n'; cat '\(folder)/go'; printf '3,4,\\n'; } |
          timeout 60 "$0" "$@" | { read header; read first; echo > '\(folder)/go'; read blank; echo "$header|$first|$blank"; }
          """
        let result = try run(
          ["predict", model, "-", "--probabilities", "none"], variables: ["sh", "-c", script])
        #expect(result.output == "prediction|yes|yes\n", "\(result)")
      }
    }
  }

  @Test func aReaderThatHasEnoughEndsItQuietly() throws {
    try withModel { _, model in
      let text = "a,b,name\n" + (0..<200_000).map { "\($0 % 7),\($0 % 5),\n" }.joined()
      try withTemporaryPath(".csv", containing: text) { table in
        try withTemporaryPath(".code") { code in
          let result = try run(
            ["predict", model, table], variables: ["sh", "-c", "{ \"$0\" \"$@\"; echo $? > '\(code)'; } | head -1"])
          #expect(result.output == "prediction,probability of no,probability of yes\n" && result.errors.isEmpty)
          #expect(String(decoding: try FileBytes(code).copy, as: UTF8.self) == "141\n")
        }
        // In order, and the same in a file as on standard output.
        try withTemporaryPath(".csv") { output in
          let written = try run(["predict", model, table, "--keep", "a,b", "--output", output])
          let shown = try run(["predict", model, table, "--keep", "a,b"])
          let text = String(decoding: try FileBytes(output).copy, as: UTF8.self)
          #expect(written.code == 0 && shown.output == text)
          let kept = lines(shown.output).dropFirst().map { $0.split(separator: ",").prefix(2).map(String.init) }
          #expect(kept == (0..<200_000).map { ["\($0 % 7)", "\($0 % 5)"] })
        }
      }
    }
  }

  @Test func anErrorInTheMiddleLeavesNoFile() throws {
    try withModel { _, model in
      let text = "a,b,name\n" + String(repeating: "1,2,\n", count: 100_000) + "1,two,\n"
      try withTemporaryPath(".csv", containing: text) { table in
        try withTemporaryPath(".csv") { output in
          let result = try run(["predict", model, table, "--output", output])
          #expect(
            result.code == 65 && result.errors.contains("line 100002, column b: expected a number"), "\(result.errors)")
          #expect(access(output, F_OK) != 0)
        }
      }
    }
  }
}
