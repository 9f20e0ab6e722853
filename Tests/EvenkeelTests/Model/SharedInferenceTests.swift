import Evenkeel
import EvenkeelTestSupport
import Testing

private let classifier = TrainingCase(
  testDescription: "classes",
  network: Network(input: [12]) {
    Dense(24)
    BatchNorm()
    ReLU()
    Dense(16)
    BatchNorm()
    ReLU()
    Dense(10)
  })

private func trained(weights: Bool = false) throws -> (model: Model, data: Dataset) {
  var training = classifier
  training.weights = weights
  let data = try training.data(5_300)
  var model = try Model(training.network, seed: 1)
  var trainer = training.trainer
  trainer.threads = 1
  try trainer.fit(&model, to: data.subset(0..<300), epochs: 1)
  return (model, data)
}

private func expectOnRanks<Value: Equatable & Sendable>(
  _ expected: Value, _ body: @escaping @Sendable (any Communicator) throws -> Value
) throws {
  for size in [1, 2, 3, 5] {
    for (rank, result) in ThreadRanks.run(size, body).enumerated() {
      #expect(try result.get() == expected, "rank \(rank) of \(size)")
    }
  }
}

/// 5,300 rows are eleven batches: ranks have unequal numbers of them.
@Test func ranksPredictTheBitsOfOneProcess() throws {
  let (model, data) = try trained()
  let ensemble = try ModelEnsemble([model])
  try expectOnRanks(model.predictInDouble(data, threads: 1)) {
    try ensemble.predictInDouble([data], threads: 1, among: $0)
  }
}

@Test(arguments: [false, true]) func soDoTheyEvaluate(weights: Bool) throws {
  let (model, data) = try trained(weights: weights)
  let ensemble = try ModelEnsemble([model])
  @Sendable func numbers(_ evaluation: Evaluation) -> [Double?] {
    [
      evaluation.quality.loss, evaluation.quality.accuracy, evaluation.value(of: .logLoss),
      evaluation.value(of: .rocAUC),
    ]
  }
  try expectOnRanks(numbers(model.evaluation(of: data, threads: 1))) {
    try numbers(ensemble.evaluation(of: [data], threads: 1, among: $0))
  }
}

@Test(arguments: [false, true]) func soDoTheyRecalibrate(weights: Bool) throws {
  let (model, data) = try trained(weights: weights)
  @Sendable func recalibrated(among communicator: (any Communicator)?) throws -> [RunningStatistics] {
    var model = model
    try model.recalibrate(on: data, threads: 1, among: communicator)
    return model.runningStatistics.map(\.statistics)
  }
  try expectOnRanks(recalibrated(among: nil)) { try recalibrated(among: $0) }
}

/// Batch 9 of 11 is the second rank's.
@Test func whatOneRankCannotPredictIsSaidOnAll() throws {
  let (model, data) = try trained()
  var rows = (0..<data.count).flatMap { data[$0] }
  rows[12 * (8 * 512 + 3) + 5] = .nan
  let broken = try Dataset(rows, shape: data.shape, targets: data.targets)
  let ensemble = try ModelEnsemble([model])
  for result in ThreadRanks.run(2, { try ensemble.predictInDouble([broken], threads: 1, among: $0) }) {
    expectError("Rank 1: ") { _ = try result.get() }
  }
}

@Test func ranksWithOtherModelsAreNamed() throws {
  let (model, data) = try trained()
  let other = try Model(model.network, seed: 2)
  for result in ThreadRanks.run(
    3,
    { ranks in
      try Agreement(among: ranks).require(
        ModelEnsemble([ranks.rank == 2 ? other : model]), on: .whole([data], warnings: []))
    })
  {
    expectError("Rank 2: its model is another than that of rank 0.", code: .usage) { try result.get() }
  }
}

/// A table of several blocks, with texts that are unknown and missing targets: what is said of them is said of the whole.
@Test func ranksEvaluateATableInPartsLikeOneProcess() throws {
  let head = "a,b,kind,y\n"
  @Sendable func row(_ index: Int) -> String {
    let kind = index % 9_973 == 9_000 ? "new" : ["u", "v", "w"][index % 3]
    return "\(index % 17),\(index % 101).25,\(kind),\(index % 7_919 == 5_000 ? "" : ["no", "yes"][index % 5 / 3])\n"
  }
  try withTemporaryPath(".csv", containing: head + (0..<400).map(row).joined()) { small in
    try withTemporaryPath(".csv", containing: head + (0..<220_000).map(row).joined()) { large in
      let training = try Dataset.read(small, test: .share(0)).training
      var model = try Model(.multilayer(input: training.shape.count, hidden: [6], outputs: 2), seed: 1)
      try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 40, threads: 1).fit(
        &model, to: training, epochs: 1)
      let ensemble = try ModelEnsemble([model])
      @Sendable func found(among communicator: (any Communicator)?) throws -> [String] {
        guard case .parts(let parts) = try Dataset.openForUse(large, by: ensemble, targets: true) else { return [] }
        let (evaluation, warnings) = try ensemble.evaluation(of: parts, among: communicator)
        return warnings + ["\(evaluation.quality)", "\(String(describing: evaluation.value(of: .rocAUC)))"]
      }
      let one = try found(among: nil)
      #expect(one.count == 4, "\(one)")
      for size in [2, 3] {
        for result in ThreadRanks.run(size, { try found(among: $0) }) { #expect(try result.get() == one) }
      }
    }
  }
}
