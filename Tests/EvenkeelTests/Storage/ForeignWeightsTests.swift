import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

/// `foreign_weights.json`: what PyTorch predicts with the files in `foreign`.
private struct Golden: Decodable {
  let predictions: [String: [Double]]
}

private let network = Network(input: [6, 6, 3]) {
  Convolution(4, kernel: 3)
  BatchNorm()
  ReLU()
  MaxPool(2)
  Flatten()
  Dense(5)
}

private let inputs = Tensor(wave(216, 0.37, 1), shape: [2, 6, 6, 3])

private func imported(_ bytes: [UInt8], into network: Network = network, classes: [String] = []) throws -> Model {
  try withTemporaryPath(".safetensors", containing: bytes) { try Model(network, importing: $0, classes: classes) }
}

@Test(arguments: ["parallel", "holder", "keras", "float16", "bfloat16"])
func weightsOfAnotherProgramPredictWhatPyTorchPredicts(name: String) throws {
  let golden = Fixture.json("foreign_weights.json", as: Golden.self)
  let model = try imported(Fixture.bytes("foreign/\(name).safetensors"))
  #expect(model.runningStatistics[0].statistics.batchCount == 3)
  let expected = try #require(golden.predictions[name])
  for (ours, theirs) in zip(try model.predict(inputs).values, expected) {
    #expect(abs(Double(ours) - theirs) <= 1e-5, "\(ours) \(theirs)")
  }
}

@Test func everyTensorThatDoesNotFitIsNamedAtOnce() throws {
  let bytes = Fixture.bytes("foreign/parallel.safetensors")
  let wrapped = "module._orig_mod."
  let other = Network(input: [6, 6, 3]) {
    Convolution(4, kernel: 5)
    BatchNorm()
    ReLU()
    Flatten()
    Dense(5)
    Dense(2)
  }
  expectError(
    "does not fit the network: 2 tensors are missing: 4.weight [5, 144], 4.bias [5]; 3 tensors are of another shape or type: \(wrapped)0.weight (expected [4, 3, 5, 5], got [4, 3, 3, 3]), \(wrapped)5.weight (expected [2, 5], got [5, 36]), \(wrapped)5.bias (expected [2], got [5])."
  ) { _ = try imported(bytes, into: other) }
  let shorter = Network(input: [6, 6, 3]) {
    Convolution(4, kernel: 3)
    BatchNorm()
  }
  expectError("2 tensors belong to no layer: \(wrapped)5.bias [5], \(wrapped)5.weight [5, 36].") {
    _ = try imported(bytes, into: shorter)
  }
}

@Test func aModelOfAnotherProgramTrainsOnFromItsOwnInputs() throws {
  var model = try imported(
    Fixture.bytes("foreign/keras.safetensors"), classes: ["a", "b", "c", "d", "e"])
  let before = try model.predict(inputs).values
  #expect(abs(before[..<5].reduce(0, +) - 1) < 1e-6, "probabilities")
  let data = try Dataset(
    wave(216, 0.37, 1), shape: [6, 6, 3], targets: .classes([0, 3], labels: ["a", "b", "c", "d", "e"]))
  let trainer = Trainer(
    loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 1e-12), batchSize: 2,
    freezing: NormFreezing(afterEpoch: 0))
  // With steps of nothing it predicts what it did, so the inputs are not scaled anew.
  try trainer.fit(&model, to: data, epochs: 1)
  for (one, other) in zip(before, try model.predict(inputs).values) { #expect(abs(one - other) < 1e-5) }
  try withTemporaryPath { path in
    try model.write(to: path)
    #expect(try Model(contentsOf: path).predict(inputs).values == model.predict(inputs).values)
  }
}

@Test func inputsAreStandardizedAsTheOtherProgramDid() throws {
  let bytes = Fixture.bytes("foreign/holder.safetensors")
  let plain = try imported(bytes)
  try withTemporaryPath(".safetensors", containing: bytes) { path in
    let scaled = try Model(network, importing: path, mean: [1, 2, 3], deviation: [2])
    let raw = inputs.values.enumerated().map { $1 * 2 + Float($0 % 3 + 1) }
    for (one, other) in zip(
      try plain.predict(inputs).values, try scaled.predict(Tensor(raw, shape: inputs.shape)).values)
    {
      #expect(abs(one - other) < 1e-5)
    }
    expectError("The mean has 2 numbers for an input of [6, 6, 3]", code: .usage) {
      _ = try Model(network, importing: path, mean: [1, 2], deviation: [1, 1, 1])
    }
    expectError("deviations above 0", code: .usage) { _ = try Model(network, importing: path, deviation: [0]) }
    expectError("has 5 outputs, which are no 3 classes", code: .usage) {
      _ = try Model(network, importing: path, classes: ["a", "b", "c"])
    }
  }
}

@Test func whatHoldsNoForeignWeightsSaysWhatItIs() throws {
  try withTemporaryPath { path in
    try Model(network).write(to: path)
    expectError("is a model of this program already", code: .usage) { _ = try Model(network, importing: path) }
  }
  expectError("it is a file of torch.save; write one by safetensors.torch.save_file") {
    _ = try imported([0x50, 0x4b, 3, 4] + [UInt8](repeating: 0, count: 60))
  }
}
