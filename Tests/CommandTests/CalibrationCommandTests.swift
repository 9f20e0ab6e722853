import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

/// A CSV file of 400 rows in two classes, of which a line tells three quarters apart; the rest are drawn.
private let noisyTable: String = {
  var random = RandomNumbers(RandomKey(seed: 9))
  var text = "a,b,class\n"
  for _ in 0..<400 {
    let (a, b, drawn) = (random.normal(), random.normal(), random.uniform())
    let isYes: Bool = drawn < 0.25 ? drawn < 0.1 : a + b > 0.5
    text += "\(a),\(b),\(isYes ? "yes" : "no")\n"
  }
  return text
}()

@Suite(.enabled(if: command != nil, "the command is not built"))
struct CalibrationCommandTests {
  private let quick = [
    "--hidden", "64,64", "--normalization", "none", "--learning-rate", "0.01", "--batch-size", "32", "--epochs", "100",
    "--validation", "0.4", "--quiet", "--patience", "0", "--average", "none", "--dropout", "0", "--weight-decay", "0",
  ]

  @Test func aTemperatureAndAThresholdAreKeptWithTheModel() throws {
    try withTemporaryPath(".csv", containing: noisyTable) { table in
      try withTemporaryPath { path in
        defer { unlink(String(path.dropLast(12)) + ".checkpoint.safetensors") }
        let words = ["train", table, "--output", path, "--threshold-for", "f1"] + quick
        let trained = try run(words)
        #expect(trained.code == 0, "\(trained.errors)")
        let model = try Model(contentsOf: path)
        let temperature = try #require(model.output?.temperature)
        #expect(temperature > 1, "a network that knows its training rows by heart is too sure")
        #expect(trained.output.contains("temperature \(NumberText.plain.significant(temperature, digits: 3)) from 128"))
        let threshold = try #require(model.output?.threshold)
        #expect(trained.output.contains("threshold \(NumberText.plain.fixed(threshold, decimals: 4)) of yes for f1"))
        // predict follows the threshold, unless it is given one.
        for (options, limit) in [([], threshold), (["--threshold", "0.9"], 0.9)] {
          let lines = try run(["predict", path, table, "--probabilities", "yes"] + options).output
          for line in lines.split(separator: "\n").dropFirst() {
            let cells = line.split(separator: ",")
            #expect((cells[0] == "yes") == (Double(cells[1])! >= limit), "\(line)")
          }
        }
        let json = try run(["evaluate", path, table, "--json"]).output
        #expect(json.contains("\"ece\":0.") && json.contains("\"reliability\":[{\"lower\":"), "\(json)")
        #expect(try run(["evaluate", path, table]).output.contains("ECE 0."))
        #expect(try run(["inspect", path]).output.contains("; yes from the probability"))
      }
    }
  }

  @Test func withoutCalibrationProbabilitiesAreAsTrained() throws {
    try withTemporaryPath(".csv", containing: noisyTable) { table in
      let plain = try run(["train", table, "--calibration", "none"] + quick)
      #expect(plain.code == 0 && !plain.output.contains("temperature"), "\(plain)")
      for (options, sentence) in [
        (["--validation", "0", "--calibration", "temperature"], "--calibration needs --validation"),
        (["--validation", "0", "--threshold-for", "f1"], "--threshold-for needs --validation"),
        (
          ["--target", "a", "--calibration", "temperature"], "--calibration temperature is for probabilities of classes"
        ),
        (["--target", "a", "--threshold-for", "f1"], "--threshold-for is for a target of two classes"),
      ] {
        let refused = try run(["train", table] + quick + options)
        #expect(refused.code == 64 && refused.errors.contains(sentence), "\(refused.errors)")
      }
    }
  }
}
