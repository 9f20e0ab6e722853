import Evenkeel
import Testing

@Test(arguments: trainingCases)
private func aTrainingHasTheSameBitsOnAnyNumberOfThreads(_ training: TrainingCase) throws {
  let data = try training.data(3 * training.trainer.batchSize - 10)
  func run(_ threads: Int) throws -> (parameters: [Tensor], statistics: [RunningStatistics], quality: Quality) {
    var model = try Model(training.network, seed: 1)
    var trainer = training.trainer
    trainer.threads = threads
    try trainer.fit(&model, to: data, epochs: 2)
    return (
      model.parameters.map(\.values), model.runningStatistics.map(\.statistics),
      try model.evaluate(data, threads: threads)
    )
  }
  let one = try run(1)
  for threads in [2, 3, 8] {
    let more = try run(threads)
    #expect(more.parameters == one.parameters && more.statistics == one.statistics, "\(threads) threads")
    #expect(more.quality == one.quality, "\(threads) threads")
  }
}
