import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

/// A table that a network learns, one of a regression, and files with something wrong.
private let tables: [String: String] = [
  "good": "a,b,class\n" + (0..<60).map { "\($0 % 7),\($0 * $0 % 11),\($0 % 7 > 3 ? "high" : "low")\n" }.joined(),
  "ragged": "a,b,class\n1,2,x\n3,4\n", "infinite": "a,b\n1,0\ninf,1\n3,0\n4,1\n", "empty": "",
  "network": "input: [2]\nlayers: [dense: 4, relux]\n", "model": "this is no safetensors file",
]

@Test(
  .enabled(if: command != nil, "the command is not built"),
  arguments: [
    (64, ["train", "good", "--nonsense"], "nonsense"), (64, ["fly"], "fly"), (64, ["train"], "data"),
    (64, ["train", "good", "--batch-size", "0"], "The batch size is 0"),
    (64, ["train", "good", "--epochs", "0"], "The number of epochs is 0"),
    (64, ["train", "good", "--threads", "0"], "The number of threads is 0"),
    (64, ["train", "good", "--threads", "5000000000"], "threads is 5000000000"),
    (64, ["train", "good", "--optimizer", "best"], "'best' is invalid for '--optimizer"),
    (64, ["train", "good", "--precision", "half"], "'half' is invalid for '--precision"),
    (64, ["train", "good", "--activation", "swish"], "one of the following: relu, leakyRelu, elu, gelu, silu, "),
    (64, ["train", "good", "--learning-rate", "0"], "learning rate is 0"),
    (64, ["train", "good", "--normalization", "grop"], "'grop' is invalid for '--normalization"),
    (64, ["train", "good", "--normalization", "group:x"], "'group:x' is invalid for '--normalization"),
    (64, ["train", "good", "--normalization", "ghost:1"], "--normalization is \"ghost:1\": "),
    (
      64, ["train", "good", "--batch-size", "32", "--accumulate", "4", "--normalization", "ghost:32"], "the 8 examples"
    ),
    (64, ["train", "good", "--batch-size", "1"], "batch size is 1; batch normalization needs"),
    (64, ["train", "good", "--normalization", "group:3"], "groups is 3; expected a number that divides 128"),
    (
      64, ["train", "good", "--normalization", "instance"],
      "Layer 0.block.2: instanceNorm: expected more than one position"
    ),
    (64, ["train", "good", "--network", "lenet", "--normalization", "after-activation"], "--hidden"),
    (64, ["train", "good", "--hidden", "8,x"], "'8,x' is invalid for '--hidden"),
    (64, ["train", "good", "--members", "0"], "--members is 0; expected at least 1"),
    (64, ["train", "digits", "--numeric", "quantile"], "--numeric is for tables; this data is none"),
    (
      64, ["train", "good", "--network", "mlp", "--bins", "8"],
      "--bins describes the network already described by --network"
    ),
    (64, ["train", "good", "--patience", "2", "--validation", "0"], "--patience"),
    (64, ["train", "good", "--target", "size"], "\"size\""), (64, ["train", "good", "--network", "network"], "relux"),
    (64, ["train", "good", "--label-smoothing", "1"], "smoothing"),
    (65, ["train", "ragged"], "line 3"), (65, ["train", "infinite"], "line 3, column a"),
    (65, ["train", "empty"], "no rows"),
    (65, ["inspect", "model"], "safetensors"), (65, ["inspect", "model", "good"], "safetensors"),
    (64, ["inspect", "model", "--batch-size", "1"], "--batch-size is 1"),
    (65, ["evaluate", "model", "good"], "safetensors"),
    (65, ["train", "good", "--resume", "model"], "safetensors"),
    (64, ["train", "good", "--accumulate", "0"], "in 0 parts"),
    (
      64, ["train", "good", "--accumulate", "4", "--batch-statistics", "own"],
      "'own' is invalid for '--batch-statistics"
    ),
    (64, ["train", "good", "--batch-statistics", "whole"], "--accumulate"),
    (64, ["train", "good", "--batch-size", "8", "--accumulate", "8"], "parts of one"),
    (64, ["train", "good", "--freeze-statistics-after", "-1"], "--freeze-statistics-after"),
    (64, ["train", "good", "--freeze-scale-and-shift"], "--freeze-statistics-after"),
    (64, ["train", "good", "--average", "ema:2"], "The decay of the averaged weights is 2"),
    (64, ["train", "good", "--average", "ema"], "'ema' is invalid for '--average"),
    (64, ["train", "good", "--average", "swa:9"], "epoch 9"),
    (64, ["recalibrate", "model", "good"], "--output"),
    (65, ["recalibrate", "model", "good", "--output", "FOLDER/never.safetensors"], "safetensors"),
    (66, ["train", "FOLDER/nowhere.csv"], "/nowhere.csv"),
    (66, ["predict", "FOLDER/nowhere.safetensors", "good"], "/nowhere"),
    (66, ["train", "good", "--network", "FOLDER/nowhere.yaml"], "/nowhere.yaml"),
    (65, ["train", "FOLDER/other"], "IDX"),
    (74, ["train", "good", "--output", "FOLDER/nowhere/model.safetensors"], "/nowhere/model.safetensors"),
    (74, ["train", "good", "--output", "FOLDER"], "evenkeel-test-"),
    (74, ["demo", "--output", "FOLDER/nowhere/x"], "/nowhere/x"),
  ] as [(Int32, [String], String)]
)
func badInputEndsWithItsExitCodeAndASentence(code: Int32, arguments: [String], part: String) throws {
  func replaced(_ arguments: ArraySlice<String>, _ done: [String]) throws {
    guard let word = arguments.first else {
      let result = try run(done)
      #expect(result.code == code, "\(result.errors)")
      #expect(result.errors.contains(part), "\(result.errors)")
      #expect(result.output.isEmpty)
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
      return
    }
    guard let text = tables[word] else { return try replaced(arguments.dropFirst(), done + [word]) }
    try withTemporaryPath(".csv", containing: text) { try replaced(arguments.dropFirst(), done + [$0]) }
  }
  try withTemporaryFolder { folder in
    // A folder that holds no data.
    try #require(mkdir(folder + "/other", 0o700) == 0)
    writeBytes([1, 2, 3], to: folder + "/other/0")
    try replaced(arguments.map { $0.replacing("FOLDER", with: folder) }[...], [])
  }
}

@Test(.enabled(if: command != nil, "the command is not built"))
func aTableIsTrainedEvaluatedPredictedAndInspected() throws {
  try withTemporaryPath(".csv", containing: tables["good"]!) { table in
    try withTemporaryPath { model in
      defer { unlink(String(model.dropLast(12)) + ".checkpoint.safetensors") }
      let training = try run(
        [
          "train", table, "--epochs", "40", "--batch-size", "16", "--hidden", "16", "--members", "1", "--validation",
          "0",
          "--output", model, "--json",
          "--quiet",
        ])
      #expect(training.code == 0 && training.errors.isEmpty, "\(training.errors)")
      let lines = training.output.split(separator: "\n")
      #expect(lines.count == 41 && lines.last!.contains("\"event\":\"finished\""))
      let quality = try run(["evaluate", model, table, "--json"])
      #expect(quality.code == 0 && quality.output.contains("\"count\":60"), "\(quality.output)")
      let predictions = try run(["predict", model, table])
      #expect(predictions.code == 0 && predictions.output.split(separator: "\n").count == 61)
      #expect(predictions.output.hasPrefix("prediction,probability of high,probability of low\n"))
      let inParts = try run(
        [
          "train", table, "--epochs", "4", "--batch-size", "16", "--accumulate", "4", "--batch-statistics", "whole",
          "--freeze-statistics-after", "3", "--freeze-scale-and-shift", "--average", "swa:2", "--json", "--quiet",
        ])
      #expect(inParts.code == 0 && inParts.output.contains("finished"), "\(inParts.errors)")
      try withTemporaryPath { recalibrated in
        let result = try run(["recalibrate", model, table, "--output", recalibrated])
        #expect(
          result.code == 0 && result.output.contains("0.block.2: the mean moved by"), "\(result.output)\(result.errors)"
        )
        #expect(try run(["evaluate", recalibrated, table]).code == 0)
      }
      let onto = try run(["recalibrate", model, table, "--output", model])
      #expect(onto.code == 64 && onto.errors.contains("cannot be the output"), "\(onto.errors)")
      let inspected = try run(["inspect", model])
      #expect(inspected.code == 0 && inspected.output.contains("batchNorm"))
      let diagnosed = try run(["inspect", model, table])
      #expect(diagnosed.code == 0 && diagnosed.output.contains("recalibrated"), "\(diagnosed.errors)")
      let small = try run(["inspect", model, table, "--batch-size", "4", "--json"])
      #expect(small.code == 0 && small.output.contains("{\"statistics\":\"batch\",\"batchSize\":4,"))
      #expect(small.output.contains("{\"finding\":\"smallBatch\",\"severity\":"))
      let full = try run(["predict", model, table, "--output", "/dev/full"])
      #expect(full.code == 74 && full.errors.contains("/dev/full"))
    }
  }
  #expect(try run(["--version"]).code == 0)
  let help = try run(["train", "--help"])
  #expect(help.code == 0)
  for section in ["DATA:", "NETWORK:", "LOSS:", "OPTIMIZER:", "BATCHES:", "DURATION:", "COMPUTATION:", "OUTPUT:"] {
    #expect(help.output.contains("\n\(section)\n"), "\(section)")
  }
}

/// oneDNN is told to do without the processor's bfloat16.
@Test(.enabled(if: command != nil, "the command is not built"))
func aProcessorWithoutBFloat16SaysSo() throws {
  let result = try run(
    ["train", "digits", "--precision", "bfloat16"],
    variables: ["ONEDNN_MAX_CPU_ISA=AVX512_CORE", "DNNL_MAX_CPU_ISA=AVX512_CORE"])
  #expect(result.code == 64 && result.output.isEmpty)
  #expect(result.errors.contains("needs a processor with AVX512-BF16 or AMX"), "\(result.errors)")
  #expect(result.errors.split(separator: "\n").count == 1)
}

/// The checkpoint's name is made from the output's.
@Test(
  .enabled(if: command != nil, "the command is not built"),
  arguments: [nil, "--validation", "--test", "--network"] as [String?])
func theCheckpointReplacesNothingThatIsRead(option: String?) throws {
  let text = option == "--network" ? "input: [2]\nlayers: [dense: 4, relu, dense: 2]\n" : tables["good"]!
  try withTemporaryPath(".csv", containing: tables["good"]!) { table in
    try withTemporaryPath(".checkpoint.safetensors", containing: text) { input in
      let output = String(input.dropLast(".checkpoint.safetensors".count)) + ".safetensors"
      defer { unlink(output) }
      let data = option.map { [table, $0, input] } ?? [input]
      let result = try run(["train"] + data + ["--epochs", "1", "--quiet", "--output", output])
      #expect(result.code == 64, "\(result.errors)")
      #expect(result.errors.contains("cannot be the checkpoint of --output too"), "\(result.errors)")
      #expect(try FileBytes(input).copy == Array(text.utf8))
      #expect(access(output, F_OK) != 0)
    }
  }
}

@Test(.enabled(if: command != nil, "the command is not built"))
func theNoiseOfStatisticsIsThatOfAPart() throws {
  try withTemporaryPath(".csv", containing: tables["good"]!) { table in
    func warnings(_ statistics: String) throws -> String {
      let result = try run([
        "train", table, "--epochs", "1", "--hidden", "4", "--batch-size", "40", "--accumulate", "5",
        "--batch-statistics", statistics, "--quiet",
      ])
      #expect(result.code == 0, "\(result.errors)")
      return result.errors
    }
    let (micro, whole) = (try warnings("micro"), try warnings("whole"))
    #expect(micro.contains("With 8 examples,"), "\(micro)")
    #expect(!whole.contains("examples, a batch's mean"), "\(whole)")
  }
}
