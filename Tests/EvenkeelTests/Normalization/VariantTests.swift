import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

@Test(arguments: VariantCase.all)
func ghostBatchesAndRenormalizationAgreeWithTheReference(variant: VariantCase) throws {
  for rows in [20, 33, 64, 150] {
    try expectStepToAgree(variant.network, rows: rows, "\(rows) rows, the first step")
    try expectStepToAgree(variant.network, rows: rows, warmUp: 3, "\(rows) rows, the fourth step")
  }
}

private let rows = 11
private let features = 5
private let rate = 0x1p20

/// The network of Tests/Fixtures/make_variants.py, and a data set whose first epoch takes the examples in the order of `x`.
private func model(_ norm: BatchNorm) throws -> Model {
  var model = try Model(
    Network(input: [features]) {
      norm
      ReLU()
      Dense(3, bias: .absent)
    })
  try model.setParameter("0.weight", to: Tensor(wave(features, 1.3, 1.5), shape: [features]))
  try model.setParameter("0.bias", to: Tensor(wave(features, 1.7, 0.5), shape: [features]))
  try model.setParameter("2.weight", to: Tensor(wave(3 * features, 1.1, 0.5), shape: [3, features]))
  return model
}

private func ordered(_ x: [Float]) throws -> Dataset {
  var (values, labels) = (x, [Int32](repeating: 0, count: rows))
  for (position, example) in orderOfFirstEpoch(rows).enumerated() {
    labels[example] = Int32(position % 3)
    for feature in 0..<features { values[example * features + feature] = x[position * features + feature] }
  }
  return try Dataset(values, shape: [features], targets: .classes(labels, labels: ["a", "b", "c"]))
}

/// A step with a learning rate that shows the gradients, or with one that changes nothing.
private func step(_ model: inout Model, on data: Dataset, learningRate: Double = rate) throws -> Double {
  try Trainer(
    loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: learningRate), batchSize: data.count
  ).fit(&model, to: data, epochs: 1).epochs[0].trainLoss
}

private func gradients(_ before: Model, _ after: Model) -> [String: [Double]] {
  Dictionary(
    uniqueKeysWithValues: zip(before.parameters, after.parameters).map { old, new in
      (old.name, zip(old.values.values, new.values.values).map { (Double($0) - Double($1)) / rate })
    })
}

/// What a handful of operations in Float on numbers near 1 may be off.
private func about(_ values: [Double]) -> [Bounded] { values.map { Bounded($0, error: 1e-6 * (1 + abs($0))) } }

/// A step by PyTorch: the loss, the gradients of scale, shift and the layer after it, the running statistics.
private struct GoldenStep: Decodable {
  let loss, scale, shift, weight, runningMean, runningVariance: [Double]

  private struct File: Decodable {
    let steps: [String: GoldenStep]
  }

  static let all = Fixture.json("variants.json", as: File.self).steps
}

@Test(arguments: [
  ("ghost 4", BatchNorm(debiased: false, ghostBatch: 4)), ("ghost 2", BatchNorm(debiased: false, ghostBatch: 2)),
  ("renorm to 3 and 5", BatchNorm(debiased: false, renormalization: Renormalization(rampTo: 1))),
  (
    "renorm a quarter of the way to 1.2 and 0.4",
    BatchNorm(
      debiased: false,
      renormalization: Renormalization(maximumRatio: 1.2, maximumOffset: 0.4, rampTo: 4))
  ),
])
func aStepIsThatOfPyTorch(name: String, norm: BatchNorm) throws {
  let golden = GoldenStep.all[name]!
  var model = try model(norm)
  let x = try ordered(wave(rows * features, 0.7, 2, 3))
  var data = x
  if norm.renormalization != nil {
    _ = try step(&model, on: x, learningRate: 1e-30)
    data = try ordered(wave(rows * features, 1.9, 1.5, 2.5))
  }
  let before = model
  let loss = try step(&model, on: data)
  let found = gradients(before, model)
  expect([loss], near: about(golden.loss), "the loss")
  expect(found["0.weight"]!, near: about(golden.scale), "dγ")
  expect(found["0.bias"]!, near: about(golden.shift), "dβ")
  expect(found["2.weight"]!, near: about(golden.weight), "dW")
  let statistics = model.runningStatistics[0].statistics
  expect(statistics.mean, near: about(golden.runningMean), "running means")
  expect(statistics.variance, near: about(golden.runningVariance), "running variances")
}

@Test func aStepOnGhostBatchesIsThatOfAccumulatedMicroBatches() throws {
  func network(_ norm: BatchNorm) -> Network {
    Network(input: [6]) {
      Dense(21)
      norm
      SiLU()
      Dense(4)
    }
  }
  var numbers = Numbers(3)
  let values = numbers.many(96 * 6)
  func dataset(_ examples: some Sequence<Int>) throws -> Dataset {
    let examples = Array(examples)
    return try Dataset(
      examples.flatMap { values[$0 * 6..<$0 * 6 + 6] }, shape: [6],
      targets: .classes(examples.map { Int32($0 * 7 % 4) }, labels: ["a", "b", "c", "d"]))
  }
  var ghost = try Model(network(BatchNorm(ghostBatch: 32)), seed: 1)
  var micro = try Model(network(BatchNorm()), seed: 1)
  // Both standardize their inputs alike, and have statistics to add to.
  _ = try step(&micro, on: dataset(0..<96), learningRate: 1e-30)
  try withTemporaryPath { path in
    _ = try step(&ghost, on: dataset(0..<96), learningRate: 1e-30)
    try micro.write(to: path)
    try ghost.readParameters(from: path)
  }
  let before = (ghost, micro)
  let loss = try step(&ghost, on: dataset(0..<96))
  let order = orderOfFirstEpoch(96)
  var sums: [String: [Double]] = [:]
  var losses = 0.0
  for part in 0..<3 {
    let data = try dataset(order[part * 32..<part * 32 + 32])
    var shown = before.1
    losses += try step(&shown, on: data) / 3
    sums.merge(gradients(before.1, shown).mapValues { $0.map { $0 / 3 } }) { zip($0, $1).map { $0 + $1 } }
    _ = try step(&micro, on: data, learningRate: 1e-30)
  }
  #expect(abs(loss - losses) < 1e-6)
  for (name, gradient) in gradients(before.0, ghost) { expect(gradient, near: about(sums[name]!), name) }
  let (one, other) = (ghost.runningStatistics[0].statistics, micro.runningStatistics[0].statistics)
  expect(one.mean, near: about(other.mean.map { Double($0) }), "running means")
  expect(one.variance, near: about(other.variance.map { Double($0) }), "running variances")
  #expect(one.batchCount == 4 && other.batchCount == 4)
}

/// All that a run of some epochs leaves.
private func trained(_ norm: BatchNorm, batchSize: Int = 40, threads: Int = 1) throws -> [[Float]] {
  var model = try Model(
    Network(input: [6]) {
      Dense(300)
      norm
      GELU()
      Dense(3)
    }, seed: 1)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: batchSize, threads: threads)
    .fit(&model, to: examples(200), epochs: 2)
  return model.parameters.map(\.values.values)
    + model.runningStatistics.flatMap { [$0.statistics.mean, $0.statistics.variance] }
}

private func examples(_ count: Int) throws -> Dataset {
  var random = RandomNumbers(RandomKey(seed: 8))
  let values = (0..<count * 6).map { _ in Float(random.normal()) }
  let labels = (0..<count).map { Int32(values[$0 * 6] > 0.4 ? 2 : values[$0 * 6 + 1] > 0 ? 1 : 0) }
  return try Dataset(values, shape: [6], targets: .classes(labels, labels: ["a", "b", "c"]))
}

@Test func variantsThatChangeNothingGiveTheBitsOfPlainBatchNorm() throws {
  let plain = try trained(BatchNorm())
  #expect(try trained(BatchNorm(ghostBatch: 40)) == plain)
  #expect(try trained(BatchNorm(renormalization: Renormalization(maximumRatio: 1, maximumOffset: 0))) == plain)
  #expect(try trained(BatchNorm(renormalization: Renormalization(rampFrom: 1000, rampTo: 2000))) == plain)
  #expect(try trained(BatchNorm(ghostBatch: 20)) != plain)
  #expect(try trained(BatchNorm(renormalization: Renormalization(rampTo: 0))) != plain)
}

@Test func anyNumberOfThreadsGivesTheBitsOfOneInGhostBatches() throws {
  let norm = BatchNorm(ghostBatch: 60, renormalization: Renormalization(rampTo: 2))
  let one = try trained(norm, batchSize: 200)
  for threads in [2, 3] { #expect(try trained(norm, batchSize: 200, threads: threads) == one) }
}

/// Where r and d are not cut off, a training step sees what prediction does.
@Test func renormalizedTrainingComputesWhatPredictionDoes() throws {
  var model = try model(BatchNorm(renormalization: Renormalization(maximumRatio: 50, maximumOffset: 50, rampTo: 1)))
  _ = try step(&model, on: ordered(wave(rows * features, 0.7, 2, 3)), learningRate: 0.1)
  let other = try ordered(wave(rows * features, 1.9, 1.5, 2.5))
  let predicted = try model.evaluate(other).loss
  #expect(abs(try step(&model, on: other) - predicted) < 1e-6 * predicted)
}

@Test func aResumedRunGoesOnWithItsRampAndItsGhostBatches() throws {
  let network = Network(input: [6]) {
    Dense(12)
    BatchNorm(ghostBatch: 8, renormalization: Renormalization(rampFrom: 5, rampTo: 60))
    ReLU()
    Dense(3)
  }
  let data = try examples(90)
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 20, seed: 2)
  var whole = try Model(network, seed: 1)
  try trainer.fit(&whole, to: data, epochs: 4)
  var half = try Model(network, seed: 1)
  var last: Checkpoint?
  try trainer.fit(&half, to: data, epochs: 2, onEvent: { if case .epoch(_, let checkpoint) = $0 { last = checkpoint } })
  try withTemporaryPath { path in
    try last!.write(to: path)
    let checkpoint = try Checkpoint(contentsOf: path)
    var resumed = checkpoint.model
    #expect(resumed.network == network)
    try trainer.fit(&resumed, to: data, epochs: 4, resuming: checkpoint)
    #expect(resumed.parameters.map(\.values) == whole.parameters.map(\.values))
    #expect(resumed.runningStatistics.map(\.statistics) == whole.runningStatistics.map(\.statistics))
  }
}

@Test(arguments: [
  (["ghostBatch: 1"], "ghostBatch is 1; expected at least 2"), (["ghostBatch: 0"], "ghostBatch is 0"),
  (["ghostBatch: -4"], "ghostBatch is -4"), (["ghostBatch: many"], "line 3"),
  (["renormalization: {maximumRatio: 0.5}"], "maximumRatio is 0.5; expected 1 or more"),
  (["renormalization: {maximumOffset: -1}"], "maximumOffset is -1.0; expected 0 or more"),
  (["renormalization: {maximumRatio: .inf}"], "maximumRatio is inf"),
  (["renormalization: {maximumOffset: .nan}"], "maximumOffset is nan"),
  (["renormalization: {rampFrom: -1}"], "rampFrom is -1"),
  (["renormalization: {rampFrom: 9, rampTo: 3}"], "rampTo is 3; expected at least rampFrom, which is 9"),
  (["renormalization: {rMax: 3}"], "\"rMax\" is not an option; expected maximumRatio, maximumOffset, rampFrom, rampTo"),
  (["ghost: 3"], "ghostBatch, initialScale, renormalization"),
])
func aNormThatCannotBeIsRefusedWithItsPlace(options: [String], part: String) throws {
  let text = "input: [4]\nlayers:\n  - batchNorm: {\(options[0])}\n  - dense: 2\n"
  let error = #expect(throws: EvenkeelError.self) {
    try withTemporaryPath(".yaml", containing: text) { try Network(contentsOf: $0) }
  }
  #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
  #expect(error?.code == .usage)
}

@Test func aNetworkFileSetsTheVariants() throws {
  let text = """
    input: [4]
    layers:
      - batchNorm: {ghostBatch: 32, renormalization: {maximumRatio: 2, maximumOffset: 4, rampFrom: 10, rampTo: 20}}
      - batchNorm: {renormalization: {}}
    """
  let network = try withTemporaryPath(".yaml", containing: text) { try Network(contentsOf: $0) }
  let norms = network.layers.map { $0 as! BatchNorm }
  #expect(norms[0].ghostBatch == 32 && norms[1].ghostBatch == nil)
  #expect(
    norms[0].renormalization == Renormalization(maximumRatio: 2, maximumOffset: 4, rampFrom: 10, rampTo: 20))
  #expect(norms[1].renormalization == Renormalization())
}

@Test(arguments: [(50, 64, 64), (40, 100, 41), (200, 16, .max)])
func aGhostBatchLargerThanTheBatchIsRefused(count: Int, batchSize: Int, size: Int) throws {
  var model = try Model(
    Network(input: [6]) {
      Dense(3)
      Residual { BatchNorm(ghostBatch: size) }
    })
  let before = model
  let error = #expect(throws: EvenkeelError.self) {
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: batchSize).fit(
      &model, to: examples(count), epochs: 1)
  }
  #expect(
    error?.message
      == "Layer 1.block.0 (batchNorm): ghostBatch is \(size); expected at most the \(min(count, batchSize)) examples of a batch."
  )
  #expect(model.parameters.map(\.values) == before.parameters.map(\.values))
  // Predicting knows no batches.
  #expect(try model.predict(examples(3)).rowCount == 3)
}
