import Evenkeel
import ExampleLayers
import Testing

/// What Evenkeel does with a norm that keeps running statistics.
@Suite struct NormTests {
  @Test func isExchanged() throws {
    let network = Network(input: [3]) {
      Dense(4)
      RMSBatchNorm(initialScale: 0.5)
      Dense(2)
    }
    let layers = try network.normalized(by: .layer).layers
    #expect(layers[1] as? LayerNorm == LayerNorm(initialScale: 0.5))
    #expect(network.withoutNormalization().layers.count == 2)
    let back = try network.normalized(by: .batch).mapLayers { layer, _ in
      layer.norm == nil ? [layer] : [RMSBatchNorm(initialScale: 0.5)]
    }
    #expect(back == network)
    #expect(RMSBatchNorm().withInitialScale(0) == RMSBatchNorm(initialScale: 0))
  }

  @Test func isRecalibrated() throws {
    var model = try Example.norm.trained()
    // Other data by the same scaling: its first layer gives other squares.
    let other = try Example.data(mean: 2)
    let before = try model.stored("1.mean_square")
    try model.recalibrate(on: other)
    let after = try model.stored("1.mean_square")
    // By hand: z of the first layer over all examples, as the model scales them.
    let scaling = try #require(model.scaling)
    let (weight, bias) = (
      model.parameters[0].values, try #require(model.parameters.first { $0.name == "0.bias" }).values
    )
    for unit in 0..<4 {
      let squares = (0..<other.count).map { row in
        let x = zip(other[row], zip(scaling.mean, scaling.deviation)).map { (Double($0) - $1.0) / $1.1 }
        let z = (0..<3).reduce(Double(bias.values[unit])) { $0 + Double(weight.values[unit * 3 + $1]) * x[$1] }
        return z * z
      }
      let mean = squares.reduce(0, +) / Double(squares.count)
      #expect(abs(Double(after[unit]) / mean - 1) < 1e-5)
    }
    #expect(before != after)
  }

  @Test func isFrozenByTraining() throws {
    var trainer = Example.trainer()
    trainer.freezing = NormFreezing(afterEpoch: 2, includesScaleAndShift: true)
    let (early, late) = (
      try Example.norm.trained(epochs: 2, by: trainer), try Example.norm.trained(epochs: 4, by: trainer)
    )
    for name in ["1.mean_square", "1.weight", "1.bias"] { #expect(try early.stored(name) == late.stored(name)) }
    #expect(try early.stored("0.weight") != late.stored("0.weight"))
  }

  @Test func isFrozenByItsOption() throws {
    let network = Network(input: [3]) {
      Dense(4)
      RMSBatchNorm(frozen: true)
      Dense(2)
    }
    var model = try Model(network, seed: 5)
    let scale = try model.stored("1.weight")
    try Example.trainer().fit(&model, to: Example.data(), epochs: 2)
    #expect(try model.stored("1.mean_square") == [1, 1, 1, 1])
    #expect(try model.stored("1.weight") != scale)
  }

  @Test func takesBatchesInParts() throws {
    var trainer = Example.trainer(batchSize: 60)
    trainer.accumulating = 3
    #expect(try Example.norm.trained(by: trainer).evaluate(Example.data()).loss.isFinite)
    trainer.statistics = .whole
    let error = #expect(throws: EvenkeelError.self) { try Example.norm.trained(by: trainer) }
    #expect(error?.message.contains("cannot take statistics of the whole batch") == true)
  }

  /// An example of weight 2 is two examples.
  @Test func countsExamplesByTheirWeights() throws {
    let data = try Example.data(count: 20)
    let twice = data.subset(Array(0..<20) + Array(0..<10))
    let weighted = try data.with(weights: (0..<20).map { $0 < 10 ? 2 : 1 })
    let trainer = Trainer(
      loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.5), batchSize: 30, threads: 1)
    // Both by the scaling of one of them.
    var start = try Model(Example.norm.network, seed: 5)
    try trainer.fit(&start, to: data, epochs: 1)
    var (left, right) = (start, start)
    try trainer.fit(&left, to: twice, epochs: 3)
    try trainer.fit(&right, to: weighted, epochs: 3)
    #expect(distance(try left.stored("1.mean_square"), try right.stored("1.mean_square")) < 1e-5)
    #expect(distance(try left.stored("0.weight"), try right.stored("0.weight")) < 1e-5)
  }

  /// Statistics are those of a channel over examples and positions.
  @Test func countsPositions() throws {
    let network = Network(input: [2, 3]) {
      RMSBatchNorm()
      GlobalAveragePool()
      Dense(2)
    }
    let points = try Example.data(count: 40)
    let images = try Dataset(
      (0..<40).flatMap { points[$0] }, shape: [2, 3], targets: .classes((0..<20).map { $0 % 2 }, labels: ["a", "b"]))
    var model = try Model(network, seed: 5)
    try Example.trainer(batchSize: 20).fit(&model, to: images, epochs: 1)
    let scaling = try #require(model.scaling)
    let standardized = (0..<20).flatMap { row in
      images[row].enumerated().map { i, x in
        (x - Float(scaling.mean[i % scaling.mean.count])) / Float(scaling.deviation[i % scaling.mean.count])
      }
    }
    let squares = (0..<3).map { c in
      stride(from: c, to: standardized.count, by: 3).reduce(0) { $0 + standardized[$1] * standardized[$1] } / 40
    }
    #expect(distance(try model.stored("0.mean_square"), squares) < 1e-5)
    let sequences = try images.with(lengths: Array(repeating: 1, count: 20))
    let error = #expect(throws: EvenkeelError.self) {
      try Example.trainer(batchSize: 20).fit(&model, to: sequences, epochs: 1)
    }
    #expect(error?.message.contains("exampleRMSBatchNorm") == true)
  }

  @Test func valuesThatAreNotFiniteAreAnError() throws {
    var model = try Model(Example.norm.network, seed: 5)
    try model.setParameter("0.bias", to: Tensor([0, 3e38, 0, 0], shape: [4]))
    let error = #expect(throws: EvenkeelError.self) {
      try Example.trainer().fit(&model, to: Example.data(), epochs: 1)
    }
    #expect(error?.code == .data)
    #expect(error?.message.contains("feature 1") == true)
  }

  @Test func optionsOutOfRangeAreAnError() throws {
    let error = #expect(throws: EvenkeelError.self) { try RMSBatchNorm(decay: 1).outputShape(for: [3]) }
    #expect(error?.message == "exampleRMSBatchNorm: decay is 1.0; expected 0 or more and less than 1.")
  }
}
