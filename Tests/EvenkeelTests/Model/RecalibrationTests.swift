import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

/// Norms before and after activations, in a block and its shortcut, over images and after a flatten.
private func images(_ runningVariance: RunningVariance) -> Network {
  let norm = BatchNorm(runningVariance: runningVariance)
  return Network(input: [6, 5, 2]) {
    Convolution(3, kernel: 3)
    norm
    ReLU()
    Residual(shortcut: .projection) {
      Convolution(4, kernel: 3, stride: 2)
      norm
      GELU()
      Convolution(4, kernel: 3)
      norm
    }
    ReLU()
    Flatten()
    Dropout(0.3)
    Dense(7)
    Tanh()
    norm
    Dense(3)
  }
}

private func examples(_ count: Int, shape: Shape, seed: UInt64 = 1, offset: Float = 0) throws -> Dataset {
  var random = RandomNumbers(RandomKey(seed: seed))
  let values = (0..<count * shape.count).map { _ in Float(random.normal()) + offset }
  return try Dataset(
    values, shape: shape, targets: .classes((0..<count).map { Int32($0 % 3) }, labels: ["a", "b", "c"]))
}

private func trained(_ network: Network) throws -> Model {
  var model = try Model(network, seed: 3)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 16).fit(
    &model, to: examples(64, shape: network.input), epochs: 2)
  return model
}

/// In the reference a batch of all examples, in training mode but without dropout, has the statistics that are asked for.
@Test func recalibratedStatisticsAreThoseOfAllDataInOneBatch() throws {
  var model = try trained(images(.population))
  let data = try examples(37, shape: [6, 5, 2], seed: 8, offset: 2)
  try model.recalibrate(on: data, batchSize: 10)
  let reference = try ReferenceNetwork(model)
  reference.dropouts[0].isOff = true
  let scaled = (0..<37).flatMap { model.scaling!.scaled(data[$0]) }
  _ = reference.forward(Matrix(37, 60, scaled), training: true)
  #expect(model.runningStatistics.count == 5)
  for (name, statistics) in model.runningStatistics {
    let norm = reference.norms[name]!
    expect(statistics.mean, near: norm.mean.map { $0.rounded() }, name + " mean")
    expect(statistics.variance, near: norm.variance.map { $0.rounded() }, name + " variance")
    #expect(statistics.batchCount == 8)
  }
}

/// Unbiased variances are those that prediction divides by: with them each norm's output has mean 0 and m − 1 times the
/// variance σ²/(σ² + ε) over all data.
@Test func recalibratedStatisticsAreThoseThatPredictionNeeds() throws {
  var model = try trained(images(.unbiased))
  let data = try examples(37, shape: [6, 5, 2], seed: 8, offset: 2)
  try model.recalibrate(on: data, batchSize: 10)
  let reference = try ReferenceNetwork(model)
  for (name, statistics) in model.runningStatistics {
    reference.norms[name]!.runningMean = statistics.mean.map { Bounded($0) }
    reference.norms[name]!.runningVariance = statistics.variance.map { Bounded($0) }
  }
  let scaled = (0..<37).flatMap { model.scaling!.scaled(data[$0]) }
  _ = reference.forward(Matrix(37, 60, scaled), training: false)
  for (name, statistics) in model.runningStatistics {
    let normalized = reference.norms[name]!.normalized
    for feature in statistics.mean.indices {
      let values = (0..<normalized.rows).map { normalized.values[$0 * normalized.columns + feature].value }
      let variance = Double(statistics.variance[feature])
      let rounding = 64 * Bounded.u * (1 + abs(Double(statistics.mean[feature])) / variance.squareRoot())
      #expect(abs(values.reduce(0, +) / Double(values.count)) < rounding, "\(name)")
      let found = values.reduce(0) { $0 + $1 * $1 } / Double(values.count - 1)
      #expect(abs(found - variance / (variance + 1e-5)) < 4 * rounding, "\(name)")
    }
  }
}

/// What rounding may make of numbers of the size of `values`, whose inputs went through some layers in another order.
private func about(_ values: [Float]) -> [Bounded] {
  values.map { Bounded(Double($0), error: 64 * Bounded.u * (1 + abs(Double($0)))) }
}

@Test func theSizeOfTheBatchesAndTheThreadsMatterToRoundingAlone() throws {
  let model = try trained(images(.unbiased))
  let data = try examples(301, shape: [6, 5, 2], seed: 8, offset: 2)
  var whole = model
  try whole.recalibrate(on: data, batchSize: 301, threads: 1)
  for (batchSize, threads) in [(1, 1), (7, 2), (300, 2), (100_000, 1)] {
    var parts = model
    try parts.recalibrate(on: data, batchSize: batchSize, threads: threads)
    for (found, expected) in zip(parts.runningStatistics, whole.runningStatistics) {
      expect(found.statistics.mean, near: about(expected.statistics.mean), "\(batchSize): \(found.name)")
      expect(found.statistics.variance, near: about(expected.statistics.variance), "\(batchSize): \(found.name)")
    }
    #expect(parts.parameters.map(\.values) == model.parameters.map(\.values))
  }
}

/// A training step on all examples at once whose averages forget the past sees the same statistics.
@Test func aTrainingStepOnAllDataSeesTheSameStatistics() throws {
  let norm = BatchNorm(averaging: .exponential(decay: 0), runningVariance: .population)
  var model = try trained(
    Network(input: [6]) {
      Dense(9)
      Sigmoid()
      norm
      Dense(8)
      norm
      ReLU()
      Dense(3)
    })
  let data = try examples(50, shape: [6], seed: 9, offset: -1)
  var stepped = model
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 1e-30), batchSize: 50).fit(
    &stepped, to: data, epochs: 1)
  try model.recalibrate(on: data, batchSize: 8)
  for (found, expected) in zip(model.runningStatistics, stepped.runningStatistics) {
    expect(found.statistics.mean, near: about(expected.statistics.mean), found.name)
    expect(found.statistics.variance, near: about(expected.statistics.variance), found.name)
  }
}

@Test func whatCannotBeRecalibratedIsRefusedAndChangesNothing() throws {
  let plain = Network(input: [6]) {
    Dense(4)
    BatchNorm()
    Dense(4)
    BatchNorm()
    Dense(3)
  }
  var model = try trained(plain)
  let before = model
  func expectRefusal(_ part: String, _ data: Dataset, batchSize: Int? = nil, threads: Int = 1) {
    let error = #expect(throws: EvenkeelError.self) {
      try model.recalibrate(on: data, batchSize: batchSize, threads: threads)
    }
    #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    #expect(model.runningStatistics.map(\.statistics) == before.runningStatistics.map(\.statistics))
  }
  let good = try examples(10, shape: [6])
  expectRefusal("got [5]", try examples(10, shape: [5]))
  expectRefusal("no rows", try examples(0, shape: [6]))
  expectRefusal("one value per feature", try examples(1, shape: [6]))
  expectRefusal("batch size is 0", good, batchSize: 0)
  expectRefusal("threads is 0", good, threads: 0)
  var values = [Float](repeating: 1, count: 60)
  values[50] = .nan
  expectRefusal("Example 8", try Dataset(values, shape: [6]), batchSize: 4)
  // What the second norm gets leaves the range of a float after the first was measured.
  try model.setParameter("2.weight", to: Tensor([Float](repeating: 3e38, count: 16), shape: [4, 4]))
  expectRefusal("Layer 3", good)
  var without = try trained(plain.withoutNormalization())
  try without.recalibrate(on: good)
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
func recalibratingAdaptsToDigitsInOtherLightWithoutLabels() throws {
  let digits = try Dataset.idx(at: dataFolder! + "/mnist")
  var model = try Model(
    Network(input: [784]) {
      for _ in 0..<2 {
        Dense(128)
        BatchNorm()
        ReLU()
      }
      Dense(10)
    }, seed: 1)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 128, seed: 1).fit(
    &model, to: digits.training.subset(0..<20_000), epochs: 2)
  /// Less contrast and more light.
  func lit(_ digits: Dataset, targets: Bool) throws -> Dataset {
    try Dataset(
      (0..<digits.count).flatMap { digits[$0].map { 90 + 0.4 * $0 } }, shape: [784],
      targets: targets ? digits.targets : .none)
  }
  let test = try lit(digits.test, targets: true)
  let before = try model.evaluate(test).accuracy!
  var adapted = model
  try adapted.recalibrate(on: lit(digits.training.subset(20_000..<24_000), targets: false))
  let after = try adapted.evaluate(test).accuracy!
  #expect(after > before + 0.1 && after > 0.93, "\(before) before, \(after) after")
  // On data of its own domain nothing is lost.
  var own = model
  try own.recalibrate(on: digits.training.subset(0..<20_000))
  #expect(try own.evaluate(digits.test).accuracy! > model.evaluate(digits.test).accuracy! - 0.003)
}

/// Whole-number weights equal that many copies, and whatever follows a sequence's end does not count.
@Test func weightsAndLengthsCountInRecalibration() throws {
  let network = Network(input: [5, 3]) {
    BatchNorm()
    Convolution1D(4, kernel: 3)
    ReLU()
    BatchNorm()
    GlobalAveragePool()
    Dense(3)
    BatchNorm()
  }
  let model = try trained(network)
  let data = try examples(9, shape: [5, 3], seed: 5, offset: 1)
  var weighted = model
  try weighted.recalibrate(on: data.with(weights: [1, 0, 2, 1, 3, 0, 1, 1, 2]), batchSize: 2)
  var copies = model
  try copies.recalibrate(on: data.subset([0, 2, 2, 3, 4, 4, 4, 6, 7, 8, 8]))
  var (zeros, noise) = (model, model)
  let lengths = [5, 3, 4, 2, 0, 5, 1, 3, 4]
  func padded(_ value: (Int) -> Float) throws -> Dataset {
    try Dataset(
      (0..<9).flatMap { example in
        data[example].enumerated().map { $0.offset / 3 < lengths[example] ? $0.element : value($0.offset) }
      }, shape: [5, 3]
    ).with(lengths: lengths)
  }
  try zeros.recalibrate(on: padded { _ in 0 }, batchSize: 4)
  try noise.recalibrate(on: padded { Float($0) * 100 }, batchSize: 4)
  for (found, expected) in zip(weighted.runningStatistics, copies.runningStatistics) {
    expect(found.statistics.mean, near: about(expected.statistics.mean), found.name)
    expect(found.statistics.variance, near: about(expected.statistics.variance), found.name)
  }
  #expect(zeros.runningStatistics.map(\.statistics) == noise.runningStatistics.map(\.statistics))
}
