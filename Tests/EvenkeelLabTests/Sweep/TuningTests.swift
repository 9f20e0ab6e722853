import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport
import Synchronization
import Testing

@Test func pointsFillTheSpaceAndAreTheSameForASeed() throws {
  let points = (0..<400).map { TuningPoint($0, seed: 3, around: nil) }
  #expect(points[7] == TuningPoint(7, seed: 3, around: nil) && points[7] != TuningPoint(7, seed: 4, around: nil))
  #expect(points.allSatisfy { (1e-4...1e-2).contains($0.learningRate) })
  // Uniform in the logarithm: half lie below the geometric mean.
  #expect((150...250).contains(points.count { $0.learningRate < 1e-3 }))
  #expect(points.allSatisfy { $0.weightDecay == 0 || (1e-4...0.1).contains($0.weightDecay) })
  #expect((150...250).contains(points.count { $0.weightDecay == 0 }))
  #expect(points.allSatisfy { (0..<0.51).contains($0.dropout) && (1...4).contains($0.hidden.count) })
  #expect(points.allSatisfy { $0.hidden[0] % 16 == 0 && (32...512).contains($0.hidden[0]) })
  #expect(Set(points.map(\.batchSize)) == [32, 64, 128, 256, 512])
  #expect(Set(points.map(\.norm)) == Set(TuningPoint.Norm.allCases))
}

@Test func pointsOfATableBeginWithItsRecipeAndKeepHalfOfIt() throws {
  let recipe = TableRecipe(rows: 500, features: 9)
  let points = (0..<400).map { TuningPoint($0, seed: 3, around: recipe) }
  let first = points[0]
  #expect(first.learningRate == recipe.learningRate && first.weightDecay == recipe.weightDecay)
  #expect(first.hidden == recipe.hidden && first.dropout == recipe.dropout && first.batchSize == recipe.batchSize)
  #expect(first.norm == .batch && first.numbers?.transform == recipe.numbers)
  #expect(first.numbers?.embedding == recipe.embedding && first.numbers?.bins == recipe.bins)
  #expect(TuningPoint(0, seed: 4, around: recipe) == first && TuningPoint(7, seed: 4, around: recipe) != points[7])
  #expect((150...250).contains(points.count { $0.learningRate == recipe.learningRate }))
  #expect((150...250).contains(points.count { $0.norm == .none }))
  #expect(points.allSatisfy { (5e-4...0.02).contains($0.learningRate) && (0...0.5).contains($0.weightDecay) })
  #expect(Set(points.map(\.batchSize)) == [16, 32, 64, 128])
  #expect(Set(points.compactMap(\.numbers?.embedding)) == [.none, .piecewise, .periodic])
  #expect(Set(points.compactMap(\.numbers?.transform)) == Set(NumericTransform.allCases))
  #expect(Set(points.compactMap(\.numbers?.bins)) == [8, 16, 32, 64])
  // Too many numbers for vectors.
  let wide = TableRecipe(rows: 500, features: 5000)
  #expect(
    (0..<50).allSatisfy {
      TuningPoint($0, seed: 3, around: wide).numbers?.embedding == TableRecipe.NumberEmbedding.none
    })
}

@Test func theRecipeOfATableIsTrainedForAllEpochsAsTrainTrainsIt() throws {
  try withTemporaryFolder { folder in
    try Model.writeText(smallTable, to: folder + "/table.csv")
    let data = try LaboratoryData(folder + "/table.csv", for: .search)
    let recipe = try #require(data.recipe)
    let runner = TrialRunner(store: try RunStore(folder + "/runs"), data: data, threads: 1)
    let tuning = Tuning(runner: runner, epochs: 9, metric: .logLoss, seed: 1)
    let outcomes = try tuning.run(points: 9, isOver: { false }, shouldStop: { false })
    let first = try #require(outcomes.first { $0.point == TuningPoint(0, seed: 1, around: recipe) })
    #expect(first.epochs == 9)
    // By the library alone.
    var model = try Model(recipe.network(for: data.training, outputs: 2), seed: 0)
    let trainer = Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adamW(learningRate: 0.003, weightDecay: recipe.weightDecay),
      batchSize: recipe.batchSize, schedule: .cosine(), patience: recipe.patience, metric: .logLoss,
      averaging: recipe.averaging, numbers: recipe.numbers, seed: 0)
    try trainer.fit(&model, to: data.training, validation: data.validation, epochs: 9)
    #expect(try model.evaluation(of: data.validation).value(of: .logLoss) == first.result.score)
    // Stored and read again it is the same trial.
    let trial = try first.point.trial(epochs: 9, on: data, metric: .logLoss)
    let number = try #require(runner.store.numbers(of: [trial]).first)
    #expect(try runner.store.run(number).trial == trial)
  }
}

@Test func trialsOfOtherDataAreKeptUnderTheKeysTheyHadBeforeTablesHadRecipes() throws {
  #expect(try !json(smallTrial(smallData())).contains("\"table\""))
}

@Test func theBetterPointsAreTrainedForLongerAndAStoreIsContinued() throws {
  try withTemporaryPath(".sqlite") { path in
    let data = try smallData()
    let runner = TrialRunner(store: try RunStore(path), data: data, threads: 1)
    let tuning = Tuning(runner: runner, epochs: 9, metric: .rocAUC, seed: 1)
    let outcomes = try tuning.run(points: 9, isOver: { false }, shouldStop: { false })
    #expect(outcomes.map(\.epochs).sorted() == [1, 1, 1, 1, 1, 1, 3, 3, 9])
    let scores = outcomes.filter { !$0.result.isDiverged }.map(\.result.score)
    #expect(scores == scores.sorted(by: >) && scores[0] > 0.8, "\(scores)")
    // Nine, three and one trial; the same request makes none anew.
    #expect(try runner.store.runs().count == 13)
    let again = try tuning.run(points: 9, isOver: { false }, shouldStop: { false })
    #expect(again.map(\.point) == outcomes.map(\.point) && again.map(\.result) == outcomes.map(\.result))
    #expect(try runner.store.runs().count == 13)
  }
}

@Test func aSearchEndsWithItsTime() throws {
  try withTemporaryPath(".sqlite") { path in
    let runner = TrialRunner(store: try RunStore(path), data: try smallData(), threads: 1)
    let asked = Atomic(0)
    let tuning = Tuning(runner: runner, epochs: 1, metric: nil, seed: 1)
    // Over after so many questions: in the middle of a trial.
    let outcomes = try tuning.run(
      points: 1_000_000, isOver: { asked.wrappingAdd(1, ordering: .relaxed).newValue > 12 }, shouldStop: { false })
    #expect(outcomes.count < 9)
    #expect(try runner.store.runs().allSatisfy { $0.state == .done || $0.state == .waiting })
    let error = #expect(throws: EvenkeelError.self) {
      try tuning.run(points: 9, isOver: { false }, shouldStop: { true })
    }
    #expect(error?.code == .interrupted)
  }
}
