import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

@Test(
  .enabled(if: dataFolder != nil && command != nil, "EVENKEEL_DATA is not set, or the command is not built"),
  arguments: [
    ("{ghostBatch: 32}", "256", 0.93), ("{renormalization: {rampFrom: 500, rampTo: 3000}}", "8", 0.95),
    ("{ghostBatch: 16, renormalization: {}}", "64", 0.94),
  ])
func theCommandLearnsMNISTWithEachVariant(norm: String, batchSize: String, accuracy: Double) throws {
  let text = """
    input: [28, 28]
    layers:
      - flatten
      - dense: 100
      - batchNorm: \(norm)
      - relu
      - dense: 10
    """
  try withTemporaryPath(".yaml", containing: text) { network in
    try withTemporaryPath { model in
      defer { unlink(String(model.dropLast(12)) + ".checkpoint.safetensors") }
      let data = dataFolder! + "/mnist"
      let training = try run([
        "train", data, "--network", network, "--epochs", "1", "--batch-size", batchSize, "--seed", "1", "--output",
        model, "--quiet",
      ])
      #expect(training.code == 0, "\(training.errors)")
      let quality = try Model(contentsOf: model).evaluate(Dataset.idx(at: data).test)
      #expect(quality.accuracy! >= accuracy, "\(quality.accuracy!)")
      guard norm.contains("ghost") else { return }
      let refused = try run(["train", data, "--network", network, "--epochs", "1", "--batch-size", "12"])
      #expect(refused.code == 64 && refused.errors.contains("at most the 12 examples of a batch"), "\(refused.errors)")
    }
  }
}
