import Evenkeel
import EvenkeelTestSupport
import Testing

/// A model of one norm that has seen two batches.
private func model() throws -> Model {
  var model = try Model(
    Network(input: [5]) {
      BatchNorm()
      Dense(2)
    })
  let data = try Dataset(
    wave(60, 0.7, 2, 3), shape: [5], targets: .classes((0..<12).map { Int32($0 % 2) }, labels: ["a", "b"]))
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 6).fit(&model, to: data, epochs: 1)
  return model
}

@Test func noRowsAreAnErrorOrNothingAndChangeNothing() throws {
  let before = try model()
  var trained = before
  let empty = try Dataset([], shape: [5], targets: .classes([], labels: ["a", "b"]))
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam())
  #expect(throws: EvenkeelError.self) { try trainer.fit(&trained, to: empty, epochs: 1) }
  #expect(throws: EvenkeelError.self) { try trained.evaluate(empty) }
  #expect(try trained.predict(empty).shape == [0, 2])
  #expect(trained.runningStatistics[0].statistics == before.runningStatistics[0].statistics)
  #expect(trained.parameters.map(\.values) == before.parameters.map(\.values))
}

@Test func aBatchOfOneIsRefusedByName() throws {
  var trained = try model()
  let before = trained.runningStatistics[0].statistics
  let one = try Dataset(
    [Float](repeating: 1, count: 5), shape: [5], targets: .classes([0], labels: ["a", "b"]))
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam())
  let error = #expect(throws: EvenkeelError.self) { try trainer.fit(&trained, to: one, epochs: 1) }
  #expect(error!.message.contains("one example") && error!.message.contains("at least 2"))
  #expect(trained.runningStatistics[0].statistics == before)
}

/// Squares beyond the range of Float, and variances that m/(m − 1) carries beyond it.
@Test(arguments: [Float(1e30), 1.5e19])
func aVarianceBeyondTheRangeOfFloatIsAnErrorThatNamesItAndChangesNothing(size: Float) throws {
  var trained = try Model(
    Network(input: [1]) {
      Dense(3)
      BatchNorm()
      Dense(2)
    })
  try trained.setParameter("0.weight", to: Tensor([1, size, 1], shape: [3, 1]))
  let before = trained
  let data = try Dataset([-1, 1], shape: [1], targets: .classes([0, 1], labels: ["a", "b"]))
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 2)
  let error = #expect(throws: EvenkeelError.self) { try trainer.fit(&trained, to: data, epochs: 1) }
  #expect(error?.code == .data)
  #expect(error?.message.contains("Layer 1") == true && error?.message.contains("feature 1") == true)
  #expect(trained.runningStatistics[0].statistics == before.runningStatistics[0].statistics)
  #expect(trained.parameters.map(\.values) == before.parameters.map(\.values))
}
