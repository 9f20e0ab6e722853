import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

/// A network whose norms have statistics and parameters far from where they start.
private func worn(_ network: Network, seed: Int) throws -> Model {
  var numbers = Numbers(seed)
  let count = 40
  let data = try Dataset(
    numbers.many(count * network.input.count).map { 3 * $0 + 5 }, shape: network.input,
    targets: .classes((0..<Int32(count)).map { $0 % 3 }, labels: ["a", "b", "c"]))
  var model = try Model(network, seed: 1)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.02), batchSize: 8).fit(
    &model, to: data, epochs: 3)
  for parameter in model.parameters where parameter.role != .weight {
    let values = parameter.values.values.map { $0 + numbers.next() }
    try model.setParameter(parameter.name, to: Tensor(values, shape: parameter.values.shape))
  }
  return model
}

private let networks: [Network] = [
  Network(input: [6]) {
    Dense(8)
    BatchNorm(epsilon: 1e-3)
    ReLU()
    Dense(7, bias: .present)
    BatchNorm(scale: false)
    Dropout(0.3)
    Dense(3)
  },
  Network(input: [6, 7, 4]) {
    Convolution(8, kernel: 3, groups: 2)
    BatchNorm()
    ReLU()
    Residual(shortcut: .projection) {
      Convolution(6, kernel: 3, stride: 2)
      BatchNorm()
      SiLU()
      DepthwiseConvolution(kernel: 3)
      BatchNorm(shift: false)
    }
    ReLU()
    Residual {
      Convolution(6, kernel: 1)
      BatchNorm()
    }
    MaxPool(2)
    Flatten()
    Dense(3)
    BatchNorm()
  },
  Network(input: [9, 2]) {
    Convolution1D(5, kernel: 3)
    BatchNorm()
    GlobalAveragePool()
    Dense(3)
  },
]

@Test(arguments: networks.indices)
func aFoldedModelHasNoNormsAndPredictsTheSame(index: Int) throws {
  let model = try worn(networks[index], seed: index + 1)
  let folded = try model.folded()
  #expect(try folded.network.placed().layers.allSatisfy { !($0.layer is BatchNorm) })
  var numbers = Numbers(index + 50)
  let rows = Tensor(
    numbers.many(20 * networks[index].input.count).map { 3 * $0 + 5 },
    shape: Shape([20] + networks[index].input.dimensions))
  for (before, after) in zip(try model.predict(rows).values, try folded.predict(rows).values) {
    #expect(abs(before - after) <= 1e-5)
  }
  try withTemporaryPath { path in
    try folded.write(to: path)
    #expect(try Model(contentsOf: path).predict(rows) == folded.predict(rows))
  }
}

@Test func aNormBehindAnActivationIsNotFoldedAndNamed() throws {
  let model = try Model(
    Network(input: [4]) {
      Dense(5)
      ReLU()
      BatchNorm()
      Dense(2)
    })
  let error = #expect(throws: EvenkeelError.self) { try model.folded() }
  #expect(error!.code == .usage && error!.message.contains("Layer 2 (batchNorm)"))
}
