import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Glibc
import Testing

private let features = 5

/// ±1 in equal parts: standardizing with the mean and deviation of this batch changes nothing.
private let signs = (0..<6 * features).map { Float(($0 / features + $0 % features) % 2 == 0 ? 1 : -1) }
/// The batches of Tests/Fixtures/make_conventions.py.
private let batches = [signs, wave(30, 0.7, 2, 3), wave(20, 1.1, 0.5, -1)]

/// A model of one norm that has seen the batches, each in a training of its own and unscaled.
private func model(
  _ norm: BatchNorm, after batches: [[Float]], batchSize: Int? = nil, from start: Model? = nil
) throws -> Model {
  var model =
    try start
    ?? Model(
      Network(input: [features]) {
        norm
        Dense(2)
      })
  for batch in batches {
    let rows = batch.count / features
    let targets = Targets.classes((0..<rows).map { Int32($0 % 2) }, labels: ["a", "b"])
    // A rate so small that no parameter moves.
    try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 1e-30), batchSize: batchSize ?? rows
    ).fit(&model, to: Dataset(batch, shape: [features], targets: targets), epochs: 1)
  }
  return model
}

/// Mean and variance over m − `less` of every feature of a batch, in Double.
private func moments(_ batch: [Float], less: Int) -> (mean: [Double], variance: [Double]) {
  let m = batch.count / features
  let mean = (0..<features).map { f in (0..<m).reduce(0.0) { $0 + Double(batch[$1 * features + f]) } / Double(m) }
  let variance = (0..<features).map { f in
    (0..<m).reduce(0.0) {
      let difference = Double(batch[$1 * features + f]) - mean[f]
      return $0 + difference * difference
    } / Double(m - less)
  }
  return (mean, variance)
}

/// Values of size up to 10 that were rounded to Float some times on both sides.
private func about(_ values: [Double]) -> [Bounded] {
  values.map { Bounded($0, error: 16 * Bounded.u * (1 + abs($0))) }
}

@Test(arguments: [
  ("PyTorch", BatchNorm(debiased: false)),
  ("PyTorch, momentum 0.3", BatchNorm(averaging: .exponential(decay: 0.7), debiased: false)),
  ("PyTorch, cumulative", BatchNorm(averaging: .cumulative)),
  (
    "Keras",
    BatchNorm(
      epsilon: 1e-3, averaging: .exponential(decay: 0.99), debiased: false, runningVariance: .population)
  ),
  ("ONNX", BatchNorm(debiased: false, runningVariance: .population)),
])
func runningStatisticsAndPredictionsFollowTheConventionOf(program: String, norm: BatchNorm) throws {
  var trained = try model(norm, after: batches)
  let golden = OtherPrograms.all.conventions[program]!
  let (mean, variance, prediction) = (golden.mean, golden.variance, golden.prediction)
  let statistics = trained.runningStatistics[0].statistics
  expect(statistics.mean, near: about(mean), "running means")
  expect(statistics.variance, near: about(variance), "running variances")
  #expect(statistics.batchCount == 3)
  // The difference of two logits shows each normalized feature in turn.
  for feature in 0..<features {
    var weight = [Float](repeating: 0, count: 2 * features)
    weight[feature] = 1
    try trained.setParameter("1.weight", to: Tensor(weight, shape: [2, features]))
    let probabilities = try trained.predict(Tensor(batches[1], shape: [6, features]))
    for row in 0..<6 {
      let expected = prediction[row * features + feature]
      let probability = 1 / (1 + exp(-expected))
      #expect(abs(Double(probabilities[row: row].first!) - probability) <= 32 * Bounded.u * (1 + abs(expected)))
    }
  }
}

@Test func theFirstBatchAloneIsTheAverage() throws {
  let trained = try model(BatchNorm(averaging: .exponential(decay: 0.999)), after: [signs])
  let statistics = trained.runningStatistics[0].statistics
  #expect(statistics.mean == [Float](repeating: 0, count: features))
  #expect(statistics.variance == [Float](repeating: 1.2, count: features))
}

@Test func equalBatchesLeaveADebiasedAverageWhereItIs() throws {
  let norm = BatchNorm(averaging: .exponential(decay: 0.9))
  let first = try model(norm, after: [signs, batches[1]])
  // A second average, of the second batch only, needs a model that starts with it: the same scaling, no count.
  let later = try model(norm, after: [[Float]](repeating: signs, count: 20))
  #expect(later.runningStatistics[0].statistics.variance == [Float](repeating: 1.2, count: features))
  #expect(later.runningStatistics[0].statistics.batchCount == 20)
  // After two batches their weights are d/(1 + d) and 1/(1 + d).
  let (mean, variance) = moments(batches[1], less: 1)
  expect(first.runningStatistics[0].statistics.mean, near: about(mean.map { $0 / 1.9 }), "means")
  expect(
    first.runningStatistics[0].statistics.variance, near: about(variance.map { ($0 + 0.9 * 1.2) / 1.9 }), "variances")
}

@Test func theWeightOfThePastMayBeNothingOrAll() throws {
  for debiased in [true, false] {
    let last = try model(BatchNorm(averaging: .exponential(decay: 0), debiased: debiased), after: batches)
    let (mean, variance) = moments(batches[2], less: 1)
    expect(last.runningStatistics[0].statistics.mean, near: about(mean), "decay 0: means")
    expect(last.runningStatistics[0].statistics.variance, near: about(variance), "decay 0: variances")
  }
  let never = try model(BatchNorm(averaging: .exponential(decay: 1), debiased: false), after: batches)
  #expect(never.runningStatistics[0].statistics.mean == [Float](repeating: 0, count: features))
  #expect(never.runningStatistics[0].statistics.variance == [Float](repeating: 1, count: features))
  // Debiased, decay 1 is the limit in which all batches weigh the same.
  let even = try model(BatchNorm(averaging: .exponential(decay: 1)), after: batches)
  let cumulative = try model(BatchNorm(averaging: .cumulative), after: batches)
  #expect(even.runningStatistics[0].statistics == cumulative.runningStatistics[0].statistics)
}

@Test(arguments: [RunningVariance.unbiased, .population])
func theCumulativeAverageIsTheMeanOfTheBatches(runningVariance: RunningVariance) throws {
  let trained = try model(BatchNorm(averaging: .cumulative, runningVariance: runningVariance), after: batches)
  let each = batches.map { moments($0, less: runningVariance == .unbiased ? 1 : 0) }
  let statistics = trained.runningStatistics[0].statistics
  expect(
    statistics.mean, near: about((0..<features).map { f in each.reduce(0) { $0 + $1.mean[f] } / 3 }), "means")
  expect(
    statistics.variance, near: about((0..<features).map { f in each.reduce(0) { $0 + $1.variance[f] } / 3 }),
    "variances")
}

/// A batch of m out of M examples counts as m/M of a step: seven rows in batches of four and three, parted by the shuffle.
@Test(arguments: [true, false])
func aPartialBatchCountsByItsShare(debiased: Bool) throws {
  let norm = BatchNorm(averaging: .exponential(decay: 0.8), debiased: debiased)
  let start = try model(norm, after: [signs])
  let seven = batches[1] + batches[2][..<features]
  let found = try model(norm, after: [seven], batchSize: 4, from: start).runningStatistics[0].statistics
  // 0.8^¾ is what three quarters of a step leave of the past; debiased, the whole past is 1 + 1 + ¾ steps long.
  let past = pow(0.8, 0.75)
  let whole = debiased ? (1 - 0.8) / (1 - 0.8 * 0.8) : 1 - 0.8
  let part = debiased ? (1 - past) / (1 - 0.8 * 0.8 * past) : 1 - past
  func folded(_ running: [Double], _ batch: [Double], _ weight: Double) -> [Double] {
    zip(running, batch).map { (1 - weight) * $0 + weight * $1 }
  }
  let before = start.runningStatistics[0].statistics
  var matches = 0
  for chosen in 0..<1 << 7 where chosen.nonzeroBitCount == 3 {
    func rows(_ areChosen: Bool) -> [Float] {
      (0..<7).filter { (chosen >> $0 & 1 == 1) == areChosen }.flatMap { seven[$0 * features..<($0 + 1) * features] }
    }
    let (partial, full) = (moments(rows(true), less: 1), moments(rows(false), less: 1))
    let mean = folded(folded(before.mean.map { Double($0) }, full.mean, whole), partial.mean, part)
    let variance = folded(folded(before.variance.map { Double($0) }, full.variance, whole), partial.variance, part)
    let fits = zip(found.mean + found.variance, about(mean + variance)).allSatisfy {
      abs(Double($0) - $1.value) <= $1.error
    }
    if fits { matches += 1 }
  }
  #expect(matches == 1)
}

/// All examples there are make a full batch, however many were asked for.
@Test func aBatchOfAllExamplesIsAFullOne() throws {
  let norm = BatchNorm(debiased: false)
  let start = try model(norm, after: [signs])
  let one = try model(norm, after: [batches[1]], batchSize: 6, from: start)
  let other = try model(norm, after: [batches[1]], batchSize: 4096, from: start)
  #expect(one.runningStatistics[0].statistics == other.runningStatistics[0].statistics)
}

@Test func aBatchThatTookInALeftOverExampleCountsOnce() throws {
  let norm = BatchNorm(averaging: .exponential(decay: 0.8), debiased: false)
  let start = try model(norm, after: [signs])
  let three = Array(batches[1][..<(3 * features)])
  let joined = try model(norm, after: [three], batchSize: 2, from: start)
  let whole = try model(norm, after: [three], batchSize: 3, from: start)
  // Both are one step on the same three rows.
  expect(
    joined.runningStatistics[0].statistics.mean,
    near: about(whole.runningStatistics[0].statistics.mean.map { Double($0) }), "means")
  #expect(joined.runningStatistics[0].statistics.batchCount == 2)
}

@Test func everyStepIsCountedOnceAndPredictingNever() throws {
  var trained = try Model(
    Network(input: [features]) {
      BatchNorm()
      Dense(2)
    })
  let data = try Dataset(
    wave(20 * features, 1.3, 1), shape: [features],
    targets: .classes((0..<20).map { Int32($0 % 2) }, labels: ["a", "b"]))
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 6, evaluationInterval: 1)
  try trainer.fit(&trained, to: data, validation: data, epochs: 3)
  #expect(trained.runningStatistics[0].statistics.batchCount == 12)
  let before = trained.runningStatistics[0].statistics
  _ = try trained.evaluate(data)
  _ = try trained.predict(data)
  #expect(trained.runningStatistics[0].statistics == before)
}

@Test func aFrozenNormLearnsItsScaleAndLeavesItsStatisticsAlone() throws {
  let source = try model(BatchNorm(), after: batches)
  var frozen = try Model(
    Network(input: [features]) {
      BatchNorm(frozen: true)
      Dense(2)
    })
  try withTemporaryPath { path in
    try source.write(to: path)
    try frozen.readParameters(from: path)
  }
  let before = frozen
  let data = try Dataset(
    batches[1], shape: [features], targets: .classes((0..<6).map { Int32($0 % 2) }, labels: ["a", "b"]))
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.1, weightDecay: 0.1), batchSize: 6).fit(
    &frozen, to: data, epochs: 3)
  #expect(frozen.runningStatistics[0].statistics == before.runningStatistics[0].statistics)
  #expect(frozen.parameters[0].values != before.parameters[0].values)
}

@Test func copiesOfAModelShareNoStatistics() throws {
  let one = try model(BatchNorm(), after: [signs])
  let other = try model(BatchNorm(), after: [batches[1]], from: one)
  #expect(one.runningStatistics[0].statistics.mean == [Float](repeating: 0, count: features))
  #expect(one.runningStatistics[0].statistics.batchCount == 1)
  #expect(other.runningStatistics[0].statistics.batchCount == 2)
}
