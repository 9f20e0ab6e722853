import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

@Suite(.enabled(if: command != nil, "the command is not built"))
struct FoldCommandTests {
  private let quick = ["--hidden", "8", "--batch-size", "16", "--epochs", "4"]

  /// The numbers of a key in lines of JSON.
  private func numbers(_ key: String, _ text: String) -> [Double] {
    var found: [Double] = []
    for line in text.split(separator: "\n") {
      guard let place = line.firstRange(of: "\"\(key)\":") else { continue }
      let digits: Substring = line[place.upperBound...].prefix { !",}]".contains($0) }
      if let number = Double(digits) { found.append(number) }
    }
    return found
  }

  @Test func foldsGiveTheirMeanAStandardErrorAndAPredictionOfEveryRow() throws {
    // Row 3 has no target and is left out.
    var lines = smallTable.split(separator: "\n").map(String.init)
    lines[4] = "0.5,1,"
    let table: String = lines.joined(separator: "\n")
    try withTemporaryFolder { folder in
      let (data, model, rows) = ("\(folder)/t.csv", "\(folder)/m.safetensors", "\(folder)/rows.csv")
      try Model.writeText(table + "\n", to: data)
      let words = ["train", data, "--folds", "3", "--repeats", "2", "--output", model, "--out-of-fold", rows] + quick
      let trained = try run(words + ["--json"])
      #expect(trained.code == 0, "\(trained.errors)")
      let values = numbers("value", trained.output)
      #expect(values.count == 6 && numbers("examples", trained.output).prefix(3).reduce(0, +) == 299)
      let mean: Double = values.reduce(0, +) / 6
      let squares: [Double] = values.map { ($0 - mean) * ($0 - mean) }
      let variance: Double = squares.reduce(0, +) / 5
      #expect(abs(numbers("mean", trained.output)[0] - mean) < 1e-12)
      #expect(abs(numbers("standardError", trained.output)[0] - (variance / 3).squareRoot()) < 1e-12)

      // Every row with a target, in order, with the mean of both repeats.
      let written = String(decoding: try FileBytes(rows).copy, as: UTF8.self).split(separator: "\n")
      #expect(written[0] == "row,fold 1,fold 2,target,prediction,probability of high,probability of low")
      let cells = written.dropFirst().map { $0.split(separator: ",").map(String.init) }
      let rowNumbers: [Int] = cells.map { Int($0[0])! }
      #expect(rowNumbers == (0..<300).filter { $0 != 3 })
      #expect(cells.allSatisfy { (1...3).contains(Int($0[1])!) && (1...3).contains(Int($0[2])!) })
      let right = cells.count { $0[3] == $0[4] }
      let accuracy = numbers("accuracy", trained.output)[0]
      #expect(abs(accuracy - Double(right) / 299) < 1e-12, "\(accuracy), not \(right) of 299")

      // The file predicts the mean of six models.
      #expect(try ModelEnsemble(contentsOf: model).members.count == 6)
      let predicted = try run(["predict", model, data])
      #expect(predicted.code == 0 && predicted.output.split(separator: "\n").count == 301, "\(predicted.errors)")
      #expect(try run(["evaluate", model, data]).output.contains("ROC-AUC"))
      let inspected = try run(["inspect", model])
      #expect(inspected.output.contains("model 6 of 6, whose predictions are averaged"), "\(inspected)")
      let refused = try run(["recalibrate", model, data, "--output", folder + "/new.safetensors"])
      #expect(refused.code == 65 && refused.errors.contains("it holds models whose predictions are averaged"))
      #expect(try run(words + ["--quiet"]).output.contains("accuracy over 3 folds, repeated 2 times: "))
    }
  }

  @Test func foldsOfARegressionStopEarlyAndAreTested() throws {
    try withTemporaryPath(".csv", containing: smallTable) { data in
      let words = ["train", data, "--folds", "2", "--target", "a", "--validation", "0.2", "--patience", "1"]
      let result = try run(words + ["--test", data, "--json", "--quiet", "--metric", "mae"] + quick)
      #expect(result.code == 0, "\(result.errors)")
      #expect(numbers("value", result.output).count == 2 && result.output.contains("\"metric\":\"mae\""))
      #expect(result.output.contains("\"test\":{\"loss\":"))
    }
  }

  @Test func aThresholdIsChosenOutOfFold() throws {
    try withTemporaryPath(".csv", containing: smallTable) { data in
      try withTemporaryPath { model in
        let words = ["train", data, "--folds", "3", "--threshold-for", "f1", "--output", model, "--quiet"]
        let result = try run(words + quick)
        #expect(result.code == 0 && result.output.contains(" on 300 rows out of fold"), "\(result)")
        #expect(try ModelEnsemble(contentsOf: model).output?.threshold != nil)
      }
    }
  }

  @Test func optionsThatFoldsDoNotHaveAreSentences() throws {
    try withTemporaryPath(".csv", containing: smallTable) { data in
      for (options, sentence) in [
        (["--folds", "1"], "--folds is 1; expected 2 to"),
        (["--folds", "2", "--repeats", "0"], "--repeats is 0"),
        (["--repeats", "2"], "--repeats needs --folds"),
        (["--out-of-fold", "/tmp/x.csv"], "--out-of-fold needs --folds"),
        (["--folds", "3", "--validation", data], "--folds takes --validation as a share"),
        (["--folds", "3", "--patience", "2", "--validation", "0"], "--patience needs --validation"),
        (["--folds", "3", "--resume", data], "keeps no checkpoint"),
        (["--folds", "3", "--out-of-fold", data], "is an input of this command"),
      ] {
        let result = try run(["train", data] + options + quick)
        #expect(result.code == 64 && result.errors.contains(sentence), "\(result.errors)")
      }
      let many = try run(["train", data, "--folds", "301"] + quick)
      #expect(many.code == 65 && many.errors.contains("300 rows cannot be parted into 301 folds"), "\(many.errors)")
    }
  }
}
