import Evenkeel
import ExampleLayers
import Testing

@Suite struct MishTests {
  /// Weights before it start as it asks for, and it agrees with the one that Evenkeel has.
  @Test func isMish() throws {
    let (ours, theirs) = (
      try Model(Network(input: [3], layers: [Dense(64), ExampleMish()]), seed: 1),
      try Model(Network(input: [3], layers: [Dense(64), Mish()]), seed: 1)
    )
    #expect(ours.parameters.map(\.values) == theirs.parameters.map(\.values))
    let rows = Tensor([-80, 0, 1, 2, 3, 90], shape: [2, 3])
    #expect(distance(try ours.predict(rows).values, try theirs.predict(rows).values) < 2e-5)
  }
}

@Suite struct WeightNormTests {
  /// W of a fresh layer has the lengths that a dense layer has on average: the activation after it decides.
  @Test func startsAsTheActivationAsks() throws {
    let model = try Model(
      Network(input: [8]) {
        WeightNorm(Dense(4))
        ReLU()
      })
    let length = try #require(model.parameters.first { $0.name == "0.weight_g" }).values
    #expect(length.shape == [4, 1])
    // He: √(2/8) · √8.
    #expect(distance(length.values, [2, 2, 2, 2].map { Float($0).squareRoot() }) < 1e-6)
  }

  @Test func leavesOutABiasThatTheNextNormRemoves() throws {
    let model = try Model(
      Network(input: [3]) {
        WeightNorm(Dense(4))
        BatchNorm()
      })
    #expect(Set(model.parameters.map(\.name)) == ["0.weight_v", "0.weight_g", "1.weight", "1.bias"])
  }

  /// The length of v does not matter, that of W is g.
  @Test func dependsOnDirectionAlone() throws {
    var model = try Model(Network(input: [3], layers: [WeightNorm(Dense(4))]), seed: 2)
    let rows = Tensor([1, 2, 3], shape: [1, 3])
    let before = try model.predict(rows).values
    var v = try #require(model.parameters.first { $0.name == "0.weight_v" }).values
    v.values = v.values.map { 5 * $0 }
    try model.setParameter("0.weight_v", to: v)
    #expect(distance(try model.predict(rows).values, before) < 1e-5)
  }
}

@Suite struct GaussianNoiseTests {
  @Test func predictionIsWithoutNoise() throws {
    let model = try Model(Network(input: [3], layers: [GaussianNoise(deviation: 5)]))
    #expect(try model.predict([1, 2, 3]) == [1, 2, 3])
  }

  /// The noise of a batch in parts is that of the whole: the steps differ by rounding alone.
  @Test func isTheSameInParts() throws {
    let data = try Example.data(count: 60)
    func weights(parts: Int, seed: UInt64) throws -> [Float] {
      var trainer = Trainer(
        loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.5), batchSize: 60, seed: seed,
        threads: 1)
      trainer.accumulating = parts
      return try Example.noise.trained(epochs: 4, by: trainer, on: data).parameters.flatMap(\.values.values)
    }
    let whole = try weights(parts: 1, seed: 3)
    #expect(distance(whole, try weights(parts: 3, seed: 3)) < 1e-5)
    #expect(distance(whole, try weights(parts: 1, seed: 4)) > 1e-3)
  }

  /// Noise of deviation 0 is none: what comes back through it must be what comes back without it.
  @Test func passesItsGradientOn() throws {
    func weights(_ noise: [any Layer]) throws -> [Float] {
      var model = try Model(Network(input: [3], layers: [Dense(4)] + noise + [Dense(2)]), seed: 5)
      try Example.trainer().fit(&model, to: Example.data(), epochs: 2)
      return model.parameters.flatMap(\.values.values)
    }
    #expect(try weights([GaussianNoise(deviation: 0)]) == weights([]))
  }

  @Test func optionsOutOfRangeAreAnError() throws {
    let error = #expect(throws: EvenkeelError.self) {
      try Model(Network(input: [3], layers: [GaussianNoise(deviation: -1)]))
    }
    #expect(error?.message.contains("exampleNoise: deviation is -1.0; expected 0 or more.") == true)
  }
}
