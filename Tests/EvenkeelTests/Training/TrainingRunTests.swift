import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

private func network() -> Network {
  Network(input: [6]) {
    Dense(8)
    BatchNorm()
    ReLU()
    Dropout(0.1)
    Dense(3)
  }
}

private let trainer = Trainer(
  loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.1), batchSize: 16, patience: 3, seed: 4)

/// A little data with many parameters: validation gets worse after some epochs.
private func expectEarlyStop(resuming: Bool) throws {
  let (data, held) = (try simpleRuleExamples(40), try simpleRuleExamples(200, seed: 9))
  var losses: [Double] = []
  var models: [Model] = []
  var last: Checkpoint?
  var model = try Model(network(), seed: 1)
  let history = try trainer.fit(
    &model, to: data, validation: held, epochs: 200,
    onEvent: { event in
      guard case .epoch(let record, let checkpoint) = event else { return }
      losses.append(record.validationLoss!)
      models.append(checkpoint.model)
      last = checkpoint
    })
  let best = losses.indices.min { losses[$0] < losses[$1] }!
  #expect(history.stoppedEarly && losses.count == best + 4 && losses.count < 200)
  #expect(model.parameters.map(\.values) == models[best].parameters.map(\.values))
  #expect(model.runningStatistics.map(\.statistics) == models[best].runningStatistics.map(\.statistics))
  #expect(try model.evaluate(held).loss == losses[best])
  guard resuming else { return }
  // What had stopped stays stopped, with the same model.
  try withTemporaryPath { path in
    try last!.write(to: path)
    let checkpoint = try Checkpoint(contentsOf: path)
    var resumed = checkpoint.model
    let again = try trainer.fit(&resumed, to: data, validation: held, epochs: 200, resuming: checkpoint)
    #expect(again.epochs.count == history.epochs.count && again.stoppedEarly)
    #expect(resumed.parameters.map(\.values) == model.parameters.map(\.values))
  }
}

@Test func earlyStoppingGivesBackTheBestModel() throws { try expectEarlyStop(resuming: false) }

@Test func aRunThatHadStoppedEarlyStaysStoppedWhenResumed() throws { try expectEarlyStop(resuming: true) }

@Test(arguments: [Metric.macroF1, .logLoss])
func theModelOfTheBestEpochByAMetricIsGivenBack(metric: Metric) throws {
  let (data, held) = (try simpleRuleExamples(40), try simpleRuleExamples(200, seed: 9))
  var trainer = trainer
  (trainer.patience, trainer.metric) = (nil, metric)
  var (scores, models, last): ([Double], [Model], Checkpoint?) = ([], [], nil)
  var model = try Model(network(), seed: 1)
  let history = try trainer.fit(
    &model, to: data, validation: held, epochs: 12,
    onEvent: { event in
      guard case .epoch(let record, let checkpoint) = event else { return }
      scores.append(record.validationMetric!)
      models.append(checkpoint.model)
      last = checkpoint
    })
  let best = scores.indices.max { metric.prefersLess ? scores[$0] > scores[$1] : scores[$0] < scores[$1] }!
  #expect(history.epochs.count == 12 && best < 11, "the last epoch is the best, so nothing is tested")
  #expect(model.parameters.map(\.values) == models[best].parameters.map(\.values))
  #expect(try model.evaluation(of: held).value(of: metric) == scores[best])
  try withTemporaryPath { path in
    try last!.write(to: path)
    let checkpoint = try Checkpoint(contentsOf: path)
    var other = trainer
    other.metric = .accuracy
    expectError("whose metric is \(metric.rawValue); this run's is accuracy", code: .usage) {
      var resumed = checkpoint.model
      try other.fit(&resumed, to: data, validation: held, epochs: 13, resuming: checkpoint)
    }
    // The best epoch is still known.
    var resumed = checkpoint.model
    try trainer.fit(&resumed, to: data, validation: held, epochs: 12, resuming: checkpoint)
    #expect(resumed.parameters.map(\.values) == model.parameters.map(\.values))
  }
}

@Test func aMetricThatCannotDecideIsAnErrorBeforeTraining() throws {
  let data = try simpleRuleExamples(40)
  guard case .classes(let classes, _) = data.targets else { return }
  let lacking = data.subset(classes.indices.filter { classes[$0] != 2 })
  for (metric, validation, sentence, code) in [
    (Metric.f1, data, "does not fit a target of 3 classes", EvenkeelError.Code.usage),
    (.rootMeanSquaredError, data, "does not fit a target of 3 classes", .usage),
    (.rocAUC, lacking, "is not defined on the validation data: it lacks a class", .data),
    (.accuracy, data.subset([]), "needs validation data", .usage),
  ] {
    var trainer = trainer
    trainer.metric = metric
    var (model, epochs) = (try Model(network(), seed: 1), 0)
    expectError(sentence, code: code) {
      try trainer.fit(&model, to: data, validation: validation, epochs: 2, onEvent: { _ in epochs += 1 })
    }
    #expect(epochs == 0)
  }
}

@Test(arguments: [1, 2])
func theSameSeedAndThreadsGiveTheSameBits(threads: Int) throws {
  // Large enough that the threads share the work.
  var random = RandomNumbers(RandomKey(seed: 5))
  let data = try Dataset(
    (0..<400 * 64).map { _ in Float(random.normal()) }, shape: [64],
    targets: .classes((0..<400).map { Int32($0 % 10) }, labels: (0..<10).map { "\($0)" }))
  func run(seed: UInt64) throws -> [[Float]] {
    var model = try Model(
      Network(input: [64]) {
        Dense(128)
        BatchNorm()
        GELU()
        Dropout(0.2)
        Residual {
          Dense(128)
          Tanh()
          BatchNorm()
        }
        Dense(10)
      }, seed: seed)
    var same = trainer
    (same.seed, same.threads, same.batchSize) = (seed, threads, 150)
    try same.fit(&model, to: data, validation: data, epochs: 3)
    return model.parameters.map(\.values.values)
      + model.runningStatistics.flatMap { [$0.statistics.mean, $0.statistics.variance] }
      + [try model.predict(data).values]
  }
  let first = try run(seed: 1)
  #expect(try run(seed: 1) == first)
  #expect(try run(seed: 2) != first)
}

/// Dropout of one example shows its mask in the gradient of the weights after it; loss and gradients before it must
/// follow.
@Test func dropoutTakesTheSameMaskForwardAndBackward() throws {
  let rate = 0x1p20
  let network = Network(input: [3]) {
    Dense(40, initialization: .normal(1))
    Dropout(0.25)
    Dense(2)
  }
  let data = try Dataset([0.5, -1, 2], shape: [3], targets: .classes([1], labels: ["a", "b"]))
  let wide = try Dataset([0, 0, 0, 1, 2, 3], shape: [3], targets: .classes([0, 1], labels: ["a", "b"]))
  var model = try Model(network, seed: 1)
  // The input scaling is fitted first: a single example has no deviation.
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 1e-30), batchSize: 2).fit(
    &model, to: wide, epochs: 1)
  for seed: UInt64 in 1...5 {
    var after = model
    let history = try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: rate), batchSize: 1, seed: seed
    ).fit(&after, to: data, epochs: 1)
    func gradient(_ index: Int) -> [Double] {
      zip(model.parameters[index].values.values, after.parameters[index].values.values).map { Double($0 - $1) / rate }
    }
    let reference = try ReferenceNetwork(model)
    reference.dropouts[0].mask = gradient(2)[..<40].map { $0 != 0 }
    let dropped = reference.dropouts[0].mask.count { !$0 }
    #expect((1...25).contains(dropped))
    let loss = reference.step(
      Matrix(1, 3, model.scaling!.scaled([0.5, -1, 2])), .softmax(smoothing: 0), [0, 1])
    expect([history.epochs[0].trainLoss], near: [loss], "loss")
    for (index, (name, _, old)) in model.parameters.enumerated() {
      let bounds = zip(reference.gradients[name]!, old.values).map {
        Bounded($0.value, error: $0.error + 4 * Bounded.u * (abs($0.value) + abs(Double($1)) / rate))
      }
      expect(gradient(index), near: bounds, name)
    }
  }
}

/// Numbers that no memory or loop would hold are numbers still.
@Test func hugeSettingsDoNotOverflow() throws {
  var model = try Model(network())
  var huge = trainer
  huge.batchSize = .max
  try huge.fit(&model, to: simpleRuleExamples(20), epochs: 2)
  var steps = 0
  let error = #expect(throws: EvenkeelError.self) {
    try trainer.fit(&model, to: simpleRuleExamples(40), epochs: .max, shouldStop: { steps == 5 }) { event in
      if case .step = event { steps += 1 }
    }
  }
  #expect(error?.code == .interrupted)
  huge.threads = .max
  #expect(throws: EvenkeelError.self) { try huge.fit(&model, to: simpleRuleExamples(20), epochs: 2) }
}

/// A run that continued with other settings would be another run.
@Test func aCheckpointGoesOnWithItsOwnSettingsAlone() throws {
  let data = try simpleRuleExamples(40)
  var model = try Model(network())
  var checkpoint: Checkpoint?
  try trainer.fit(
    &model, to: data, epochs: 1, onEvent: { if case .epoch(_, let made) = $0 { checkpoint = made } })
  func expectRefusal(_ part: String, _ change: (inout Trainer) -> Void) {
    var other = trainer
    change(&other)
    var resumed = checkpoint!.model
    let error = #expect(throws: EvenkeelError.self) {
      try other.fit(&resumed, to: data, epochs: 2, resuming: checkpoint)
    }
    #expect(error?.code == .usage && error?.message.contains(part) == true, "\(error?.message ?? "")")
  }
  expectRefusal("batch size") { $0.batchSize += 1 }
  expectRefusal("seed") { $0.seed += 1 }
  expectRefusal("optimizer") { $0.optimizer.learningRate *= 2 }
  expectRefusal("schedule") { $0.schedule = .exponential(factor: 0.5) }
  expectRefusal("loss") { $0.loss = .softmaxCrossEntropy(labelSmoothing: 0.25) }
  expectRefusal("clipping norm") { $0.clippingNorm = 0.125 }
  var resumed = checkpoint!.model
  #expect(throws: EvenkeelError.self) {
    try trainer.fit(&resumed, to: simpleRuleExamples(39), epochs: 2, resuming: checkpoint)
  }
  try trainer.fit(&resumed, to: data, epochs: 2, resuming: checkpoint)
}

/// Whatever the model cannot tell: the same columns and as many rows.
@Test func aCheckpointGoesOnWithItsOwnDataAlone() throws {
  let data = try simpleRuleExamples(200).with(weights: (0..<200).map { Float($0 % 3) })
  let values = (0..<200).flatMap { data[$0] }
  var checkpoint: Checkpoint?
  var model = try Model(network())
  try trainer.fit(
    &model, to: data, epochs: 1, onEvent: { if case .epoch(_, let made) = $0 { checkpoint = made } })
  guard case .classes(let indices, let labels) = data.targets else { return }
  let heavier = try data.with(weights: data.weights!.map { $0 + 1 })
  let unweighted = try Dataset(values, shape: [6], targets: data.targets)
  let otherwise = try Dataset(values, shape: [6], targets: .classes(indices.reversed(), labels: labels))
    .with(weights: data.weights)
  let moved = try Dataset(values.map { $0 + 1 }, shape: [6], targets: data.targets).with(weights: data.weights)
  for other in [heavier, unweighted, otherwise, moved] {
    var resumed = checkpoint!.model
    let error = #expect(throws: EvenkeelError.self) {
      try trainer.fit(&resumed, to: other, epochs: 2, resuming: checkpoint)
    }
    #expect(error?.code == .usage && error?.message.contains("training data") == true, "\(error?.message ?? "")")
  }
  // The same examples, read again, are the same data.
  let again = try Dataset(values, shape: [6], targets: data.targets).with(weights: data.weights)
  var resumed = checkpoint!.model
  try trainer.fit(&resumed, to: again, epochs: 2, resuming: checkpoint)
}

/// Parameters that the update would make infinite are left as they were; the loss before it was finite.
@Test(arguments: [
  Optimizer.adam(learningRate: 1e38), .rmsProp(learningRate: 1e38), .gradientDescent(learningRate: 3e38),
  .adamW(learningRate: 1e38, weightDecay: 1e10),
])
func anUpdateThatLeavesTheRangeOfAFloatIsNotMade(optimizer: Optimizer) throws {
  var model = try Model(network(), seed: 1)
  let before = model.parameters.map(\.values)
  let wild = Trainer(loss: .softmaxCrossEntropy, optimizer: optimizer, batchSize: 40)
  let error = #expect(throws: EvenkeelError.self) { try wild.fit(&model, to: simpleRuleExamples(40), epochs: 30) }
  #expect(error?.message.contains("step") == true)
  #expect(model.parameters.allSatisfy { $0.values.values.allSatisfy(\.isFinite) })
  if error?.message.contains("step 1 ") == true { #expect(model.parameters.map(\.values) == before) }
}
