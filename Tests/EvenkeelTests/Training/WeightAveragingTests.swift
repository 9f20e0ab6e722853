import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Glibc
import Testing

private func examples(_ count: Int, shape: Shape = [6], seed: UInt64 = 1) throws -> Dataset {
  var random = RandomNumbers(RandomKey(seed: seed))
  let values = (0..<count * shape.count).map { _ in Float(random.normal()) }
  let labels = (0..<count).map { Int32(values[$0 * shape.count] > 0.4 ? 2 : values[$0 * shape.count + 1] > 0 ? 1 : 0) }
  return try Dataset(values, shape: shape, targets: .classes(labels, labels: ["a", "b", "c"]))
}

private func network(_ norm: BatchNorm = BatchNorm()) -> Network {
  Network(input: [6]) {
    Dense(8)
    norm
    ReLU()
    Dense(7)
    Tanh()
    norm
    Dense(3)
  }
}

/// One step an epoch, so that every step's weights are seen.
private func run(_ averaging: WeightAveraging?, epochs: Int) throws -> (last: [Model], given: Model, data: Dataset) {
  let data = try examples(40)
  var model = try Model(network(), seed: 1)
  var each: [Model] = []
  try Trainer(
    loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.05), batchSize: 40, averaging: averaging
  ).fit(&model, to: data, epochs: epochs, onEvent: { if case .epoch(_, let place) = $0 { each.append(place.model) } })
  return (each, model, data)
}

@Test(arguments: [WeightAveraging.exponential(decay: 0.8), .exponential(decay: 0.999), .uniform(fromEpoch: 4)])
func averagedWeightsAreThoseOfTheFormula(averaging: WeightAveraging) throws {
  let (each, given, _) = try run(averaging, epochs: 9)
  for (index, (name, _, values)) in given.parameters.enumerated() {
    var (sum, total) = ([Double](repeating: 0, count: values.values.count), 0.0)
    for (epoch, model) in each.enumerated() {
      let weight: Double =
        switch averaging {
        case .exponential(let decay): pow(decay, Double(each.count - 1 - epoch))
        case .uniform(let first): epoch + 1 >= first ? 1 : 0
        }
      total += weight
      for (place, value) in model.parameters[index].values.values.enumerated() { sum[place] += weight * Double(value) }
    }
    // A rounding or three in each of nine steps.
    expect(
      values.values,
      near: sum.map { Bounded($0 / total, error: 32 * Bounded.u * (0.1 + abs($0 / total))) }, name)
  }
}

@Test func averagedWeightsComeWithStatisticsOfTheirOwn() throws {
  let (each, given, data) = try run(.uniform(fromEpoch: 1), epochs: 6)
  var recalibrated = each.last!
  for (name, _, values) in given.parameters { try recalibrated.setParameter(name, to: values) }
  let stale = recalibrated
  try recalibrated.recalibrate(on: data)
  for ((name, found), (_, expected)) in zip(given.runningStatistics, recalibrated.runningStatistics) {
    func about(_ values: [Float]) -> [Bounded] {
      values.map { Bounded(Double($0), error: 1e-5 * (1 + abs(Double($0)))) }
    }
    expect(found.mean, near: about(expected.mean), name)
    expect(found.variance, near: about(expected.variance), name)
  }
  let shift = StatisticsShift(
    from: stale.runningStatistics[1].statistics, to: given.runningStatistics[1].statistics, epsilon: 1e-5)
  #expect(shift.largestMeanShift > 0.05)
}

@Test func validationAndTheBestModelGoByTheAveragedWeights() throws {
  let (data, held) = (try examples(40), try examples(200, seed: 9))
  var model = try Model(network(), seed: 1)
  let history = try Trainer(
    loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.1), batchSize: 16, patience: 3,
    averaging: .exponential(decay: 0.9)
  ).fit(&model, to: data, validation: held, epochs: 60)
  #expect(history.stoppedEarly)
  #expect(try model.evaluate(held).loss == history.epochs.map { $0.validationLoss! }.min()!)
}

@Test func averagesThatCannotBeAreRefused() throws {
  let data = try examples(40)
  for averaging in [
    WeightAveraging.exponential(decay: 0), .exponential(decay: 1), .exponential(decay: .nan), .uniform(fromEpoch: 0),
    .uniform(fromEpoch: 3),
  ] {
    var model = try Model(network())
    let error = #expect(throws: EvenkeelError.self) {
      try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), averaging: averaging).fit(
        &model, to: data, epochs: 2)
    }
    #expect(error?.code == .usage)
  }
}

@Test func normsThatAreFrozenDuringTrainingKeepTheirStatisticsAndLearnScaleAndShiftUnlessTold() throws {
  let data = try examples(60)
  for includes in [false, true] {
    var model = try Model(network(), seed: 1)
    var each: [Model] = []
    try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.05), batchSize: 16,
      freezing: NormFreezing(afterEpoch: 2, includesScaleAndShift: includes)
    ).fit(&model, to: data, epochs: 5, onEvent: { if case .epoch(_, let place) = $0 { each.append(place.model) } })
    #expect(each[0].runningStatistics.map(\.statistics) != each[1].runningStatistics.map(\.statistics))
    #expect(each[1].runningStatistics.map(\.statistics) == model.runningStatistics.map(\.statistics))
    for (name, _, values) in model.parameters {
      let before = each[1].parameters.first { $0.name == name }!.values
      let isOfNorm = name.hasPrefix("1.") || name.hasPrefix("5.")
      #expect((before == values) == (isOfNorm && includes), "\(name)")
    }
  }
}

/// A run whose norms are frozen from the first epoch on is one of a network whose norms are.
@Test func freezingFromTheStartEqualsNormsThatAreFrozen() throws {
  let data = try examples(60)
  var source = try Model(network(), seed: 1)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 16).fit(&source, to: data, epochs: 1)
  var frozen = try Model(network(BatchNorm(frozen: true)), seed: 1)
  try withTemporaryPath { path in
    try source.write(to: path)
    try frozen.readParameters(from: path)
  }
  // The scaling is fitted to the same data.
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: 0.05), batchSize: 1)
  try trainer.fit(&frozen, to: data, epochs: 2)
  var switched = source
  var freezing = trainer
  freezing.freezing = NormFreezing(afterEpoch: 0)
  try freezing.fit(&switched, to: data, epochs: 2)
  #expect(switched.parameters.map(\.values) == frozen.parameters.map(\.values))
  #expect(switched.runningStatistics.map(\.statistics) == source.runningStatistics.map(\.statistics))
}

/// Height and width give an image's norms enough values, and frozen norms need none; others do.
@Test func batchesOfOneAreTakenWhereNoNormNeedsMore() throws {
  let images = Network(input: [4, 4, 1]) {
    Convolution(3, kernel: 3)
    BatchNorm()
    ReLU()
    Flatten()
    Dense(3)
  }
  var model = try Model(images, seed: 1)
  let single = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 1)
  try single.fit(&model, to: examples(5, shape: [4, 4, 1]), epochs: 1)
  #expect(model.runningStatistics[0].statistics.batchCount == 5)
  try single.fit(&model, to: examples(1, shape: [4, 4, 1]), epochs: 1)
  var frozen = try Model(network(BatchNorm(frozen: true)), seed: 1)
  try single.fit(&frozen, to: examples(5), epochs: 1)
  try single.fit(&frozen, to: examples(1), epochs: 1)
  var plain = try Model(network(), seed: 1)
  #expect(throws: EvenkeelError.self) { try single.fit(&plain, to: examples(5), epochs: 1) }
  var later = single
  later.freezing = NormFreezing(afterEpoch: 1)
  #expect(throws: EvenkeelError.self) { try later.fit(&plain, to: examples(5), epochs: 2) }
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
func averagedWeightsAndFrozenNormsLearnDigits() throws {
  let digits = try Dataset.idx(at: dataFolder! + "/mnist")
  let few = digits.training.subset(0..<12_000)
  let network = Network(input: [784]) {
    for _ in 0..<2 {
      Dense(128)
      BatchNorm()
      ReLU()
    }
    Dense(10)
  }
  for averaging in [WeightAveraging.exponential(decay: 0.98), .uniform(fromEpoch: 3)] {
    var model = try Model(network, seed: 1)
    var last: Model?
    let trainer = Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 128, averaging: averaging, seed: 1)
    try trainer.fit(
      &model, to: few, epochs: 5, onEvent: { if case .epoch(_, let place) = $0 { last = place.model } })
    let averaged = try model.evaluate(digits.test)
    #expect(try averaged.accuracy! >= last!.evaluate(digits.test).accuracy!)
    // The statistics of the last weights do not go with the averaged ones.
    var stale = last!
    for (name, _, values) in model.parameters { try stale.setParameter(name, to: values) }
    #expect(try stale.evaluate(digits.test).loss > averaged.loss)
  }
  // Frozen statistics, those of the second epoch's end, serve as well as batch statistics in the epochs that follow.
  func accuracy(_ freezing: NormFreezing?) throws -> Double {
    var model = try Model(network, seed: 1)
    try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.002), batchSize: 128, freezing: freezing, seed: 1
    ).fit(&model, to: few, epochs: 4)
    return try model.evaluate(digits.test).accuracy!
  }
  let (frozen, plain) = try (accuracy(NormFreezing(afterEpoch: 2)), accuracy(nil))
  #expect(frozen > plain - 0.01, "\(frozen), \(plain) with batch statistics")
}
