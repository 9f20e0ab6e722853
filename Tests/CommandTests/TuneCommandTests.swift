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
      let words = [
        "tune", data, "--task", "classification", "--trials", "3", "--epochs", "3", "--budget", "10m", "--store",
        folder + "/runs",
      ]
      let result = try run(words + ["--json", "--quiet", "--metric", "log-loss"])
      #expect(result.code == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 4 && lines[0].hasPrefix("{\"rank\":1,\"metric\":\"log-loss\",\"score\":"))
      let score = try #require(Double(lines[0].split(separator: ":")[3].prefix { $0 != "," }))
      let start = "evenkeel train '\(data)' --task classification "
      #expect(lines[3].contains(start + "--members 1 --numeric "), "\(lines[3])")
      #expect(lines[3].contains("\"averaged\":\"" + start + "--numeric "), "\(lines[3])")
      // The words between the quoted path and the output.
      let options = lines[3].split(separator: "'")[2].split(separator: " ").prefix { $0 != "--output" }
      let trained = try run(["train", data, "--json", "--quiet"] + options.map(String.init))
      #expect(trained.code == 0, "\(trained.errors)")
      let found = try values(of: "validationMetric", in: trained.output).min()
      #expect(abs(try #require(found) - score) < 1e-6, "\(trained.output), not \(score)")
      // Once more nothing is left to do, and people see a table.
      let table = try run(words + ["--metric", "log-loss"])
      #expect(table.code == 0 && table.output.contains("The best again, and kept:\n  evenkeel train"), "\(table)")
      #expect(table.output.contains("(the defaults)\n") && table.output.contains("as 8 networks"), "\(table)")
    }
  }

  @Test func forDataThatIsNoTableItRepeatsTheLastEpoch() throws {
    try withTemporaryFolder { folder in
      let data = folder + "/pairs.npz"
      let pairs = (0..<120).map { ($0 * 37 % 101, $0 * 53 % 97) }
      writeBytes(
        npz([
          "x": npy([120, 2], floats: pairs.flatMap { [Float($0), Float($1)] }),
          "y": npy([120], integers: pairs.map { $0 > $1 ? 1 : 0 }),
        ]), to: data)
      let result = try run([
        "tune", data, "--trials", "2", "--epochs", "2", "--budget", "10m", "--store", folder + "/runs", "--json",
        "--quiet", "--metric", "log-loss",
      ])
      #expect(result.code == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n")
      let score = try #require(Double(lines[0].split(separator: ":")[3].prefix { $0 != "," }))
      let command = try #require(lines.last).split(separator: "\"")[3].split(separator: " ")
      #expect(command.prefix(5) == ["evenkeel", "train", data[...], "--validation", "0.1"], "\(command)")
      let options = command.dropFirst(3).prefix { $0 != "--output" }.map(String.init)
      let trained = try run(["train", data, "--json", "--quiet"] + options)
      let found = try values(of: "validationLoss", in: trained.output).last
      #expect(abs(try #require(found) - score) < 1e-6, "\(trained.output) \(trained.errors), not \(score)")
    }
  }

  /// The numbers of a key in the events of epochs.
  private func values(of key: String, in output: String) throws -> [Double] {
    try output.split(separator: "\n").filter { $0.contains("\"event\":\"epoch\"") }.map { line in
      let place = try #require(line.firstRange(of: "\"\(key)\":"))
      return try #require(Double(line[place.upperBound...].prefix { $0 != "," && $0 != "}" }))
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
