import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Glibc
import Testing

/// What a line of a run's log may hold.
private struct Line: Decodable, Equatable {
  struct Norm: Decodable, Equatable {
    let layer: String
    let varianceBelowEpsilon: Double
    let runningLag, largestScale, gradientShare: Double?
  }
  var schema: Int?
  var event: String
  var time, seconds, secondsLeft, examplesPerSecond: Double?
  var step: Int
  var epoch: Int?
  var command, machine, status: String?
  var data: [String]?
  var loss, accuracy, trainLoss, trainAccuracy, trainRMSE, validationLoss, validationAccuracy, validationMetric: Double?
  var metric: String?
  var learningRate, testLoss, testAccuracy: Double?
  var norms: [Norm]?

  /// Without what depends on the clock.
  var timeless: Line {
    var line = self
    (line.time, line.seconds, line.secondsLeft, line.examplesPerSecond) = (nil, nil, nil, nil)
    return line
  }
}

private func lines(_ text: String) throws -> [Line] {
  try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
}

private func lines(of file: String) throws -> [Line] {
  try lines(String(decoding: FileBytes(file).copy, as: UTF8.self))
}

/// One run that TensorBoard found.
private struct Series: Decodable {
  let scalars, histograms: [String: [[Double]]]
  let texts: [String: String]
}

/// With a network of few layers, so that it is known what is told of each.
private func training(_ folder: String) -> [String] {
  [
    "--validation", "0.2", "--metric", "roc-auc", "--network", folder + "/network.yaml", "--optimizer", "adam",
    "--learning-rate", "0.001", "--schedule", "constant", "--patience", "0", "--average", "none", "--batch-size", "16",
    "--quiet",
  ]
}

private func withTable(_ body: (_ table: String, _ folder: String) throws -> Void) throws {
  try withTemporaryPath(".csv", containing: smallTable) { table in
    try withTemporaryFolder { folder in
      let network = "input: [2]\nlayers:\n  - dense: 8\n  - batchNorm\n  - relu\n  - dense: 2\n"
      writeBytes(Array(network.utf8), to: folder + "/network.yaml")
      try body(table, folder)
    }
  }
}

@Suite(.enabled(if: command != nil, "the command is not built"))
struct LogCommandTests {
  @Test func theLogHasWhatARunPrintsAndWhatItsNormsDo() throws {
    try withTable { table, folder in
      let log = folder + "/run 1.jsonl"
      let result = try run(["train", table] + training(folder) + ["--epochs", "3", "--json", "--log", log])
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      let told = try lines(of: log)
      let start = try #require(told.first)
      #expect(start.event == "start" && start.schema == 1 && start.step == 0)
      #expect(
        start.command
          == "evenkeel train \(table) \((training(folder) + ["--epochs", "3"]).joined(separator: " ")) --json --log '\(log)'"
      )
      #expect(start.data?.first?.contains("300 rows, 192 to train on") == true, "\(start.data ?? [])")
      #expect(told.map(\.step) == told.map(\.step).sorted())
      #expect(told.filter { $0.event == "step" }.allSatisfy { $0.step % 12 != 0 && $0.learningRate == 0.001 })
      let norms = told.filter { $0.event == "norms" }
      #expect(norms.map(\.step) == [12, 24, 36] && norms.allSatisfy { $0.norms?.map(\.layer) == ["1"] })
      #expect(norms.allSatisfy { $0.norms![0].runningLag! > 0 && (0.1..<0.9).contains($0.norms![0].gradientShare!) })
      let epochs = told.filter { $0.event == "epoch" }
      #expect(epochs.map(\.step) == [12, 24, 36] && epochs.allSatisfy { $0.metric == "roc-auc" })
      let printed = result.output.split(separator: "\n").dropLast().map { String($0) }
      struct Printed: Decodable {
        let epoch: Int
        let trainLoss, trainAccuracy, validationLoss, validationAccuracy, validationMetric, seconds: Double
      }
      for (line, text) in zip(epochs, printed) {
        let shown = try JSONDecoder().decode(Printed.self, from: Data(text.utf8))
        #expect(line.epoch == shown.epoch && line.trainLoss == shown.trainLoss && line.seconds == shown.seconds)
        #expect(line.validationLoss == shown.validationLoss && line.validationMetric == shown.validationMetric)
        #expect(line.trainAccuracy == shown.trainAccuracy && line.validationAccuracy == shown.validationAccuracy)
      }
      #expect(told.last?.event == "end" && told.last?.status == "finished" && told.last?.testAccuracy != nil)
      // A log is replaced by that of another run.
      #expect(try run(["train", table] + training(folder) + ["--epochs", "1", "--log", log]).code == 0)
      #expect(try lines(of: log).filter { $0.event == "epoch" }.count == 1)
    }
  }

  @Test func aRunThatIsKilledAndGoesOnTellsEveryStepOnce() throws {
    try withTable { table, folder in
      let (model, log, events) = (folder + "/m.safetensors", folder + "/run.jsonl", folder + "/events")
      let words = ["train", table] + training(folder) + ["--epochs", "400", "--log", log, "--tensorboard", events]
      let process = try start(
        words + ["--output", model], output: folder + "/out", errors: folder + "/errors")
      _ = wait(for: process) {
        access(folder + "/m.checkpoint.safetensors", F_OK) == 0
          && ((try? lines(of: log).count { $0.event == "epoch" }) ?? 0) > 20
      }
      kill(process, SIGKILL)
      #expect(end(process) == SIGKILL)
      // What the system had not written whole.
      let torn = open(log, O_WRONLY | O_APPEND)
      _ = write(torn, "{\"event\":\"st", 12)
      close(torn)
      let resumed = try run(
        words + ["--output", model, "--resume", folder + "/m.checkpoint.safetensors"])
      #expect(resumed.code == 0 && !resumed.errors.contains("warning"), "\(resumed.errors)")
      #expect(
        try run(["train", table] + training(folder) + ["--epochs", "400", "--log", folder + "/whole.jsonl"]).code == 0)
      let (told, whole) = (try lines(of: log), try lines(of: folder + "/whole.jsonl"))
      for kind in ["epoch", "norms"] {
        #expect(
          told.filter { $0.event == kind }.map(\.timeless) == whole.filter { $0.event == kind }.map(\.timeless))
      }
      let steps = told.filter { $0.event == "step" || $0.event == "epoch" }.map(\.step)
      #expect(steps == Set(steps).sorted())
      #expect(told.filter { $0.event == "start" }.count == 2 && told.filter { $0.event == "end" }.count == 1)
      #expect(told.first { $0.event == "start" && $0.step > 0 }?.step.isMultiple(of: 12) == true)

      guard Python.has("tensorboard") else { return }
      let runs: [String: Series] = try Python.json("read_events.py", ["series", events])
      let epochs = whole.filter { $0.event == "epoch" }
      for (tag, value) in [("loss", \Line.validationLoss), ("accuracy", \.validationAccuracy)] {
        let series = try #require(runs["validation"]?.scalars[tag])
        #expect(series.map { $0[0] } == epochs.map { Double($0.step) })
        #expect(series.map { Float($0[1]) } == epochs.map { Float($0[keyPath: value]!) })
      }
      let loss = try #require(runs["train"]?.scalars["loss"]?.map { $0[0] })
      #expect(loss == Set(loss).sorted())
      #expect(loss.last == 4800)
    }
  }

  @Test(.enabled(if: Python.has("tensorboard"), "TensorBoard is not installed"))
  func tensorBoardShowsWhatTheLogTells() throws {
    try withTable { table, folder in
      let (log, events) = (folder + "/run.jsonl", folder + "/events/one")
      let result = try run(
        ["train", table] + training(folder)
          + ["--epochs", "4", "--log", log, "--tensorboard", events, "--tensorboard-histograms", "2"])
      #expect(result.code == 0, "\(result.errors)")
      let told = try lines(of: log)
      let runs: [String: Series] = try Python.json("read_events.py", ["series", events])
      #expect(Set(runs.keys) == [".", "train", "validation"])
      let (trained, validated) = (try #require(runs["train"]), try #require(runs["validation"]))
      func series(_ event: String..., value: (Line) -> Double?) -> [[Double]] {
        told.filter { event.contains($0.event) }.compactMap { line in
          value(line).map { [Double(line.step), Double(Float($0))] }
        }
      }
      #expect(trained.scalars["loss"] == series("step", "epoch") { $0.loss ?? $0.trainLoss })
      #expect(trained.scalars["accuracy"] == series("step", "epoch") { $0.accuracy ?? $0.trainAccuracy })
      #expect(trained.scalars["learning_rate"] == series("step", "epoch") { $0.learningRate })
      #expect(trained.scalars["examples_per_second"] == series("step", "epoch") { $0.examplesPerSecond })
      #expect(trained.scalars["epoch"]?.last == [48, 4])
      #expect(trained.scalars["norm/1/running_lag"] == series("norms") { $0.norms?[0].runningLag })
      #expect(trained.scalars["norm/1/gradient_share"] == series("norms") { $0.norms?[0].gradientShare })
      #expect(trained.scalars["norm/1/gamma_abs_max"] == series("norms") { $0.norms?[0].largestScale })
      #expect(
        trained.scalars["norm/1/variance_below_epsilon"] == series("norms") { $0.norms?[0].varianceBelowEpsilon })
      #expect(validated.scalars["loss"] == series("epoch") { $0.validationLoss })
      #expect(validated.scalars["roc_auc"] == series("epoch") { $0.validationMetric })
      #expect(
        Set(trained.histograms.keys)
          == ["0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.weight", "3.bias"])
      // Steps, the number of values, extremes, and the sum of the buckets.
      let weights = try #require(trained.histograms["0.weight"])
      #expect(weights.map { $0[0] } == [24, 48] && weights.allSatisfy { $0[1] == 16 && $0[4] == 16 && $0[2] < $0[3] })
      #expect(runs["."]!.texts["command/text_summary"] == "`\(told[0].command!)`")
      #expect(runs["."]!.texts["network/text_summary"]?.contains("batchNorm") == true)
      #expect(runs["."]!.scalars["test/accuracy"] == [[48, Double(Float(told.last!.testAccuracy!))]])
    }
  }

  private struct Page: Decodable {
    struct Row: Decodable {
      struct Value: Decodable, Equatable {
        let number: Double?
        let text: String?

        init(from decoder: any Decoder) throws {
          let value = try decoder.singleValueContainer()
          (number, text) = (try? value.decode(Double.self), try? value.decode(String.self))
        }
      }
      let settings: [String: Value]
      let status: String
      let metrics: [String: Double]
    }
    let tags: [String: [String]]
    let loss: [String: [[Double]]]
    let histograms, texts: [String: [String]]
    let rows: [Row]
  }

  @Test(.enabled(if: Python.has("tensorboard"), "TensorBoard is not installed"), arguments: ["true", "false"])
  func thePageOfTensorBoardShowsARunWithEitherLoader(fast: String) throws {
    try withTable { table, folder in
      let (model, logs) = (folder + "/m.safetensors", folder + "/logs")
      let words =
        ["train", table] + training(folder) + ["--tensorboard", logs + "/one", "--tensorboard-histograms", "1"]
      #expect(try run(words + ["--epochs", "2", "--output", model]).code == 0)
      let place = try FileBytes(folder + "/m.checkpoint.safetensors").copy
      #expect(try run(words + ["--epochs", "4", "--resume", folder + "/m.checkpoint.safetensors"]).code == 0)
      // A third time from the same place, so that what the second told is cut off.
      writeBytes(place, to: folder + "/m.checkpoint.safetensors")
      #expect(try run(words + ["--epochs", "3", "--resume", folder + "/m.checkpoint.safetensors"]).code == 0)
      let page: Page = try Python.json("read_events.py", ["server", logs, fast, "3"])
      #expect(page.tags["one/train"]?.contains("norm/1/running_lag") == true)
      #expect(page.loss["one/validation"]?.map { $0[0] } == [12, 24, 36])
      let steps = try #require(page.loss["one/train"]?.map { $0[0] })
      #expect(steps == Set(steps).sorted() && steps.last == 36)
      #expect(page.histograms["one/train"]?.contains("0.weight") == true)
      #expect(page.texts["one"]?.contains("command/text_summary") == true, "\(page.texts)")
      let row = try #require(page.rows.first)
      #expect(page.rows.count == 1 && row.status == "STATUS_SUCCESS")
      #expect(row.settings["batch_size"]?.number == 16 && row.settings["optimizer"]?.text == "Adam")
      #expect(row.metrics["validation/loss"] == page.loss["one/validation"]?.last?[1])
    }
  }

  @Test(.enabled(if: Python.has("tensorboard"), "TensorBoard is not installed"))
  func aChangedByteIsFoundByTensorBoard() throws {
    try withTable { table, folder in
      let words = ["train", table] + training(folder) + ["--epochs", "1", "--tensorboard", folder + "/events"]
      #expect(try run(words).code == 0)
      let place = folder + "/events/validation"
      let name = try #require(try FileManager.default.contentsOfDirectory(atPath: place).first)
      let found: [String: String] = try Python.json("read_events.py", ["damage", place + "/" + name])
      #expect(found["none"] == "2")
      for part in ["length", "data", "checksum"] { #expect(found[part] != "2", "\(part)") }
    }
  }

  @Test(.enabled(if: Python.has("tensorboard"), "TensorBoard is not installed"))
  func theTableOfHyperparametersHasARowForEachTrialOfASweep() throws {
    try withTable { table, folder in
      let (store, events) = (folder + "/runs.sqlite", folder + "/sweep")
      let sweep = ["sweep", table, "--trials", "4", "--steps", "8", "--hidden", "4", "--quiet", "--store", store]
      let result = try run(sweep + ["--tensorboard", events])
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      let page: Page = try Python.json("read_events.py", ["server", events, "true", "4"])
      #expect(page.rows.count == 4 && Set(page.loss.keys) == ["run-1", "run-2", "run-3", "run-4"])
      #expect(Set(page.rows.map { $0.settings["normalization"]?.text }) == ["batchNorm", "none"])
      #expect(Set(page.rows.map { $0.settings["learning_rate"]?.number }).count == 2)
      #expect(page.rows.allSatisfy { (0...1).contains($0.metrics["/score"] ?? -1) })
      #expect(page.loss["run-1"]?.map { $0[0] } == [2, 4, 6, 8])
      // The same of what the store kept.
      let written = try run(["runs", "tensorboard", folder + "/again", "--store", store])
      #expect(written.code == 0 && written.output == "4 of 4 runs: tensorboard --logdir \(folder)/again\n")
      for number in 1...4 {
        func bytes(_ place: String) throws -> [UInt8] {
          let names = try FileManager.default.contentsOfDirectory(atPath: "\(place)/run-\(number)")
          return try FileBytes("\(place)/run-\(number)/\(try #require(names.first))").copy
        }
        #expect(try bytes(events) == bytes(folder + "/again"))
      }
    }
  }

  @Test func theLogOfASweepHasEachTrialOnceAlsoWhenItGoesOn() throws {
    struct Told: Decodable {
      struct Settings: Decodable, Hashable {
        let normalization: String
        let learningRate: Double
      }
      let event: String
      let step: Int
      let schema, trials: Int?
      let trial: Int?
      let settings: Settings?
      let score: Double?
      let diverged: Bool?
      let status: String?
    }
    try withTable { table, folder in
      let (store, log) = (folder + "/runs.sqlite", folder + "/sweep.jsonl")
      let sweep = ["sweep", table, "--steps", "8", "--hidden", "4", "--quiet", "--store", store, "--log", log]
      var scores: [[Int: Double]] = []
      for (trials, others) in [(4, 0), (4, 4)] {
        let result = try run(sweep + ["--trials", "\(trials)"])
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        let told = try String(decoding: FileBytes(log).copy, as: UTF8.self).split(separator: "\n")
          .map { try JSONDecoder().decode(Told.self, from: Data($0.utf8)) }
        #expect(told.map(\.event) == ["start"] + Array(repeating: "trial", count: 4) + ["end"], "\(others) are known")
        #expect(told[0].schema == 1 && told[0].trials == 4 && told.map(\.step) == [0, 1, 2, 3, 4, 4])
        #expect(told[5].status == "finished" && Set(told[1...4].map(\.settings)).count == 4)
        scores.append(Dictionary(uniqueKeysWithValues: told[1...4].map { ($0.trial!, $0.score!) }))
      }
      #expect(scores[0] == scores[1] && Set(scores[0].keys) == [1, 2, 3, 4])
      let page = try run(["watch", log, "--export", folder + "/sweep.html"])
      #expect(page.code == 0, "\(page.errors)")
      let words = [
        "lab", "run", "bias-redundant", "--data", table, "--size", "0", "--quiet", "--store", store, "--log", log,
      ]
      let lab = try run(words)
      #expect(lab.code == 0, "\(lab.errors)")
      let told = try String(decoding: FileBytes(log).copy, as: UTF8.self).split(separator: "\n")
        .map { try JSONDecoder().decode(Told.self, from: Data($0.utf8)) }
      #expect(told.last?.event == "end" && told.count { $0.event == "trial" } == told[0].trials)
    }
  }

  @Test func aLogThatCannotBeWrittenIsWarnedOfOnceAndTheRunGoesOn() throws {
    try withTable { table, folder in
      let (plain, logged) = (folder + "/plain.safetensors", folder + "/logged.safetensors")
      let words = ["train", table] + training(folder) + ["--epochs", "2"]
      let alone = try run(words + ["--output", plain])
      for options in [
        ["--log", folder + "/nowhere/run.jsonl"], ["--log", "/dev/full"], ["--tensorboard", table + "/events"],
      ] {
        let result = try run(words + ["--output", logged] + options)
        #expect(result.code == 0 && result.output == alone.output.replacing(plain, with: logged))
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        #expect(result.errors.contains("cannot be written") && result.errors.contains("goes on without it"))
        #expect(try FileBytes(logged).copy == FileBytes(plain).copy)
      }
    }
  }

  @Test func aLogReplacesNothingButALog() throws {
    try withTable { table, folder in
      let (notes, before) = (folder + "/notes.txt", Array("notes of mine\n".utf8))
      writeBytes(before, to: notes)
      let model = folder + "/m.safetensors"
      for (path, part) in [
        (notes, "is not the log of a run"), (table, "is an input"), (model, "cannot be the log and the output"),
      ] {
        let result = try run(
          ["train", table] + training(folder) + ["--epochs", "1", "--log", path, "--output", model])
        #expect(result.code == 64 && result.errors.contains(part), "\(result.errors)")
      }
      #expect(try FileBytes(notes).copy == before)
      #expect(access(model, F_OK) != 0)
      // Nor does a run that does not begin.
      let log = folder + "/run.jsonl"
      #expect(try run(["train", table] + training(folder) + ["--epochs", "1", "--log", log]).code == 0)
      let told = try FileBytes(log).copy
      #expect(try run(["train", table, "--network", "lenet", "--log", log]).code != 0)
      #expect(try FileBytes(log).copy == told)
    }
  }
}
