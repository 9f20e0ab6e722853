import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

private let text = """
  input: [6]
  layers:
    - embedding: {counts: [4, 3], features: [2, 5]}
    - piecewiseLinear: {bins: 9, width: 4, features: [0, 3]}
    - periodic: {frequencies: 5, deviation: 0.2, width: 3, features: [1]}
    - ensemble: 4
    - dense: 8
    - reshape: [32]
    - batchNorm: {}
    - reshape: {shape: [4, 8]}
    - relu
    - ensemble: {members: 4, start: ones}
    - memberDense: {units: 5, initialization: he}
    - silu
    - memberDense: 3
  """

private let network = Network(input: [6]) {
  Embedding(counts: [4, 3], features: [2, 5])
  PiecewiseLinear(bins: 9, width: 4, features: [0, 3])
  Periodic(frequencies: 5, deviation: 0.2, width: 3, features: [1])
  Ensemble(members: 4)
  Dense(8)
  Reshape([32])
  BatchNorm()
  Reshape([4, 8])
  ReLU()
  Ensemble(members: 4, start: .ones)
  MemberDense(5, initialization: .he)
  SiLU()
  MemberDense(3)
}

private func data() throws -> Dataset {
  var numbers = Numbers(5)
  return try Dataset(
    numbers.many(70 * 6), shape: [6], targets: .classes((0..<70).map { $0 % 3 }, labels: ["a", "b", "c"]))
}

@Test func aNetworkFileDescribesEmbeddingsAndEnsembles() throws {
  let long = try withTemporaryPath(".yaml", containing: text) { try Network(contentsOf: $0) }
  #expect(long == network)
  let short = "input: [2]\nlayers: [piecewiseLinear: {}, periodic: {}, dense: 1]\n"
  let read = try withTemporaryPath(".yaml", containing: short) { try Network(contentsOf: $0) }
  let built = Network(input: [2]) {
    PiecewiseLinear(bins: 48, width: 16)
    Periodic(frequencies: 48, deviation: 0.01, width: 24)
    Dense(1)
  }
  #expect(read == built)
}

@Test func aStoredModelWithEmbeddingsPredictsTheSame() throws {
  var model = try Model(network, seed: 2)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 20).fit(
    &model, to: data(), epochs: 2)
  try withTemporaryPath { path in
    try model.write(to: path)
    let read = try Model(contentsOf: path)
    #expect(read.network == network && read.scaling == model.scaling)
    #expect(read.parameters.map(\.values) == model.parameters.map(\.values))
    #expect(try read.predict(data()) == model.predict(data()))
  }
}

@Test func aTrainingGoesOnFromACheckpointWithItsEdges() throws {
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 20)
  var whole = try Model(network, seed: 2)
  var first: Checkpoint?
  try trainer.fit(
    &whole, to: data(), epochs: 3,
    onEvent: { if case .epoch(_, let checkpoint) = $0, first == nil { first = checkpoint } })
  let checkpoint = try #require(first)
  try withTemporaryPath { path in
    try checkpoint.write(to: path)
    let read = try Checkpoint(contentsOf: path)
    var model = read.model
    try trainer.fit(&model, to: data(), epochs: 3, resuming: read)
    #expect(model.parameters.map(\.values) == whole.parameters.map(\.values))
    #expect(try model.predict(data()) == whole.predict(data()))
  }
}

@Test func anOptionThatDoesNotFitIsNamed() throws {
  let cases: [(String, any Layer)] = [
    ("piecewiseLinear: bins and width are 0 and 16; expected 1 to 4096.", PiecewiseLinear(bins: 0)),
    ("piecewiseLinear: bins and width are 48 and 5000; expected 1 to 4096.", PiecewiseLinear(width: 5000)),
    ("piecewiseLinear: features has 3; expected 0 to 2.", PiecewiseLinear(features: [0, 3])),
    ("piecewiseLinear: features are [1, 1]; expected at least one, each once.", PiecewiseLinear(features: [1, 1])),
    ("piecewiseLinear: features are []; expected at least one, each once.", PiecewiseLinear(features: [])),
    ("periodic: frequencies and width are 48 and 0; expected 1 to 4096.", Periodic(width: 0)),
    ("periodic: deviation is 0.0; expected a number above 0.", Periodic(deviation: 0)),
    ("periodic: deviation is inf; expected a number above 0.", Periodic(deviation: .infinity)),
    ("periodic: features has -1; expected 0 to 2.", Periodic(features: [-1])),
    ("embedding: counts are [2]; expected one for each of 3 features, from 1 to 16777216.", Embedding(counts: [2])),
    ("embedding: counts are [0]; expected one for each of 1 features", Embedding(counts: [0], features: [1])),
    ("embedding: width is 0; expected 1 to 4096.", Embedding(counts: [1, 1, 1], width: 0)),
    ("ensemble: members is 0; expected 1 to 1024.", Ensemble(members: 0)),
    ("memberDense: units is 0; expected at least 1.", MemberDense(0)),
    ("memberDense: expected an input of shape [members, features], got [3].", MemberDense(2)),
    ("reshape: shape is [2, 2]; expected 3 values, as many as [3] has.", Reshape([2, 2])),
    ("reshape: shape is [-1, -3]; expected 3 values", Reshape([-1, -3])),
  ]
  for (sentence, layer) in cases {
    expectError(sentence, code: .usage) { _ = try Network(input: [3], layers: [layer]).outputShape() }
  }
  for layer: any Layer in [PiecewiseLinear(), Periodic(), Embedding(counts: [1])] {
    expectError("expected an input of shape [features], got [2, 3]; put a flatten before it.", code: .usage) {
      _ = try Network(input: [2, 3], layers: [layer]).outputShape()
    }
  }
  expectError("expected an input of shape [features] or [3, features], got [2, 4].", code: .usage) {
    _ = try Network(input: [2, 4], layers: [Ensemble(members: 3)]).outputShape()
  }
  expectError("The network gives [2]; expected [4, outputs], as layer 0 makes 4 members.", code: .usage) {
    _ = try Model(Network(input: [3], layers: [Ensemble(members: 4), Reshape([12]), Dense(2)]))
  }
  expectError("features", code: .usage) {
    _ = try withTemporaryPath(".yaml", containing: "input: [2]\nlayers: [periodic: {features: x}, dense: 1]\n") {
      try Network(contentsOf: $0)
    }
  }
}

@Test func vectorsThatMemoryDoesNotHoldAreRefusedBeforeTraining() throws {
  let network = Network(input: [3]) {
    Embedding(counts: Array(repeating: 1 << 24, count: 3), width: 4096)
    Dense(1)
  }
  expectError("Training a network of", code: .usage) {
    try Trainer(loss: .meanSquaredError, optimizer: .adam(), batchSize: 8).requireMemory(for: network)
  }
}

@Test func productsAreCountedAsTheyAreComputed() throws {
  // A member has weights of its own; a bin of a number is one of many.
  let counts = try network.placed().layers.map(\.multiplyAdds)
  #expect(counts == [0, 2 * 8, 5 * 7, 4 * 28, 4 * 28 * 8, 0, 0, 0, 0, 4 * 8, 4 * 8 * 5, 0, 4 * 5 * 3])
}
