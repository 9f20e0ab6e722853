import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

private let rate = 0x1p20

@Test(arguments: VariantCase.all + LayerCase.all.filter { $0.testDescription.contains("atch") }.map { VariantCase($0) })
func weightedStepsAgreeWithTheReference(variant: VariantCase) throws {
  for rows in [20, 33, 150] {
    var numbers = Numbers(rows)
    // Whole weights, among them 0, and fractions; no ghost batch is left without two examples.
    let weights = (0..<rows).map { $0 % 3 == 2 ? abs(numbers.next()) : Float($0 % 5) }
    guard variant.testDescription.contains("ghost 2,") == false else { continue }
    try expectStepToAgree(variant.network, rows: rows, weights: weights, "\(rows) rows, the first step")
    try expectStepToAgree(variant.network, rows: rows, warmUp: 2, weights: weights, "\(rows) rows, the third step")
  }
}

@Test(arguments: [
  ReferenceLoss.softmax(smoothing: 0.1), .sigmoid, .squared, .huber(delta: 0.6),
])
func everyLossWeighsItsExamplesAsTheReferenceDoes(loss: ReferenceLoss) throws {
  let network = Network(input: [4]) {
    Dense(9)
    BatchNorm()
    ReLU()
    Dense(7)
  }
  for rows in [5, 60] {
    let weights = (0..<rows).map { Float($0 % 4) * 0.5 }
    try expectStepToAgree(network, rows: rows, loss: loss, weights: weights, "\(rows) rows")
  }
}

/// One step with a rate that shows the gradients, on all examples at once.
private func shown(_ network: Network, _ data: Dataset, from start: Model? = nil) throws -> (
  gradients: [String: [Double]], model: Model, loss: Double
) {
  let before = try start ?? Model(network, seed: 3)
  var after = before
  let history = try Trainer(
    loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: rate), batchSize: data.count
  ).fit(&after, to: data, epochs: 1)
  let gradients = zip(before.parameters, after.parameters).map { old, new in
    (old.name, zip(old.values.values, new.values.values).map { (Double($0) - Double($1)) / rate })
  }
  return (Dictionary(uniqueKeysWithValues: gradients), after, history.epochs[0].trainLoss)
}

private func about(_ values: [Double]) -> [Bounded] { values.map { Bounded($0, error: 3e-6 * (1 + abs($0))) } }

private func expectSame(
  _ one: (gradients: [String: [Double]], model: Model, loss: Double),
  _ other: (gradients: [String: [Double]], model: Model, loss: Double)
) {
  expect([one.loss], near: about([other.loss]), "the loss")
  for (name, gradient) in one.gradients { expect(gradient, near: about(other.gradients[name]!), name) }
  for (a, b) in zip(one.model.runningStatistics, other.model.runningStatistics) {
    expect(a.statistics.mean, near: about(b.statistics.mean.map { Double($0) }), "running means of \(a.name)")
    expect(
      a.statistics.variance, near: about(b.statistics.variance.map { Double($0) }), "running variances of \(a.name)")
  }
  let (a, b) = (one.model.scaling!, other.model.scaling!)
  expect((a.mean + a.deviation).map { Float($0) }, near: about(b.mean + b.deviation), "the input scaling")
}

@Test func aWeightOfTwoIsTheSameAsARowGivenTwice() throws {
  let network = Network(input: [6]) {
    Dense(11)
    BatchNorm()
    Tanh()
    BatchNorm(renormalization: Renormalization(rampTo: 0))
    Dense(3)
  }
  var numbers = Numbers(4)
  let rows = (0..<30).map { _ in numbers.many(6) }
  func data(_ chosen: [Int]) throws -> Dataset {
    try Dataset(
      chosen.flatMap { rows[$0] }, shape: [6],
      targets: .classes(chosen.map { Int32($0 % 3) }, labels: ["a", "b", "c"]))
  }
  let counts = (0..<30).map { $0 % 4 }
  let weighted = try data(Array(0..<30)).with(weights: counts.map { Float($0) })
  let repeated = try data((0..<30).flatMap { Array(repeating: $0, count: counts[$0]) })
  let (one, other) = (try shown(network, weighted), try shown(network, repeated))
  expectSame(one, other)
  let (quality, plain) = (try one.model.evaluate(weighted), try one.model.evaluate(repeated))
  #expect(abs(quality.loss - plain.loss) < 1e-6 * plain.loss && abs(quality.accuracy! - plain.accuracy!) < 1e-12)
  #expect(quality.count == 30)
}

/// Sequences of five lengths, padded to `length` with rubbish.
private func sequences(padded length: Int) throws -> Dataset {
  var numbers = Numbers(12)
  let lengths = (0..<24).map { [9, 4, 7, 1, 6][$0 % 5] }
  var values: [Float] = []
  for own in lengths { values += numbers.many(own * 3) + [Float](repeating: 5, count: (length - own) * 3) }
  return try Dataset(
    values, shape: [length, 3], targets: .classes((0..<24).map { Int32($0 * 5 % 3) }, labels: ["a", "b", "c"])
  ).with(lengths: lengths)
}

private func sequenceNetwork(_ length: Int) -> Network {
  Network(input: [length, 3]) {
    Convolution1D(8, kernel: 3)
    BatchNorm()
    GELU()
    Residual(shortcut: .projection) {
      Convolution1D(6, kernel: 5, stride: 2, bias: .present)
      Sigmoid()
      Convolution1D(6, kernel: 3)
      BatchNorm(ghostBatch: 12)
    }
    ReLU()
    Convolution1D(5, kernel: 2)
    Softplus()
    BatchNorm()
    GlobalAveragePool()
    Dense(3)
  }
}

@Test func paddedSequencesEqualUnpaddedOnes() throws {
  let (short, long) = (try sequences(padded: 9), try sequences(padded: 23))
  let one = try shown(sequenceNetwork(9), short)
  expectSame(try shown(sequenceNetwork(23), long), one)
  // Predictions too, and those of an example that is whole.
  var wide = try Model(sequenceNetwork(23))
  try withTemporaryPath { path in
    try one.model.write(to: path)
    try wide.readParameters(from: path)
  }
  let raw = try Model(sequenceNetwork(9), seed: 3)
  var same = try Model(sequenceNetwork(23))
  try withTemporaryPath { path in
    try raw.write(to: path)
    try same.readParameters(from: path)
  }
  expect(
    try same.predict(long).values, near: about(try raw.predict(short).values.map { Double($0) }), "predictions")
  let whole = short.subset([0, 5, 10])
  let unsaid = try Dataset((0..<3).flatMap { whole[$0] }, shape: [9, 3])
  #expect(try raw.predict(whole).values == raw.predict(unsaid).values)
}

@Test func aBatchThatCountsNothingLeavesAllAlone() throws {
  let network = Network(input: [6]) {
    Dense(8)
    BatchNorm(ghostBatch: 4)
    ReLU()
    Dense(3)
  }
  var numbers = Numbers(5)
  let order = orderOfFirstEpoch(24)
  // The second of three batches is masked; in the third two ghost batches have one example or none that counts.
  var weights = [Float](repeating: 1, count: 24)
  for position in 8..<16 { weights[order[position]] = 0 }
  let data = try Dataset(
    numbers.many(24 * 6), shape: [6], targets: .classes((0..<24).map { Int32($0 % 3) }, labels: ["a", "b", "c"])
  ).with(weights: weights)
  var model = try Model(network, seed: 1)
  var states: [Checkpoint] = []
  var steps = 0
  for stop in 1...3 {
    var run = try Model(network, seed: 1)
    steps = 0
    do {
      try Trainer(loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: 0.1, weightDecay: 0.1), batchSize: 8)
        .fit(
          &run, to: data, epochs: 2,
          shouldStop: {
            steps += 1
            return steps == stop
          }, onEvent: { if case .interrupted(let checkpoint) = $0 { states.append(checkpoint) } })
    } catch {}
    model = run
  }
  try #require(states.count == 3)
  #expect(states[1].model.parameters.map(\.values) == states[0].model.parameters.map(\.values))
  #expect(states[1].model.runningStatistics[0].statistics == states[0].model.runningStatistics[0].statistics)
  #expect(states[2].model.parameters.map(\.values) != states[0].model.parameters.map(\.values))
  #expect(states.map { $0.model.runningStatistics[0].statistics.batchCount } == [2, 2, 4])
  _ = model
}

/// A ghost batch in which one example counts has no variance: the running statistics serve.
@Test func tooFewExamplesThatCountAreNormalizedWithTheRunningStatistics() throws {
  let network = Network(input: [2]) {
    BatchNorm()
    Dense(2)
  }
  let data = try Dataset(
    [1, 2, 3, 5, -1, 0], shape: [2], targets: .classes([0, 1, 0], labels: ["a", "b"]))
  var model = try Model(network, seed: 1)
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.1), batchSize: 3)
  try trainer.fit(&model, to: data, epochs: 1)
  let before = model
  let one = try data.with(weights: [0, 2, 0])
  let history = try trainer.fit(&model, to: one, epochs: 1)
  #expect(abs(history.epochs[0].trainLoss - (try before.evaluate(data.subset([1])).loss)) < 1e-6)
  #expect(model.runningStatistics[0].statistics == before.runningStatistics[0].statistics)
  #expect(model.parameters[1].values != before.parameters[1].values)
}

@Test func weightsThatCannotBeAreRefused() throws {
  let table = try Dataset([1, 2, 3, 4, 5, 6], shape: [2], targets: .classes([0, 1, 0], labels: ["a", "b"]))
  let sequences = try Dataset(
    [1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2], targets: .classes([0, 1], labels: ["a", "b"]))
  func expectError(_ part: String, _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) {
    let error = #expect(throws: EvenkeelError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.message.contains(part) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
  }
  expectError("Expected 3 weights, one per example, got 2") { _ = try table.with(weights: [1, 2]) }
  expectError("weight of example 1 is -1.0; expected 0 or more") { _ = try table.with(weights: [1, -1, 0]) }
  expectError("weight of example 2 is nan") { _ = try table.with(weights: [1, 1, .nan]) }
  expectError("weight of example 0 is inf") { _ = try table.with(weights: [.infinity, 1, 1]) }
  expectError("All 3 weights are 0") { _ = try table.with(weights: [0, 0, 0]) }
  expectError("[length, channels], not with [2]") { _ = try table.with(lengths: [1, 1, 1]) }
  expectError("Expected 2 lengths, one per example, got 1") { _ = try sequences.with(lengths: [1]) }
  expectError("length of example 1 is 3; expected 0 to 2") { _ = try sequences.with(lengths: [0, 3]) }
  expectError("length of example 0 is -1; expected 0 to 2") { _ = try sequences.with(lengths: [-1, 2]) }
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam())
  var model = try Model(
    Network(input: [2]) {
      BatchNorm()
      Dense(2)
    })
  let part = try table.with(weights: [1, 0, 0]).subset([1, 2])
  expectError("None of the 2 examples has a weight") { try trainer.fit(&model, to: part, epochs: 1) }
  try trainer.fit(&model, to: table, epochs: 1)
  expectError("None of the 2 examples has a weight") { _ = try model.evaluate(part) }
  var image = try Model(
    Network(input: [2, 2]) {
      MaxPool(2, stride: 1, padding: .same)
      Flatten()
      Dense(2)
    })
  expectError("Layer 0 (maxPool) cannot work on sequences of lengths of their own") {
    try trainer.fit(&image, to: sequences.with(lengths: [2, 1]), epochs: 1)
  }
  expectError("sequences of shape [2, 2] with lengths of their own, which a network with input [4] cannot use") {
    var flat = try Model(Network(input: [4]) { Dense(2) })
    try trainer.fit(&flat, to: sequences.with(lengths: [2, 1]), epochs: 1)
  }
}

@Test func aSteadyWeightedStepGivesTheSameBitsForAnyThreads() throws {
  let data = try sequences(padded: 23)
  func bits(_ threads: Int) throws -> [[Float]] {
    var model = try Model(
      Network(input: [23, 3]) {
        Convolution1D(160, kernel: 3)
        BatchNorm()
        ReLU()
        GlobalAveragePool()
        Dense(3)
      }, seed: 1)
    try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 12, threads: threads
    ).fit(&model, to: data, epochs: 2)
    return model.parameters.map(\.values.values) + model.runningStatistics.map(\.statistics.variance)
  }
  let one = try bits(1)
  #expect(try bits(2) == one)
}

@Test func recalibrationHeedsWeightsAndLengths() throws {
  let (short, long) = (try sequences(padded: 9), try sequences(padded: 23))
  var one = try Model(sequenceNetwork(9), seed: 3)
  var other = try Model(sequenceNetwork(23), seed: 3)
  // Twice an example and an example of weight two are the same.
  let weights = (0..<24).map { Float($0 % 3) }
  let lengths = (0..<24).map { Int(short.lengths![$0]) }
  try one.recalibrate(on: short.subset((0..<24).flatMap { Array(repeating: $0, count: $0 % 3) }), batchSize: 5)
  try other.recalibrate(on: long.with(weights: weights, lengths: lengths), batchSize: 7)
  for (a, b) in zip(one.runningStatistics, other.runningStatistics) {
    expect(a.statistics.mean, near: about(b.statistics.mean.map { Double($0) }), "means of \(a.name)")
    expect(a.statistics.variance, near: about(b.statistics.variance.map { Double($0) }), "variances of \(a.name)")
  }
}
