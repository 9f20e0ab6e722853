import Evenkeel
import EvenkeelTestSupport
import Testing

private func network(_ input: Int = 6) -> Network {
  Network(input: [input]) {
    Dense(8)
    BatchNorm()
    ReLU()
    Residual {
      Dense(8)
      BatchNorm()
      Tanh()
    }
    Dropout(0.1)
    Dense(3)
  }
}

private let trainer = Trainer(
  loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 16, schedule: .cosine(warmUp: 3),
  clippingNorm: 5, seed: 4)

@Test func trainingLearnsASimpleRule() throws {
  var model = try Model(network(), seed: 1)
  try trainer.fit(&model, to: simpleRuleExamples(1000), epochs: 15)
  let quality = try model.evaluate(simpleRuleExamples(500, seed: 2))
  #expect(quality.accuracy! > 0.93)
}

@Test func aResumedRunEqualsOneThatWasNeverStopped() throws {
  let data = try simpleRuleExamples(101)
  var whole = try Model(network(), seed: 1)
  try trainer.fit(&whole, to: data, epochs: 6)
  for steps in [3, 6, 7, 20] {
    var stopped = try Model(network(), seed: 1)
    var made = 0
    let checkpoint = try withTemporaryPath { path in
      #expect(throws: EvenkeelError.self) {
        try trainer.fit(
          &stopped, to: data, epochs: 6, shouldStop: { made == steps },
          onEvent: { event in
            switch event {
            case .step: made += 1
            case .evaluated, .saved: break
            case .interrupted(let checkpoint): try checkpoint.write(to: path)
            case .epoch(_, let checkpoint): try checkpoint.write(to: path)
            }
          })
      }
      return try Checkpoint(contentsOf: path)
    }
    var resumed = checkpoint.model
    try trainer.fit(&resumed, to: data, epochs: 6, resuming: checkpoint)
    #expect(resumed.parameters.map(\.values) == whole.parameters.map(\.values))
    #expect(resumed.runningStatistics.map(\.statistics) == whole.runningStatistics.map(\.statistics))
  }
}

@Test func aBatchWithNaNChangesNothing() throws {
  var model = try Model(network(), seed: 1)
  try trainer.fit(&model, to: simpleRuleExamples(64), epochs: 1)
  let before = model
  var values = (0..<32 * 6).map { Float($0 % 7) }
  values[9 * 6 + 4] = .nan
  let damaged = try Dataset(
    values, shape: [6], targets: .classes((0..<32).map { Int32($0 % 3) }, labels: ["a", "b", "c"]))
  var oneBatch = trainer
  oneBatch.batchSize = 32
  let error = #expect(throws: EvenkeelError.self) { try oneBatch.fit(&model, to: damaged, epochs: 1) }
  #expect(error!.message.contains("example 9") && error!.message.contains("feature 4"))
  #expect(model.parameters.map(\.values) == before.parameters.map(\.values))
  #expect(model.runningStatistics.map(\.statistics) == before.runningStatistics.map(\.statistics))
}

@Test func predictingNeverWritesAndARowDoesNotDependOnItsNeighbors() throws {
  var model = try Model(network(), seed: 1)
  try trainer.fit(&model, to: simpleRuleExamples(200), epochs: 2)
  let before = (model.parameters.map(\.values), model.runningStatistics.map(\.statistics))
  let row: [Float] = [0.3, -1, 2, 0, 0.5, 1]
  let first = try model.predict(Tensor(row + [9, 9, 9, 9, 9, 9], shape: [2, 6]))
  let second = try model.predict(Tensor(row + [-3, 0, 1, 0, 1, 0], shape: [2, 6]))
  #expect(Array(first[row: 0]) == Array(second[row: 0]))
  #expect(before.0 == model.parameters.map(\.values) && before.1 == model.runningStatistics.map(\.statistics))
}

@Test func copiesOfAModelShareNothingThatChanges() throws {
  var model = try Model(network(), seed: 1)
  let copy = model
  let before = copy.parameters.map(\.values)
  try trainer.fit(&model, to: simpleRuleExamples(64), epochs: 1)
  #expect(copy.parameters.map(\.values) == before)
  #expect(model.parameters.map(\.values) != before)
}

/// The examples of each batch of an epoch.
private func batches(of examples: Int, size: Int) throws -> [Int] {
  var model = try Model(network(), seed: 1)
  var trainer = trainer
  trainer.batchSize = size
  var seen = [0]
  try trainer.fit(
    &model, to: try simpleRuleExamples(examples), epochs: 1,
    onEvent: { if case .step(_, _, _, _, _, let sofar) = $0 { seen.append(sofar) } })
  return zip(seen.dropFirst(), seen).map { $0 - $1 }
}

@Test func theBatchesOfAnEpochDifferByOneExampleAtMost() throws {
  #expect(try batches(of: 516, size: 128) == [104, 103, 103, 103, 103])
  #expect(try batches(of: 33, size: 16) == [11, 11, 11])
  #expect(try batches(of: 17, size: 16) == [9, 8])
  #expect(try batches(of: 48, size: 16) == [16, 16, 16])
  #expect(try batches(of: 10, size: 16) == [10])
}

@Test func noBatchOfANormHasASingleExample() throws {
  #expect(try batches(of: 3, size: 2) == [3])
  #expect(try batches(of: 7, size: 2) == [3, 2, 2])
}

@Test func aBatchOfOneIsRefused() throws {
  var model = try Model(network(), seed: 1)
  var single = trainer
  single.batchSize = 1
  #expect(throws: EvenkeelError.self) { try single.fit(&model, to: simpleRuleExamples(10), epochs: 1) }
}

@Test func aStoredModelReadsBackToTheBit() throws {
  var model = try Model(network(), seed: 1)
  try trainer.fit(&model, to: simpleRuleExamples(100), epochs: 1)
  let read = try withTemporaryPath { path in
    try model.write(to: path)
    return try Model(contentsOf: path)
  }
  #expect(read.network == model.network)
  #expect(read.parameters.map(\.values) == model.parameters.map(\.values))
  let row: [Float] = [1, 2, 3, 4, 5, 6]
  #expect(try read.predict(row) == model.predict(row))
}

@Test func shapesThatDoNotFitAreNamed() throws {
  let error = #expect(throws: EvenkeelError.self) {
    try Model(
      Network(input: [4]) {
        Dense(5)
        Residual { Dense(3) }
      })
  }
  #expect(error!.message.contains("Layer 1") && error!.message.contains("[5]") && error!.message.contains("[3]"))
}

@Test func settingsOutOfRangeAreRefused() throws {
  let data = try simpleRuleExamples(32)
  for broken in [
    Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: .nan)),
    Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 0),
    Trainer(loss: .softmaxCrossEntropy(labelSmoothing: 1), optimizer: .adam()),
    Trainer(loss: .huber(delta: 0), optimizer: .adam()),
  ] {
    var model = try Model(network())
    #expect(throws: EvenkeelError.self) { try broken.fit(&model, to: data, epochs: 1) }
  }
  var model = try Model(network())
  #expect(throws: EvenkeelError.self) { try trainer.fit(&model, to: data, epochs: 0) }
}

@Test func aDivergingRunStopsAndKeepsTheLastGoodStep() throws {
  var model = try Model(
    Network(input: [6]) {
      Dense(8)
      Dense(3)
    }, seed: 1)
  let wild = Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 1e30), batchSize: 16)
  let error = #expect(throws: EvenkeelError.self) { try wild.fit(&model, to: simpleRuleExamples(64), epochs: 50) }
  #expect(error!.message.contains("step"))
  #expect(model.parameters.allSatisfy { $0.values.values.allSatisfy(\.isFinite) })
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"), arguments: [UInt64(1), 2, 3])
func mnistReachesItsAccuracy(seed: UInt64) throws {
  let digits = try Dataset.idx(at: dataFolder! + "/mnist")
  #expect(digits.training.count == 60_000 && digits.test.count == 10_000)
  let network = Network(input: [784]) {
    for _ in 0..<2 {
      Dense(256)
      BatchNorm()
      ReLU()
    }
    Dense(10)
  }
  var model = try Model(network, seed: seed)
  let trainer = Trainer(
    loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.001), batchSize: 128, seed: seed)
  try trainer.fit(&model, to: digits.training, validation: digits.validation, epochs: 5)
  let quality = try model.evaluate(digits.test)
  #expect(quality.accuracy! >= 0.975)
}
