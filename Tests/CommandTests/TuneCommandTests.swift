import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

@Suite(.enabled(if: command != nil, "the command is not built"))
struct TuneCommandTests {
  @Test func theCommandThatTunePrintsRepeatsTheBest() throws {
    try withTemporaryFolder { folder in
      let data = "\(folder)/a table.csv"
      try Model.writeText(smallTable, to: data)
      let words = ["tune", data, "--trials", "3", "--epochs", "3", "--budget", "10m", "--store", folder + "/runs"]
      let result = try run(words + ["--json", "--quiet", "--metric", "log-loss"])
      #expect(result.code == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 4 && lines[0].hasPrefix("{\"rank\":1,\"metric\":\"log-loss\",\"score\":"))
      let score = try #require(Double(lines[0].split(separator: ":")[3].prefix { $0 != "," }))
      #expect(lines[3].contains("evenkeel train '\(data)' --validation 0.1 "), "\(lines[3])")
      // The words between the quoted path and the output.
      let options = lines[3].split(separator: "'")[2].split(separator: " ").prefix { $0 != "--output" }
      let trained = try run(["train", data, "--json", "--quiet"] + options.map(String.init))
      #expect(trained.code == 0, "\(trained.errors)")
      let last = try #require(trained.output.split(separator: "\n").last { $0.contains("\"event\":\"epoch\"") })
      let loss = try #require(last.firstRange(of: "\"validationLoss\":"))
      let found = try #require(Double(last[loss.upperBound...].prefix { $0 != "," }))
      #expect(abs(found - score) < 1e-6, "\(found), not \(score)")
      // Once more nothing is left to do, and people see a table.
      let table = try run(words + ["--metric", "log-loss"])
      #expect(table.code == 0 && table.output.contains("The best again, and kept:\n  evenkeel train"), "\(table)")
    }
  }

  @Test func badRequestsAreSentences() throws {
    try withTemporaryPath(".csv", containing: smallTable) { data in
      try withTemporaryPath(".sqlite") { store in
        for (options, sentence) in [
          (["--budget", "soon"], "--budget is \"soon\""), (["--trials", "0"], "--trials is 0"),
          (["--epochs", "0"], "--epochs is 0"), (["--metric", "rmse"], "--metric rmse does not fit"),
        ] {
          let result = try run(["tune", data, "--store", store] + options)
          #expect(result.code == 64 && result.errors.contains(sentence), "\(result.errors)")
        }
        let short = try run(["tune", data, "--store", store, "--budget", "0.000001s", "--quiet"])
        #expect(short.code == 65 && short.errors.contains("No trial was finished in --budget"), "\(short.errors)")
      }
    }
  }
}
