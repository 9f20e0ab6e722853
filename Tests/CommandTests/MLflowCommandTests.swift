import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Glibc
import Testing

/// What `mlflow_stub.py` was told.
private struct Told: Decodable {
  struct Metric: Decodable {
    let key: String
    let value: Double
    let step: Int
  }
  struct Run: Decodable {
    let status: String
    let tags, params: [String: String]
    let metrics: [Metric]
  }
  let experiments: [String: String]
  let runs: [String: Run]
  let calls: [String]
  let sizes: [Int]
}

/// A server of the test's own, which ends with it.
private func withServer(_ body: (_ url: String, _ folder: String, _ told: () throws -> Told) throws -> Void) throws {
  try withTemporaryFolder { folder in
    try Python.whileRunning("mlflow_stub.py", [folder]) {
      for _ in 0..<3_000 where access(folder + "/port", F_OK) != 0 { usleep(20_000) }
      let port = String(decoding: try FileBytes(folder + "/port").copy, as: UTF8.self)
      try body("http://127.0.0.1:\(port)", folder) {
        try JSONDecoder().decode(Told.self, from: Data(FileBytes(folder + "/state.json").copy))
      }
    }
  }
}

private let settings = [
  "--validation", "0.2", "--hidden", "8", "--batch-size", "16", "--patience", "0", "--average", "none", "--schedule",
  "constant", "--quiet",
]

@Suite(.enabled(if: command != nil && Python.has("json"), "the command is not built, or there is no Python"))
struct MLflowCommandTests {
  @Test func aRunAndTheOneThatGoesOnAreOneInMLflow() throws {
    try withTemporaryPath(".csv", containing: smallTable) { table in
      try withServer { url, folder, told in
        let (model, log) = (folder + "/m.safetensors", folder + "/run.jsonl")
        let words =
          ["train", table] + settings
          + ["--output", model, "--log", log, "--mlflow", url, "--mlflow-experiment", "small table"]
        let first = try run(words + ["--epochs", "2"])
        #expect(first.code == 0 && first.errors.isEmpty, "\(first.errors)")
        #expect(try told().runs["run1"]?.status == "FINISHED")
        let second = try run(words + ["--epochs", "4", "--resume", folder + "/m.checkpoint.safetensors"])
        #expect(second.code == 0 && second.errors.isEmpty, "\(second.errors)")
        let all = try told()
        let kept = try #require(all.runs["run1"])
        #expect(all.runs.count == 1 && all.experiments.keys.sorted() == ["small table"] && kept.status == "FINISHED")
        #expect(kept.params["batch_size"] == "16" && kept.params["schedule"] == "constant")
        #expect(kept.tags["mlflow.source.name"]?.hasPrefix("evenkeel train ") == true)
        struct Line: Decodable {
          let event: String
          let step: Int
          let loss, trainLoss, validationLoss: Double?
        }
        let lines = try String(decoding: FileBytes(log).copy, as: UTF8.self).split(separator: "\n")
          .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        func series(_ key: String) -> [[Double]] {
          kept.metrics.filter { $0.key == key }.map { [Double($0.step), $0.value] }
        }
        func logged(_ value: (Line) -> Double?) -> [[Double]] {
          lines.compactMap { line in value(line).map { [Double(line.step), $0] } }
        }
        #expect(series("train/loss") == logged { $0.loss ?? $0.trainLoss })
        #expect(series("validation/loss") == logged(\.validationLoss) && series("validation/loss").count == 4)
        #expect(kept.metrics.count { $0.key.hasPrefix("norm/") && $0.key.hasSuffix("/running_lag") } == 4)
        #expect(series("test/loss").count == 2)
        #expect(all.sizes.allSatisfy { $0 <= 1_000 })
      }
    }
  }

  @Test func aRunThatIsStoppedIsKilledInMLflow() throws {
    try withTemporaryPath(".csv", containing: smallTable) { table in
      try withServer { url, folder, told in
        let process = try start(
          ["train", table] + settings + ["--epochs", "1000000", "--mlflow", url], output: folder + "/out",
          errors: folder + "/errors")
        #expect(wait(for: process) { (try? told().runs["run1"]?.metrics.isEmpty) == false })
        kill(process, SIGTERM)
        #expect(end(process) >> 8 == 130)
        #expect(try told().runs["run1"]?.status == "KILLED")
      }
    }
  }

  @Test func aServerThatIsNotThereCostsOneWarning() throws {
    try withTemporaryPath(".csv", containing: smallTable) { table in
      try withServer { url, folder, _ in
        func train(_ name: String, _ words: [String]) throws -> (code: Int32, errors: String, model: [UInt8]) {
          let model = "\(folder)/\(name).safetensors"
          let result = try run(["train", table] + settings + ["--epochs", "3", "--output", model] + words)
          return (result.code, result.errors, try FileBytes(model).copy)
        }
        // A run with a log trains one network.
        let plain = try train("m", ["--log", folder + "/run.jsonl"])
        // Nobody listens at port 1.
        let alone = try train("m", ["--mlflow", "http://user:word@127.0.0.1:1"])
        #expect(alone.code == 0 && alone.model == plain.model)
        #expect(alone.errors.hasPrefix("evenkeel: warning: MLflow at http://127.0.0.1:1: "), "\(alone.errors)")
        #expect(alone.errors.split(separator: "\n").count == 1 && !alone.errors.contains("word"))
        writeBytes(Array("no room left".utf8), to: folder + "/refuse")
        let refused = try train("m", ["--mlflow", url])
        #expect(refused.code == 0 && refused.model == plain.model)
        #expect(refused.errors == "evenkeel: warning: MLflow at \(url): no room left; the run goes on without it.\n")
      }
    }
  }

  @Test func whatIsNoServerIsAnErrorBeforeTraining() throws {
    for (words, sentence) in [
      (["--mlflow", "runs.db"], "runs.db is no MLflow server; expected an address such as http://127.0.0.1:5000."),
      (["--mlflow-experiment", "x"], "--mlflow-experiment goes with --mlflow."),
    ] {
      let result = try run(["train", "digits"] + words)
      #expect(result.code == 64 && result.errors == "evenkeel: \(sentence)\n")
    }
  }
}
