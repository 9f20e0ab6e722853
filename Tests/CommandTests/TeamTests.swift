import Evenkeel
import EvenkeelTestSupport
import Testing

/// Settings of batch systems under which OpenMP gives fewer threads than a program asks for.
private let settings = ["OMP_DYNAMIC=true", "OMP_THREAD_LIMIT=1", "OMP_THREAD_LIMIT=3", "OMP_MAX_ACTIVE_LEVELS=0"]

@Suite(.enabled(if: command != nil, "the command is not built"))
struct TeamTests {
  /// Ends what waits for a thread that never comes.
  private func bounded(_ arguments: [String], _ variables: [String]) throws -> String {
    let result = try run(arguments, variables: variables + ["timeout", "-s", "KILL", "600"])
    #expect(result.code == 0, "\(variables): \(result.errors)")
    return result.output
  }

  @Test func whateverTheEnvironmentSaysOfThreadsAnEvaluationIsRight() throws {
    let digits = try Dataset.digits()
    let dense = Network(input: [28, 28]) {
      Flatten()
      Dense(200)
      BatchNorm()
      ReLU()
      Dense(10)
    }
    let images = Network(input: [28, 28, 1]) {
      Convolution(16, kernel: 3)
      BatchNorm()
      ReLU()
      GlobalAveragePool()
      Dense(10)
    }
    for network in [dense, images] {
      var model = try Model(network, seed: 1)
      try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 64, threads: 1)
        .fit(&model, to: digits.training.subset(0..<1024), epochs: 1)
      let expected = try model.evaluate(digits.test, threads: 1)
      try withTemporaryPath { path in
        try model.write(to: path)
        for setting in settings {
          let output = try bounded(["evaluate", path, "digits", "--json"], [setting])
          let loss = output.firstMatch(of: /"loss":([0-9.e-]+)/).flatMap { Double($0.1) }
          #expect(abs(try #require(loss, "\(output)") - expected.loss) < 1e-5 * expected.loss, "\(setting)")
        }
      }
    }
  }

  @Test(.enabled(if: Precision.bfloat16.isAvailable, "the processor has no bfloat16"))
  func whateverTheEnvironmentSaysOfThreadsATrainingInBFloat16Ends() throws {
    try withTemporaryPath { model in
      for setting in settings {
        _ = try bounded(
          [
            "train", "digits", "--epochs", "1", "--quiet", "--hidden", "64,64", "--precision", "bfloat16", "--output",
            model,
          ],
          [setting])
      }
    }
  }
}
