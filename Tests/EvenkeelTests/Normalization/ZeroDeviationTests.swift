import Evenkeel
import EvenkeelReference
import Testing

// With ε = 0 what does not vary is normalized to 0: β comes out, and no gradient goes back.

/// The ways in which statistics of a batch are taken.
private let ways: [(norm: BatchNorm, trainer: Trainer, weights: [Float]?)] = {
  func trainer(_ parts: Int = 1, _ statistics: BatchStatistics = .micro, freezing: NormFreezing? = nil) -> Trainer {
    Trainer(
      loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.1), batchSize: 16, accumulating: parts,
      statistics: statistics, freezing: freezing, threads: 1)
  }
  return [
    (BatchNorm(epsilon: 0), trainer(), nil), (BatchNorm(epsilon: 0), trainer(2), nil),
    (BatchNorm(epsilon: 0), trainer(2, .whole), nil),
    (BatchNorm(epsilon: 0), trainer(freezing: NormFreezing(afterEpoch: 1)), nil),
    (BatchNorm(epsilon: 0, ghostBatch: 8), trainer(), nil),
    (BatchNorm(epsilon: 0, renormalization: Renormalization()), trainer(), nil),
    (BatchNorm(epsilon: 0), trainer(), (0..<64).map { Float($0 % 3) }),
  ]
}()

@Test(arguments: ways.indices)
func aUnitThatIsConstantStaysAndItsNormGivesTheShift(way: Int) throws {
  let (norm, trainer, weights) = ways[way]
  var model = try constantFeatureModel(norm)
  let data = try constantFeatureExamples(64).with(weights: weights)
  try trainer.fit(&model, to: data, epochs: 3)
  let parameters = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.values.values) })
  #expect(parameters.values.joined().allSatisfy { $0.isFinite })
  #expect(parameters["0.weight"]![6..<9].allSatisfy { $0 == 0 })
  #expect(parameters["1.weight"]![2] == 1 && parameters["1.bias"]![2] != 0)
  #expect(model.runningStatistics[0].statistics.variance[2] == 0)
  let folded = try model.folded()
  for (before, after) in zip(try model.predict(data).values, try folded.predict(data).values) {
    #expect(abs(before - after) <= 1e-5)
  }
  let health = try model.diagnose(on: data)
  #expect(health.norms.count == 1)
}

@Test func anExampleOfZerosGivesTheShiftOfEveryNormOfAnExample() throws {
  for layer in [
    LayerNorm(epsilon: 0), GroupNorm(groups: 2, epsilon: 0), InstanceNorm(epsilon: 0), RMSNorm(epsilon: 0),
  ] as [any Layer] {
    let isOfPositions = layer is InstanceNorm
    let network = Network(input: isOfPositions ? [3, 2] : [6]) {
      layer
      Flatten()
      Dense(2)
    }
    var model = try Model(network, seed: 2)
    // Scaled, the first channels are those of a constant example: all are the mean.
    var values = [Float](repeating: 0, count: 18)
    for at in 0..<6 { (values[6 + at], values[12 + at]) = (Float(at + 1), -Float(at + 1)) }
    let data = try Dataset(values, shape: network.input, targets: .classes([0, 1, 0], labels: ["a", "b"]))
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.1), batchSize: 3, threads: 1)
      .fit(
        &model, to: data, epochs: 2)
    #expect(model.parameters.map(\.values.values).joined().allSatisfy { $0.isFinite }, "\(layer)")
    let predictions = try model.predict(data).values
    #expect(predictions.allSatisfy { $0.isFinite }, "\(layer)")
  }
}
