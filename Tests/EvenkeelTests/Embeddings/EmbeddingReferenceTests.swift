import Evenkeel
import EvenkeelReference
import Testing

/// A network that begins with embeddings. Those behind another one work on its vectors, so that the gradient of their input is
/// part of the gradients that a step shows.
struct EmbeddingCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let network: Network

  init(_ name: String, outputs: Int = 3, hasMembers: Bool = false, @LayerBuilder _ layers: () -> [any Layer]) {
    testDescription = name
    network = Network(input: [5]) {
      layers()
      if hasMembers { MemberDense(outputs) } else { Dense(outputs) }
    }
  }

  static let all: [EmbeddingCase] = [
    EmbeddingCase("piecewise linear") {
      PiecewiseLinear(bins: 7, width: 3)
      Dense(9)
      BatchNorm()
      ReLU()
    },
    EmbeddingCase("piecewise linear of some features, wide") { PiecewiseLinear(bins: 2, width: 17, features: [4, 1]) },
    EmbeddingCase("piecewise linear behind categories") {
      Embedding(counts: [2, 3], width: 4, features: [3, 0])
      PiecewiseLinear(bins: 5, width: 2)
      Tanh()
    },
    EmbeddingCase("periodic") {
      Periodic(frequencies: 6, deviation: 0.3, width: 4)
      Dense(9)
      BatchNorm()
      SiLU()
    },
    EmbeddingCase("periodic of some features, wide") {
      Periodic(frequencies: 17, deviation: 0.3, width: 19, features: [2, 0, 3])
    },
    EmbeddingCase("periodic behind categories") {
      Embedding(counts: [2, 3], width: 3, features: [3, 0])
      Periodic(frequencies: 5, deviation: 0.3, width: 2, features: [1, 2, 3, 4, 5])
    },
    EmbeddingCase("categories") {
      Embedding(counts: [2, 3, 1, 9, 2], width: 5)
      Dense(6)
      BatchNorm()
      GELU()
    },
    EmbeddingCase("members that share their layers", hasMembers: true) {
      Dense(6)
      Ensemble(members: 4)
      Dense(8)
      BatchNorm()
      ReLU()
      Dense(7, bias: .absent)
      Tanh()
    },
    EmbeddingCase("members with norms of their own", hasMembers: true) {
      PiecewiseLinear(bins: 3, width: 2)
      Ensemble(members: 3, start: .normal)
      Dense(4)
      Reshape([12])
      BatchNorm()
      Reshape([3, 4])
      SiLU()
      Ensemble(members: 3, start: .ones)
      MemberDense(5)
      Sigmoid()
    },
    EmbeddingCase("members of one output", outputs: 1, hasMembers: true) {
      Ensemble(members: 2)
      Dense(5)
      Tanh()
    },
    EmbeddingCase("one member", hasMembers: true) { Ensemble(members: 1) },
  ]
}

@Test(arguments: EmbeddingCase.all)
func embeddingsAndMembersAgreeWithTheReference(layerCase: EmbeddingCase) throws {
  for rows in [2, 3, 60, 257] {
    for loss in [ReferenceLoss.squared, .huber(delta: 0.6), .sigmoid] {
      try expectStepToAgree(layerCase.network, rows: rows, loss: loss, "\(rows) rows, \(loss)")
    }
    guard try layerCase.network.placed().outputCount > 1 else { continue }
    try expectStepToAgree(layerCase.network, rows: rows, loss: .softmax(smoothing: 0.1), "\(rows) rows")
  }
}

@Test(arguments: EmbeddingCase.all)
func rowsOfEmbeddingsAndMembersCountWhatTheyWeigh(layerCase: EmbeddingCase) throws {
  let weights = (0..<60).map { Float([0.5, 2, 0, 1][$0 % 4]) }
  try expectStepToAgree(layerCase.network, rows: 60, loss: .squared, weights: weights, "weights")
  try expectStepToAgree(layerCase.network, rows: 60, loss: .sigmoid, parts: 2, "parts")
}

@Test func denseLayersWorkOnEveryPosition() throws {
  for shape in [Shape([4, 3]), [1, 9], [33, 2]] {
    let network = Network(input: shape) {
      Dense(7)
      BatchNorm()
      ReLU()
      Dense(4, bias: .present)
      Tanh()
      Reshape([shape.dimensions[0] * 4])
      Dense(3)
    }
    for rows in [2, 9, 130] { try expectStepToAgree(network, rows: rows, "\(shape), \(rows) rows") }
  }
}

/// Products of numbers rounded to 8 bits are off by 2⁻⁹ each; over many their sums are nearer.
@Test(.enabled(if: Precision.bfloat16.isAvailable, "the processor has no bfloat16"))
func denseLayersOnPositionsInBFloat16AreNearThoseInFloats() throws {
  let network = Network(input: [5, 24]) {
    Dense(70)
    Tanh()
    Dense(33)
    Tanh()
    Reshape([165])
    Dense(3)
  }
  var numbers = Numbers(2)
  let data = try Dataset(
    numbers.many(60 * 120), shape: [5, 24], targets: .classes((0..<60).map { $0 % 3 }, labels: ["a", "b", "c"]))
  func gradients(_ precision: Precision) throws -> [[Float]] {
    let before = try Model(network, seed: 1)
    var model = before
    try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0x1p10), batchSize: 60, precision: precision
    ).fit(&model, to: data, epochs: 1)
    return zip(before.parameters, model.parameters).map { zip($0.values.values, $1.values.values).map { $0 - $1 } }
  }
  for (half, full) in zip(try gradients(.bfloat16), try gradients(.float32)) {
    func size(_ values: some Sequence<Float>) -> Double { values.reduce(0) { $0 + Double($1) * Double($1) } }
    let off = (size(zip(half, full).map { $0 - $1 }) / size(full)).squareRoot()
    #expect(off < 0.02 && half != full, "\(off)")
  }
}
