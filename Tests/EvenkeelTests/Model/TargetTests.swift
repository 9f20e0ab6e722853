import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import FoundationEssentials
import Testing

/// Two targets of one input, 10⁹ apart in size and one of them far from 0, and a third that does not vary.
private func examples(_ count: Int, seed: Int) throws -> Dataset {
  var numbers = Numbers(seed)
  var (inputs, targets): ([Float], [Double]) = ([], [])
  for _ in 0..<count {
    let (a, b) = (numbers.next(), numbers.next())
    inputs += [a, b]
    targets += [1e6 * Double(a), 1.7e9 + 1e-3 * Double(b), 5]
  }
  return try Dataset(inputs, shape: [2], targets: .values(targets, names: ["large", "far", "same"]))
}

private func trained(_ data: Dataset, epochs: Int = 80) throws -> Model {
  var model = try Model(
    Network(input: [2]) {
      Dense(16)
      BatchNorm()
      Tanh()
      Dense(3)
    }, seed: 1)
  try Trainer(loss: .meanSquaredError, optimizer: .adam(learningRate: 0.02), batchSize: 64, threads: 1).fit(
    &model, to: data, epochs: epochs)
  return model
}

@Test func eachTargetIsLearnedAndJudgedInItsOwnUnit() throws {
  let (data, held) = (try examples(800, seed: 1), try examples(300, seed: 2))
  let model = try trained(data)
  let quality = try model.evaluate(held)
  #expect(quality.targets.map(\.name) == ["large", "far", "same"])
  #expect(quality.targets[0].coefficientOfDetermination! > 0.98)
  #expect(quality.targets[2].coefficientOfDetermination == nil)
  // Computed again from the predictions, in double; a target of 1.7e9 ± 1e-3 has digits of 2.4e-7 there.
  let predicted = try model.predictInDouble(held)
  guard case .values(let values, _) = held.targets else { return }
  var total = 0.0
  for target in 0..<3 {
    let own = stride(from: target, to: values.count, by: 3)
    let mean = own.reduce(0) { $0 + (values[$1] - values[target]) } / 300 + values[target]
    let error = own.reduce(0) { $0 + (predicted[$1] - values[$1]) * (predicted[$1] - values[$1]) }
    let spread = own.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) }
    total += (error / 300).squareRoot()
    #expect(abs(quality.targets[target].rootMeanSquaredError / (error / 300).squareRoot() - 1) < 2e-3)
    if spread > 0 { #expect(abs(quality.targets[target].coefficientOfDetermination! - (1 - error / spread)) < 1e-3) }
  }
  #expect(quality.targets[1].coefficientOfDetermination! > 0.98)
  #expect(abs(quality.rootMeanSquaredError! / (total / 3) - 1) < 1e-5)
  // Text tells predictions of a far target apart.
  #expect(model.output!.text(1_700_000_000.0005, output: 1) == "1700000000.0005")
  #expect(model.output!.text(0.1, output: 0) == "0.1")
}

@Test func weightsCountInTheQualityOfEachTarget() throws {
  let data = try examples(60, seed: 3)
  let model = try trained(data, epochs: 3)
  let twice = data.subset(Array(0..<60) + Array(0..<20))
  let weighted = try data.with(weights: (0..<60).map { $0 < 20 ? 2 : 1 })
  for (a, b) in zip(try model.evaluate(weighted).targets, try model.evaluate(twice).targets) {
    #expect(abs(a.rootMeanSquaredError / b.rootMeanSquaredError - 1) < 1e-9)
    if let share = a.coefficientOfDetermination {
      #expect(abs(share - b.coefficientOfDetermination!) < 1e-6)
    }
  }
}

@Test func theSumsOfEachTargetSurviveACheckpoint() throws {
  let data = try examples(200, seed: 4)
  let network = try trained(data, epochs: 1).network
  let trainer = Trainer(loss: .huber(delta: 1), optimizer: .adam(), batchSize: 32, threads: 1)
  var (whole, parted) = (try Model(network, seed: 2), try Model(network, seed: 2))
  let expected = try trainer.fit(&whole, to: data, epochs: 2)
  var (steps, stored): (Int, Checkpoint?) = (0, nil)
  #expect(throws: EvenkeelError.self) {
    try trainer.fit(
      &parted, to: data, epochs: 2,
      shouldStop: {
        steps += 1
        return steps == 10
      }, onEvent: { if case .interrupted(let checkpoint) = $0 { stored = checkpoint } })
  }
  try withTemporaryPath { path in
    try stored!.write(to: path)
    let checkpoint = try Checkpoint(contentsOf: path)
    var model = checkpoint.model
    let history = try trainer.fit(&model, to: data, epochs: 2, resuming: checkpoint)
    #expect(history.epochs.map(\.trainRMSE) == expected.epochs.map(\.trainRMSE))
  }
}

/// One mean and deviation for all targets, as files had them.
@Test func theDescriptionOfAnEarlierModelIsRead() throws {
  let text =
    #"{"loss":{"kind":"meanSquaredError","parameter":0},"classLabels":[],"targetNames":["a","b"],"targetMean":1.1,"targetDeviation":2.5}"#
  let output = try JSONDecoder().decode(OutputDescription.self, from: Data(text.utf8))
  #expect(output.targetMean == [Double(Float(1.1)), Double(Float(1.1))] && output.targetDeviation == [2.5, 2.5])
}
