import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

/// The program of the README and of Examples/Digits as it stands, but for the folder that it works in.
private func readmeProgram() throws -> (quality: Quality, probabilities: [Float]) {
  let digits = try Dataset.idx(at: "mnist")
  let network = Network(input: [784]) {
    Dense(256)
    BatchNorm()
    ReLU()
    Dense(10)
  }
  var model = try Model(network, seed: 1)
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.001), batchSize: 128)
  let history = try trainer.fit(&model, to: digits.training, validation: digits.validation, epochs: 5)
  let quality = try model.evaluate(digits.test)
  let oneDigit = digits.test[0]
  let probabilities = try model.predict(oneDigit)
  try model.write(to: "digits.safetensors")
  #expect(history.epochs.count == 5)
  return (quality, probabilities)
}

/// In a process of its own, since the program's paths are relative to the folder that it works in.
@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
func theProgramOfTheReadmeRunsAsItStands() async {
  await #expect(processExitsWith: .success) {
    try withTemporaryFolder { folder in
      try #require(symlink(dataFolder! + "/mnist", folder + "/mnist") == 0 && chdir(folder) == 0)
      let (quality, probabilities) = try readmeProgram()
      #expect(quality.accuracy! > 0.97)
      #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
      let digit = try Dataset.idx(at: "mnist").test[0]
      #expect(try Model(contentsOf: "digits.safetensors").predict(digit) == probabilities)
    }
  }
}

@Test func theReadmeAndTheExampleShowTheSameProgram() throws {
  let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
  func lines(_ path: String, from start: String, to end: String) throws -> [String] {
    let all = String(decoding: try FileBytes(root + path).copy, as: UTF8.self).split(separator: "\n").map {
      String($0.prefix { $0 != "/" }.split(separator: " ").joined(separator: " "))
    }
    let first = try #require(all.firstIndex { $0.hasPrefix(start) })
    let last = try #require(all[first...].firstIndex { $0.hasPrefix(end) })
    return Array(all[first...last])
  }
  let readme = try lines("/README.md", from: "let digits", to: "try model.write")
  let example = try lines("/Examples/Digits/Sources/Digits/main.swift", from: "let digits", to: "try model.write")
  let test = try lines("/Tests/EvenkeelTests/Training/RealDataTests.swift", from: "let digits", to: "try model.write")
  #expect(readme.count == 14)
  #expect(example == readme)
  #expect(test == readme)
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
func lenetLearnsMNISTInAnEpoch() throws {
  let digits = try Dataset.idx(at: dataFolder! + "/mnist")
  let few = digits.training.subset(0..<12_000)
  var model = try Model(Network(preset: "lenet"), seed: 1)
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.001), batchSize: 128, seed: 1)
  try trainer.fit(&model, to: few, epochs: 1)
  #expect(try model.evaluate(digits.test).accuracy! >= 0.97)
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
func resnet20LearnsFromCIFAR10AndTheSameWithoutNormsDoesNotAtThatRate() throws {
  let images = try Dataset.cifar10(at: dataFolder! + "/cifar10")
  let few = images.training.subset(0..<4_000)
  let trainer = Trainer(
    loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: 0.1, weightDecay: 1e-4), batchSize: 128,
    augmentation: [.crop(padding: 4), .flip], seed: 1)
  var model = try Model(Network(preset: "resnet20"), seed: 1)
  try trainer.fit(&model, to: few, epochs: 2)
  #expect(try model.evaluate(images.test).accuracy! >= 0.25)
  var plain = try Model(Network(preset: "resnet20").withoutNormalization(), seed: 1)
  let error = #expect(throws: EvenkeelError.self) { try trainer.fit(&plain, to: few, epochs: 2) }
  #expect(error!.message.contains("diverged"))
}
