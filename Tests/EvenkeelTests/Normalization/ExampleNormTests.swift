import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

private func layer(_ kind: String) -> any Layer {
  switch kind {
  case "layerNorm": LayerNorm()
  case "rmsNorm": RMSNorm()
  case "instanceNorm": InstanceNorm()
  default: GroupNorm(groups: Int(kind.split(separator: " ")[1])!)
  }
}

@Test(arguments: PyTorchNorm.all)
func everyNormOfAnExampleDoesWhatPyTorchsDoes(golden: PyTorchNorm) throws {
  let (examples, features) = (3, 6)
  let shape = Shape(golden.axes + [features])
  let x = wave(examples * shape.count, 0.7, 2, 3)
  let hasShift = golden.values["bias"] != nil
  var model = try Model(Network(input: shape) { layer(golden.kind) })
  // Names and shapes are those of PyTorch's state_dict.
  #expect(model.parameters.map(\.name) == (hasShift ? ["0.weight", "0.bias"] : ["0.weight"]))
  try model.setParameter("0.weight", to: Tensor(wave(6, 1.3, 1.5), shape: [features]))
  if hasShift { try model.setParameter("0.bias", to: Tensor(wave(6, 1.7, 0.5), shape: [features])) }
  expect(
    try model.predict(Dataset(x, shape: shape)).values,
    near: golden.values["y"]!.map { Bounded($0, error: 64 * Bounded.u * (1 + abs($0))) }, "y")
}

@Test func aValueThatIsNotFiniteIsNamedWithItsLayerAndExample() throws {
  var model = try Model(
    Network(input: [4]) {
      Dense(5)
      LayerNorm()
      Dense(2)
    })
  try model.setParameter("0.weight", to: Tensor([Float](repeating: 3e38, count: 20), shape: [5, 4]))
  let before = model.parameters.map(\.values)
  let data = try Dataset(wave(32, 0.9, 1), shape: [4], targets: .classes((0..<8).map { $0 % 2 }, labels: ["a", "b"]))
  let error = #expect(throws: EvenkeelError.self) {
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 4).fit(&model, to: data, epochs: 1)
  }
  #expect(error!.code == .data)
  #expect(error!.message.contains("Layer 1 (layerNorm) got a value that is not finite in example"))
  #expect(model.parameters.map(\.values) == before)
}

/// What an example gives does not depend on those beside it, to the bit.
@Test func anExampleIsNormalizedTheSameInAnyBatch() throws {
  let network = Network(input: [4, 4, 6]) {
    GroupNorm(groups: 2)
    ReLU()
    InstanceNorm()
    RMSNorm()
    LayerNorm()
  }
  let model = try Model(network, seed: 1)
  let data = try Dataset(wave(12 * 96, 0.9, 1), shape: [4, 4, 6])
  let all = try model.predict(data).values
  for index in 0..<12 { #expect(try model.predict(data[index]) == Array(all[96 * index..<96 * (index + 1)])) }
}

@Test func batchesOfOneExampleAreTrained() throws {
  let network = Network(input: [4]) {
    Dense(8)
    LayerNorm()
    ReLU()
    Dense(2)
  }
  let data = try Dataset(
    wave(160, 0.9, 1), shape: [4],
    targets: .classes((0..<40).map { wave(160, 0.9, 1)[4 * $0] > 0 ? 1 : 0 }, labels: ["a", "b"]))
  var model = try Model(network, seed: 1)
  let history = try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 1).fit(
    &model, to: data, epochs: 10)
  #expect(history.epochs.last!.trainAccuracy! > 0.9)
}
