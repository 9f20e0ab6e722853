import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Glibc
import Testing

private func text(weightsRaisedBy more: Int = 0) -> String {
  "a,w,b,class\n"
    + (0..<60).map { "\($0 % 7),\($0 % 3 + more),\($0 * $0 % 11),\($0 % 7 > 3 ? "high" : "low")\n" }.joined()
}
private let table = text()

@Test(.enabled(if: command != nil, "the command is not built"))
func theCommandTrainsAndEvaluatesWithWeightsAndLengths() throws {
  try withTemporaryPath(".csv", containing: table) { table in
    try withTemporaryPath { model in
      defer { unlink(String(model.dropLast(12)) + ".checkpoint.safetensors") }
      let options = ["--weight", "w", "--epochs", "2", "--hidden", "8", "--batch-size", "16", "--quiet"]
      let training = try run(["train", table, "--members", "1"] + options + ["--output", model])
      #expect(training.code == 0, "\(training.errors)")
      let trained = try Model(contentsOf: model)
      #expect(trained.network.input == [2] && trained.encoding?.weightName == "w")
      let quality = try run(["evaluate", model, table, "--json"])
      let expected = try trained.evaluate(Dataset.readForUse(table, by: trained, targets: true).dataset)
      #expect(quality.code == 0 && quality.output.contains("\(expected.loss)"), "\(quality.output)")
      #expect(try run(["predict", model, table]).output.split(separator: "\n").count == 61)
      // Predicting uses no weights, the others say so where they are not there.
      let unweighted = "a,b,class\n" + (0..<9).map { "\($0 % 7),\($0),\($0 % 2 > 0 ? "high" : "low")\n" }.joined()
      try withTemporaryPath(".csv", containing: unweighted) { plain in
        try withTemporaryPath { other in
          for words in [["evaluate", model, plain], ["recalibrate", model, plain, "--output", other]] {
            let result = try run(words)
            #expect(result.code == 0 && result.errors.contains("no column of weights: w"), "\(result.errors)")
          }
        }
        let predicted = try run(["predict", model, plain])
        #expect(predicted.code == 0 && predicted.errors.isEmpty, "\(predicted.errors)")
      }
      try withTemporaryPath(".csv", containing: "a,w,b\n1,bad,2\n") { bad in
        let predicted = try run(["predict", model, bad])
        #expect(predicted.code == 0, "\(predicted.errors)")
        let refused = try run(["recalibrate", model, bad, "--output", model + ".other"])
        #expect(refused.code == 65, "\(refused.errors)")
      }
      let checkpoint = String(model.dropLast(12)) + ".checkpoint.safetensors"
      let others = ["--epochs", "3", "--batch-size", "16", "--quiet", "--resume", checkpoint]
      let forgotten = try run(["train", table] + others)
      #expect(forgotten.code == 64 && forgotten.errors.contains("--weight w"), "\(forgotten.errors)")
      try withTemporaryPath(".csv", containing: text(weightsRaisedBy: 1)) { heavier in
        let result = try run(["train", heavier, "--weight", "w"] + others)
        #expect(result.code == 64 && result.errors.contains("training data"), "\(result.errors)")
      }
      let resumed = try run(["train", table, "--weight", "w"] + others)
      #expect(resumed.code == 0, "\(resumed.errors)")
    }
    let wrong = try run(["train", table, "--weight", "x"])
    #expect(wrong.code == 64 && wrong.errors.contains("no column \"x\" of weights"))
    let digits = try run(["train", "digits", "--weight", "x"])
    #expect(digits.code == 64 && digits.errors.contains("is for CSV files"))
  }
  var numbers = Numbers(2)
  let network =
    "input: [6, 2]\nlayers: [convolution1D: {filters: 8, kernel: 3}, batchNorm, relu, globalAveragePool, dense: 2]"
  let labels = (0..<40).map { $0 % 2 }
  // The class is the sign of the valid positions; other signs follow them.
  let lengths = (0..<40).map { $0 % 5 + 1 }
  let x = (0..<40).flatMap { example in
    (0..<12).map { ($0 / 2 < lengths[example]) == (labels[example] == 0) ? numbers.next() + 1.5 : numbers.next() - 1.5 }
  }
  let archive = npz([
    "X": npy([40, 6, 2], floats: x), "y": npy([40], integers: labels), "lengths": npy([40], integers: lengths),
  ])
  try withTemporaryPath(".npz", containing: archive) { data in
    let flat = try run(["train", data, "--hidden", "8"])
    #expect(flat.code == 64 && flat.errors.contains("lengths of their own"), "\(flat.errors)")
    #expect(flat.errors.contains("expected a network with input [6, 2] (--network FILE)"), "\(flat.errors)")
    try withTemporaryPath(".yaml", containing: network) { network in
      let result = try run([
        "train", data, "--network", network, "--epochs", "60", "--batch-size", "8", "--learning-rate", "0.01", "--json",
        "--quiet",
      ])
      #expect(
        result.code == 0 && result.output.contains("\"testAccuracy\":1.0"),
        "\(result.errors) \(result.output.suffix(200))")
    }
  }
}
