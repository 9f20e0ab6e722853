import Evenkeel
import EvenkeelLab
import ExampleLayers
import Foundation
import Testing

/// What Evenkeel does with every layer, whoever wrote it.
@Suite struct EveryLayerTests {
  @Test(arguments: Example.allCases) func learns(_ example: Example) throws {
    let data = try Example.data()
    let before = try example.trained(epochs: 1).evaluate(data).loss
    let after = try example.trained(epochs: 30).evaluate(data).loss
    // Noise has no activation: its network is linear and finds no circle.
    #expect(after < before * (example == .noise ? 1.01 : 0.9))
  }

  @Test(arguments: Example.allCases) func isStored(_ example: Example) throws {
    let model = try example.trained()
    let read = try withFile { path in
      try model.write(to: path)
      return try Model(contentsOf: path)
    }
    let data = try Example.data(seed: 2)
    #expect(read.network == model.network)
    #expect(try read.predict(data) == model.predict(data))
  }

  @Test func isNamedInNetworkFiles() throws {
    Example.register()
    let network = try read(
      """
      input: [3]
      layers:
        - exampleWeightNorm: {dense: 8}
        - exampleRMSBatchNorm: {decay: 0.99}
        - exampleMish
        - exampleNoise: {deviation: 0.2}
        - exampleNoise
        - exampleRMSBatchNorm
        - dense: 2
      """)
    #expect(
      network
        == Network(input: [3]) {
          WeightNorm(Dense(8))
          RMSBatchNorm(decay: 0.99)
          ExampleMish()
          GaussianNoise(deviation: 0.2)
          GaussianNoise(deviation: 0.1)
          RMSBatchNorm()
          Dense(2)
        })
    let error = #expect(throws: EvenkeelError.self) {
      try read("input: [3]\nlayers: [{exampleNoise: {sigma: 0.2}}, {dense: 2}]")
    }
    #expect(error?.message.contains("\"sigma\" is not an option; expected deviation") == true)
  }

  private func read(_ text: String) throws -> Network {
    try withFile { path in
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      return try Network(contentsOf: path)
    }
  }

  @Test(arguments: Example.allCases) func resumesToTheBit(_ example: Example) throws {
    let (data, trainer) = (try Example.data(), Example.trainer())
    let whole = try example.trained(epochs: 4)
    var model = try Model(example.network, seed: 5)
    var checkpoint: Checkpoint?
    try trainer.fit(
      &model, to: data, epochs: 2,
      onEvent: { event in
        if case .epoch(_, let last) = event { checkpoint = last }
      })
    let stopped = try withFile { path in
      try #require(checkpoint).write(to: path)
      return try Checkpoint(contentsOf: path)
    }
    var resumed = stopped.model
    try trainer.fit(&resumed, to: data, epochs: 4, resuming: stopped)
    #expect(try resumed.predict(data) == whole.predict(data))
    #expect(resumed.parameters.map(\.values) == whole.parameters.map(\.values))
  }

  @Test(arguments: Example.allCases) func isFoldedWithItsNeighbors(_ example: Example) throws {
    let data = try Example.data()
    let network = Network(input: [3], layers: [Dense(3), BatchNorm()] + example.network.layers)
    var model = try Model(network, seed: 5)
    try Example.trainer().fit(&model, to: data, epochs: 2)
    let folded = try model.folded()
    #expect(!folded.network.layers.contains { $0 is BatchNorm })
    #expect(distance(try folded.predict(data).values, try model.predict(data).values) < 1e-5)
  }

  @Test func batchNormAfterAWrapperIsNotFolded() throws {
    let network = Network(input: [3]) {
      WeightNorm(Dense(4))
      BatchNorm()
      Dense(2)
    }
    let error = #expect(throws: EvenkeelError.self) { try Model(network).folded() }
    #expect(error?.message.contains("Layer 1 (batchNorm) cannot be folded") == true)
  }

  @Test(arguments: Example.allCases) func isDiagnosed(_ example: Example) throws {
    let data = try Example.data()
    let network = Network(input: [3], layers: [Dense(4), BatchNorm()] + example.network.layers)
    var model = try Model(network, seed: 5)
    try Example.trainer().fit(&model, to: data, epochs: 5)
    let diagnosis = try model.diagnose(on: data)
    #expect(diagnosis.norms.map(\.layer) == ["1"])
    // The doctor evaluates in another order of examples.
    #expect(abs(try #require(diagnosis.comparison).running.loss - model.evaluate(data).loss) < 1e-6)
  }

  @Test(arguments: Example.allCases) func hasItsLossSurface(_ example: Example) throws {
    let surface = try LossSurface(example.trained(), examples: Example.data(count: 40))
    let gradient = try surface.gradient(at: surface.point).gradient
    var random = RandomNumbers(RandomKey(seed: 9))
    for range in surface.ranges() {
      var direction = [Float](repeating: 0, count: surface.count)
      for i in range { direction[i] = Float(random.normal()) }
      let step: Float = 0.01
      let ahead = try surface.loss(at: zip(surface.point, direction).map { $0 + step * $1 })
      let back = try surface.loss(at: zip(surface.point, direction).map { $0 - step * $1 })
      let slope = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs((ahead - back) / (2 * Double(step)) - slope) < 2e-3 * max(1, abs(slope)))
    }
  }

  /// Second derivatives are written for each layer; noise is left out on a surface.
  @Test(arguments: [Example.mish, .norm, .weightNorm]) func hasNoHessian(_ example: Example) throws {
    let surface = try LossSurface(example.trained(), examples: Example.data(count: 40))
    let error = #expect(throws: EvenkeelError.self) { try Hessian(of: surface) }
    #expect(error?.message.contains("its second derivatives are unknown, so there is no Hessian.") == true)
  }

  @Test(.enabled(if: Precision.bfloat16.isAvailable), arguments: Example.allCases)
  func learnsInBFloat16(_ example: Example) throws {
    var trainer = Example.trainer()
    trainer.precision = .bfloat16
    let (data, exact) = (try Example.data(), try example.trained(epochs: 2))
    let rounded = try example.trained(epochs: 2, by: trainer)
    #expect(distance(try rounded.predict(data).values, try exact.predict(data).values) < 0.05)
    #expect(rounded.parameters.map(\.values) != exact.parameters.map(\.values))
  }
}
