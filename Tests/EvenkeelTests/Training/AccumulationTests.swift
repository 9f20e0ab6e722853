import AllocationCounter
import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

private func examples(_ count: Int, shape: Shape, seed: UInt64 = 1) throws -> Dataset {
  var random = RandomNumbers(RandomKey(seed: seed))
  let values = (0..<count * shape.count).map { _ in Float(random.normal()) }
  let labels = (0..<count).map { Int32(values[$0 * shape.count] > 0.4 ? 2 : values[$0 * shape.count + 1] > 0 ? 1 : 0) }
  return try Dataset(values, shape: shape, targets: .classes(labels, labels: ["a", "b", "c"]))
}

private let deep = Network(input: [12]) {
  for _ in 0..<4 {
    Dense(20)
    BatchNorm()
    ReLU()
  }
  Dense(10)
}
private let residual = Network(input: [9]) {
  BatchNorm()
  Dense(11)
  BatchNorm()
  SiLU()
  for _ in 0..<2 {
    Residual {
      Dense(11)
      BatchNorm()
      GELU()
      Dense(11)
      BatchNorm()
    }
    ReLU()
  }
  Residual {
    Dense(11)
    Tanh()
    BatchNorm()
  }
  Dense(5)
  BatchNorm()
}
private let images = Network(input: [8, 8, 2]) {
  Convolution(4, kernel: 3)
  BatchNorm()
  ReLU()
  MaxPool(2)
  Residual(shortcut: .projection) {
    Convolution(6, kernel: 3, stride: 2)
    BatchNorm()
    ELU()
    Convolution(6, kernel: 3)
    BatchNorm(scale: false)
  }
  ReLU()
  Flatten()
  Dense(9)
  Sigmoid()
  BatchNorm()
  Dense(3)
}

@Test func theWholeBatchInPartsIsThatOfTheReference() throws {
  for (name, network) in [("deep", deep), ("residual", residual), ("images", images)] {
    for (rows, parts) in [(24, 2), (25, 4), (7, 7)] {
      try expectStepToAgree(network, rows: rows, parts: parts, "\(name), \(rows) rows in \(parts) parts")
    }
  }
}

/// Numbers near 1 that some steps led to, on both sides with roundings of their own.
private func about(_ values: [Float]) -> [Bounded] {
  values.map { Bounded(Double($0), error: 2e-4 * (1 + abs(Double($0)))) }
}

private func expectSame(_ one: Model, _ other: Model, _ what: String) {
  for (a, b) in zip(one.parameters, other.parameters) {
    expect(a.values.values, near: about(b.values.values), "\(what): \(a.name)")
  }
  for (a, b) in zip(one.runningStatistics, other.runningStatistics) {
    expect(a.statistics.mean, near: about(b.statistics.mean), "\(what): \(a.name), means")
    expect(a.statistics.variance, near: about(b.statistics.variance), "\(what): \(a.name), variances")
    #expect(a.statistics.batchCount == b.statistics.batchCount)
  }
}

/// Several steps, a last batch that is smaller, dropout: the same numbers are dropped.
@Test func trainingOnWholeBatchesInPartsEqualsTrainingOnBatches() throws {
  let dropping = Network(input: [12]) {
    Dense(20)
    BatchNorm()
    ReLU()
    Dropout(0.3)
    Dense(20)
    GELU()
    BatchNorm()
    Dropout(0.2)
    Dense(3)
  }
  for (name, network) in [("dropout", dropping), ("images", images)] {
    let data = try examples(53, shape: network.input)
    func run(_ parts: Int) throws -> (Model, History) {
      var model = try Model(network, seed: 1)
      let trainer = Trainer(
        loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01, epsilon: 1e-2), batchSize: 20,
        clippingNorm: 1, accumulating: parts, statistics: .whole, seed: 3)
      let history = try trainer.fit(&model, to: data, epochs: 3)
      return (model, history)
    }
    let (plain, plainHistory) = try run(1)
    for parts in [2, 4, 20] {
      let (whole, history) = try run(parts)
      expectSame(whole, plain, "\(name) in \(parts) parts")
      #expect(abs(history.epochs[0].trainLoss - plainHistory.epochs[0].trainLoss) < 1e-4)
    }
  }
}

/// k micro-batches of m are a batch with k ghost batches of m, running statistics included.
@Test func accumulatedMicroBatchesEqualGhostBatches() throws {
  func network(_ norm: BatchNorm) -> Network {
    Network(input: [8, 8, 2]) {
      Convolution(4, kernel: 3)
      norm
      ReLU()
      Dropout(0.2)
      Flatten()
      Dense(9)
      Sigmoid()
      norm
      Dense(3)
    }
  }
  let data = try examples(60, shape: [8, 8, 2])
  func run(_ norm: BatchNorm, _ parts: Int) throws -> Model {
    var model = try Model(network(norm), seed: 1)
    try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01, epsilon: 1e-2), batchSize: 20,
      accumulating: parts, statistics: .micro
    ).fit(&model, to: data, epochs: 3)
    return model
  }
  expectSame(try run(BatchNorm(), 4), try run(BatchNorm(ghostBatch: 5), 1), "micro-batches")
  expectSame(try run(BatchNorm(), 4), try run(BatchNorm(ghostBatch: 5), 4), "ghost batches as large as a part")
}

@Test func aRunInPartsWithAveragedWeightsAndFrozenNormsResumesToTheBit() throws {
  let data = try examples(61, shape: [12])
  let network = Network(input: [12]) {
    Dense(20)
    BatchNorm()
    ReLU()
    Dropout(0.3)
    Dense(20)
    BatchNorm()
    Sigmoid()
    Dense(3)
  }
  for (statistics, averaging) in [
    (BatchStatistics.whole, WeightAveraging.exponential(decay: 0.9)), (.micro, .uniform(fromEpoch: 2)),
  ] {
    let trainer = Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 16, accumulating: 3,
      statistics: statistics, freezing: NormFreezing(afterEpoch: 3, includesScaleAndShift: true), averaging: averaging,
      seed: 4)
    var whole = try Model(network, seed: 1)
    try trainer.fit(&whole, to: data, validation: data, epochs: 5)
    for steps in [3, 9, 14] {
      try withTemporaryPath { path in
        var stopped = try Model(network, seed: 1)
        var made = 0
        #expect(throws: EvenkeelError.self) {
          try trainer.fit(
            &stopped, to: data, validation: data, epochs: 5, shouldStop: { made == steps },
            onEvent: { event in
              switch event {
              case .step: made += 1
              case .evaluated, .saved: break
              case .interrupted(let checkpoint): try checkpoint.write(to: path)
              case .epoch(_, let checkpoint): try checkpoint.write(to: path)
              }
            })
        }
        let checkpoint = try Checkpoint(contentsOf: path)
        var resumed = checkpoint.model
        try trainer.fit(&resumed, to: data, validation: data, epochs: 5, resuming: checkpoint)
        #expect(resumed.parameters.map(\.values) == whole.parameters.map(\.values))
        #expect(resumed.runningStatistics.map(\.statistics) == whole.runningStatistics.map(\.statistics))
        var others = [trainer, trainer, trainer, trainer]
        others[0].accumulating = 4
        others[1].statistics = statistics == .micro ? .whole : .micro
        others[2].freezing = nil
        others[3].averaging = .exponential(decay: 0.8)
        for other in others {
          #expect(throws: EvenkeelError.self) {
            try other.fit(&resumed, to: data, validation: data, epochs: 5, resuming: checkpoint)
          }
        }
      }
    }
  }
}

@Test func aBatchInPartsTakesTheMemoryOfOneOfThem() throws {
  for (name, shape, limit) in [("lenet", Shape([28, 28, 1]), 0.5), ("resnet20", [32, 32, 3], 0.5)] {
    let network = try Network(preset: name)
    #expect(network.input.count == shape.count)
    var trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 128)
    let whole = try trainer.stepByteCount(of: network)
    trainer.accumulating = 4
    // A quarter, and what does not depend on the batch, as transformed weights.
    let micro = try trainer.stepByteCount(of: network)
    #expect(Double(micro) < 0.4 * Double(whole), "\(name): \(micro) of \(whole) bytes")
    trainer.statistics = .whole
    let parts = try trainer.stepByteCount(of: network)
    #expect(Double(parts) < limit * Double(whole), "\(name): \(parts) of \(whole) bytes")
  }
}

@Test func partsThatCannotBeNormalizedAreRefused() throws {
  let data = try examples(40, shape: [12])
  func expectRefusal(
    _ part: String, _ parts: Int, _ statistics: BatchStatistics, norm: BatchNorm = BatchNorm(), batchSize: Int = 20
  ) throws {
    var model = try Model(
      Network(input: [12]) {
        Dense(4)
        norm
        Dense(3)
      })
    let error = #expect(throws: EvenkeelError.self) {
      try Trainer(
        loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: batchSize, accumulating: parts,
        statistics: statistics
      ).fit(&model, to: data, epochs: 1)
    }
    #expect(error?.code == .usage && error?.message.contains(part) == true, "\(error?.message ?? "")")
  }
  try expectRefusal("in 0 parts", 0, .micro)
  try expectRefusal("in 21 parts", 21, .whole)
  try expectRefusal("parts of one", 11, .micro)
  try expectRefusal("parts of one", 20, .micro)
  try expectRefusal(
    "ghostBatch is 6; expected at most the 5 examples of a part of a batch", 4, .micro, norm: BatchNorm(ghostBatch: 6))
  try expectRefusal("ghost batches", 2, .whole, norm: BatchNorm(ghostBatch: 4))
}

/// In a norm over images the parts of a weighted batch have statistics of their own, so that only a net without norms shows
/// that each part counts by its weight.
@Test func partsCountByTheirWeights() throws {
  let data = try examples(40, shape: [12]).withTenClasses().with(weights: (0..<40).map { Float($0 % 5) / 2 })
  func run(_ parts: Int) throws -> Model {
    var model = try Model(deep.withoutNormalization(), seed: 1)
    try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: 0.05), batchSize: 20, accumulating: parts
    ).fit(&model, to: data, epochs: 2)
    return model
  }
  expectSame(try run(4), try run(1), "weighted")
  var model = try Model(deep, seed: 1)
  let error = #expect(throws: EvenkeelError.self) {
    try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 20, accumulating: 4, statistics: .whole
    ).fit(&model, to: data, epochs: 2)
  }
  #expect(error?.message.contains("Weighted or variable-length examples") == true)
}

/// The value that leaves the range comes in the last part of the batch.
@Test func aStepInPartsThatFailsChangesNothing() throws {
  var model = try Model(deep, seed: 1)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 20).fit(
    &model, to: examples(40, shape: [12]).withTenClasses(), epochs: 1)
  let before = model
  var values = (0..<20 * 12).map { Float($0 % 7) }
  values[orderOfFirstEpoch(20).last! * 12 + 4] = .nan
  let damaged = try Dataset(values, shape: [12]).withTenClasses()
  for statistics in BatchStatistics.allCases {
    let trainer = Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 20, accumulating: 4, statistics: statistics)
    let error = #expect(throws: EvenkeelError.self) { try trainer.fit(&model, to: damaged, epochs: 1) }
    #expect(error!.message.contains("feature 4"))
    #expect(model.parameters.map(\.values) == before.parameters.map(\.values))
    #expect(model.runningStatistics.map(\.statistics) == before.runningStatistics.map(\.statistics))
  }
}

extension Dataset {
  fileprivate func withTenClasses() throws -> Dataset {
    try Dataset(
      (0..<count).flatMap { self[$0] }, shape: shape,
      targets: .classes((0..<count).map { Int32($0 % 10) }, labels: (0..<10).map { "\($0)" }))
  }
}

/// Without products, for which oneDNN takes memory.
@Test func aStepInPartsAllocatesNothing() throws {
  let network = Network(input: [3]) {
    BatchNorm()
    ReLU()
    Dropout(0.1)
    Residual {
      BatchNorm()
      Tanh()
      BatchNorm()
    }
    BatchNorm()
  }
  let data = try examples(640, shape: [3])
  for (statistics, averaging) in [
    (BatchStatistics.whole, WeightAveraging.exponential(decay: 0.9)), (.micro, .uniform(fromEpoch: 1)),
  ] {
    for frozenAfter in [0, 1] {
      var model = try Model(network, seed: 1)
      let trainer = Trainer(
        loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 64, accumulating: 4, statistics: statistics,
        freezing: NormFreezing(afterEpoch: frozenAfter, includesScaleAndShift: true), averaging: averaging)
      var counts = [Int](repeating: 0, count: 10)
      try trainer.fit(
        &model, to: data, epochs: 1,
        onEvent: { if case .step(_, let batch, _, _, _, _) = $0 { counts[batch - 1] = ek_test_allocations() } })
      let perStep = zip(counts.dropFirst(), counts).map { $0 - $1 }
      #expect(perStep.dropFirst(3).allSatisfy { $0 == 0 }, "\(statistics): \(perStep)")
    }
  }
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
func lenetLearnsOnBatchesInPartsWhatItLearnsOnBatches() throws {
  let digits = try Dataset.idx(at: dataFolder! + "/mnist")
  let few = digits.training.subset(0..<1_600)
  func run(_ parts: Int, _ statistics: BatchStatistics) throws -> (losses: [Double], accuracy: Double) {
    var model = try Model(Network(preset: "lenet"), seed: 1)
    var losses: [Double] = []
    let trainer = Trainer(
      loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: 0.05), batchSize: 160, accumulating: parts,
      statistics: statistics, seed: 1)
    try trainer.fit(
      &model, to: few, epochs: 1, onEvent: { if case .step(_, _, _, let loss, _, _) = $0 { losses.append(loss) } })
    return (losses, try model.evaluate(digits.test.subset(0..<1_000)).accuracy!)
  }
  let plain = try run(1, .micro)
  let whole = try run(4, .whole)
  for (a, b) in zip(plain.losses, whole.losses) { #expect(abs(a - b) < 1e-3, "\(a) \(b)") }
  // Ten steps, from a tenth.
  #expect(abs(plain.accuracy - whole.accuracy) < 0.005 && plain.accuracy > 0.6, "\(plain.accuracy) \(whole.accuracy)")
  let micro = try run(4, .micro)
  #expect(micro.accuracy > 0.6, "\(micro.accuracy)")
  #expect(zip(plain.losses, micro.losses).contains { abs($0 - $1) > 1e-3 })
}

/// Every number of examples, batch and parts that settings allow, where no part fits the others.
@Test func anyBatchCanBeTakenInAnyNumberOfParts() throws {
  let plain = Network(input: [3]) {
    Dense(4)
    LayerNorm()
    Dense(3)
  }
  let normalized = Network(input: [3]) {
    Dense(4)
    BatchNorm()
    Dense(3)
  }
  for (network, statistics) in [(plain, BatchStatistics.micro), (normalized, .micro), (normalized, .whole)] {
    for count in [2, 3, 5, 7, 9, 13, 16] {
      let data = try examples(count, shape: [3])
      for batchSize in [2, 3, 5, 8] {
        for parts in 1...batchSize {
          var model = try Model(network, seed: 1)
          let trainer = Trainer(
            loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.1), batchSize: batchSize,
            accumulating: parts, statistics: statistics)
          do {
            try trainer.fit(&model, to: data, epochs: 1)
          } catch let error as EvenkeelError {
            // Parts of one example have no statistics of their own.
            #expect(error.code == .usage && network == normalized && statistics == .micro)
            #expect(min(batchSize, count) / parts < 2, "\(count) examples, batches of \(batchSize) in \(parts) parts")
          }
        }
      }
    }
  }
}
