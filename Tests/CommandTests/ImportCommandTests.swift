import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Glibc
import Testing

private let network = """
  input: [6, 6, 3]
  layers:
    - convolution: {filters: 4, kernel: 3}
    - batchNorm: {}
    - relu
    - maxPool: 2
    - flatten
    - dense: 5
  """

private struct Golden: Decodable {
  let predictions: [String: [Double]]
}

@Suite(.enabled(if: command != nil, "the command is not built"))
struct ImportCommandTests {
  @Test func aStateOfPyTorchIsImportedPredictsAndTrainsOn() throws {
    try withTemporaryFolder { folder in
      let (weights, yaml, model) = ("\(folder)/weights", "\(folder)/net.yaml", "\(folder)/m.safetensors")
      writeBytes(Fixture.bytes("foreign/bfloat16.safetensors"), to: weights)
      writeBytes(Array(network.utf8), to: yaml)
      let made = try run(["import", weights, "--network", yaml, "--output", model])
      #expect(made.code == 0 && made.output.contains("301 parameters of \(weights)"), "\(made)")
      let data = "\(folder)/x.npz"
      let inputs = npy([2, 6, 6, 3], floats: wave(216, 0.37, 1))
      writeBytes(inputs, to: "\(folder)/x.npy")
      let predicted = try run(["predict", model, "\(folder)/x.npy"])
      let lines = predicted.output.split(separator: "\n")
      #expect(predicted.code == 0 && lines[0] == "output0,output1,output2,output3,output4", "\(predicted)")
      let numbers = lines.dropFirst().flatMap { $0.split(separator: ",").compactMap { Double($0) } }
      let golden = Fixture.json("foreign_weights.json", as: Golden.self).predictions["bfloat16"]!
      #expect(numbers.count == 10 && zip(numbers, golden).allSatisfy { abs($0 - $1) <= 1e-5 }, "\(numbers)")
      // It trains on with classes of its own, and a network that it has is not given a second time.
      let named = try run([
        "import", weights, "--network", yaml, "--output", model, "--classes", "0,1,2,3,4", "--mean", "0,0,0",
      ])
      #expect(named.code == 0, "\(named)")
      let examples = npy([20, 6, 6, 3], floats: wave(2160, 0.37, 1))
      writeBytes(npz(["x_train": examples, "y_train": npy([20], integers: (0..<20).map { $0 % 5 })]), to: data)
      let training = [
        "train", data, "--from", model, "--epochs", "1", "--output", "\(folder)/on.safetensors", "--quiet",
      ]
      let trained = try run(training)
      #expect(trained.code == 0, "\(trained)")
      let after = try Model(contentsOf: "\(folder)/on.safetensors")
      let before = try Model(contentsOf: model)
      #expect(after.runningStatistics[0].statistics.batchCount > 3 && after.network == before.network)
      let twice = try run(training + ["--network", yaml])
      #expect(twice.code == 64 && twice.errors.contains("--from takes the model's network as it is"), "\(twice)")
    }
  }

  @Test func whatDoesNotFitIsOneSentenceAndNoFile() throws {
    try withTemporaryFolder { folder in
      writeBytes(Fixture.bytes("foreign/keras.safetensors"), to: "\(folder)/w")
      for (words, code, sentence) in [
        (["--network", "mlp"], 65, "tensors are missing"),
        (["--network", "nowhere"], 66, "Nor is it a built-in network"),
        (["--network", "mlp", "--classes", "a", "--values", "b"], 64, "use one of them"),
        (["--network", "mlp", "--mean", "1,x"], 64, "--mean"),
      ] as [([String], Int32, String)] {
        let refused = try run(["import", "\(folder)/w", "--output", "\(folder)/m.safetensors"] + words)
        #expect(refused.code == code && refused.errors.contains(sentence), "\(refused)")
        #expect(refused.errors.split(separator: "\n").count == 1 && access("\(folder)/m.safetensors", F_OK) != 0)
      }
    }
  }
}
