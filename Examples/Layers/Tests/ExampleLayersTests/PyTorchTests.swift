import Evenkeel
import EvenkeelLab
import Foundation
import Testing

/// The numbers of PyTorch, made by make_numbers.py: in double, so that the tolerances are of floats.
@Suite struct PyTorchTests {
  private struct Numbers: Decodable {
    let x: [Float]
    let labels: [Int32]
    let cases: [String: Case]
  }

  /// One network: its parameters at the start, what it gives untrained, loss and gradients of the first of three steps
  /// of gradient descent on all examples, and what these lead to.
  private struct Case: Decodable {
    let start: [String: [Float]]
    let untrained: [Float]
    let loss: Double
    let gradients: [String: [Float]]
    let end: [String: [Float]]
    let buffers: [String: [Float]]
    let trained: [Float]
  }

  private let numbers: Numbers
  private let data: Dataset

  init() throws {
    let file = try #require(Bundle.module.url(forResource: "numbers", withExtension: "json"))
    numbers = try JSONDecoder().decode(Numbers.self, from: Data(contentsOf: file))
    data = try Dataset(numbers.x, shape: [3], targets: .classes(numbers.labels, labels: ["0", "1"]))
  }

  private func numbers(of example: Example) throws -> Case { try #require(numbers.cases[example.rawValue]) }

  /// The model that PyTorch started from.
  private func start(_ example: Example) throws -> Model {
    var model = try Model(example.network)
    let expected = try numbers(of: example)
    #expect(Set(model.parameters.map(\.name)) == Set(expected.start.keys))
    for (name, _, values) in model.parameters {
      try model.setParameter(name, to: Tensor(try #require(expected.start[name]), shape: values.shape))
    }
    return model
  }

  @Test(arguments: Example.allCases) func predicts(_ example: Example) throws {
    let outputs = try start(example).predict(data)
    #expect(distance(outputs.values, try numbers(of: example).untrained) < 1e-5)
  }

  @Test(arguments: Example.allCases) func hasTheGradients(_ example: Example) throws {
    let expected = try numbers(of: example)
    let surface = try LossSurface(start(example), examples: data, loss: .softmaxCrossEntropy)
    let (loss, gradient) = try surface.gradient(at: surface.point)
    #expect(abs(loss - expected.loss) < 1e-6)
    for (name, values) in expected.gradients {
      let range = try #require(surface.ranges { candidate, _ in candidate == name }.first)
      #expect(distance(Array(gradient[range]), values) < 1e-6, "\(name)")
    }
  }

  /// Where nothing is drawn at random.
  @Test(arguments: [Example.mish, .norm, .weightNorm]) func trains(_ example: Example) throws {
    let expected = try numbers(of: example)
    var model = try start(example)
    let trainer = Trainer(
      loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.5), batchSize: data.count)
    try trainer.fit(&model, to: data, epochs: 3)
    for (name, _, values) in model.parameters {
      #expect(distance(values.values, try #require(expected.end[name])) < 1e-5, "\(name)")
    }
    for (name, values) in expected.buffers where !name.hasSuffix("num_batches_tracked") {
      #expect(distance(try model.stored(name), values) < 1e-5, "\(name)")
    }
    #expect(distance(try model.predict(data).values, expected.trained) < 1e-5)
  }
}
