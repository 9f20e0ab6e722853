import Evenkeel
import EvenkeelTestSupport
import Testing

@Suite(.enabled(if: command != nil, "the command is not built"))
struct ImportanceCommandTests {
  @Test func columnsAreSortedByWhatTheyAreWorth() throws {
    try withTemporaryFolder { folder in
      let (table, model, figure) = (folder + "/t.csv", folder + "/m.safetensors", folder + "/figure.svg")
      // The class is the sign of a; b says the same a little, and c nothing.
      let rows = (0..<240).map { row in
        let a = Double((row * 37) % 101) / 10 - 5
        return "\(a),\(a + Double((row * 53) % 97) / 4),\(row % 7),\(a > 0 ? "yes" : "no")\n"
      }
      writeBytes(Array(("a,b,c,answer\n" + rows.joined()).utf8), to: table)
      #expect(
        try run(["train", table, "--epochs", "20", "--hidden", "16", "--quiet", "--output", model]).code == 0)
      let told = try run(["importance", model, table, "--figure", figure])
      #expect(told.code == 0, "\(told)")
      let lines = told.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
      #expect(told.output.hasPrefix("accuracy ") && told.output.contains(" on 240 rows; "))
      #expect(lines[1] == ["column", "worse", "by", "95", "%", "interval"])
      #expect(lines[2][0] == "a" && lines.count == 5)
      #expect(Set(lines[2...].map { $0[0] }) == ["a", "b", "c"])
      let svg = String(decoding: try FileBytes(figure).copy, as: UTF8.self)
      #expect(svg.hasPrefix("<svg") && svg.contains("accuracy is worse by") && svg.contains(">a</text>"))

      let json = try run([
        "importance", model, table, "--json", "--metric", "log-loss", "--repeats", "3", "--seed", "2",
      ])
      let objects = json.output.split(separator: "\n")
      #expect(objects.count == 4 && objects[0].contains(#""metric":"log-loss","value":"#), "\(json)")
      #expect(objects[0].hasSuffix(#""count":240,"repeats":3,"seed":2}"#))
      #expect(objects[1].hasPrefix(#"{"column":"a","drop":"#) && objects[1].contains(#","low":"#))
      #expect(
        try run(["importance", model, table, "--json", "--metric", "log-loss", "--repeats", "3", "--seed", "2"]).output
          == json.output)

      for (options, code, sentence) in [
        ([model, table, "--metric", "rmse"], 64, "does not fit a target of 2 classes"),
        ([model, table, "--repeats", "0"], 64, "expected 1 to 10000"),
        ([model, table, "--figure", table], 64, "is an input of this command"),
        ([model, table, "--figure", folder + "/no/f.svg"], 74, "no/f.svg"),
      ] as [([String], Int32, String)] {
        let refused = try run(["importance"] + options)
        #expect(refused.code == code && refused.errors.contains(sentence), "\(options): \(refused)")
      }
    }
  }

  @Test func imagesAreRefusedInASentence() throws {
    try withTemporaryFolder { folder in
      let model = folder + "/m.safetensors"
      #expect(
        try run([
          "train", "digits", "--epochs", "1", "--hidden", "4", "--batch-size", "5000", "--quiet", "--output", model,
        ])
        .code == 0)
      let refused = try run(["importance", model, "digits"])
      #expect(refused.code == 64 && refused.errors.contains("Importance is that of a table's columns"), "\(refused)")
    }
  }
}
