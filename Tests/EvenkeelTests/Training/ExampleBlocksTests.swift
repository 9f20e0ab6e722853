import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

/// Two classes that a circle separates, in no order.
private func circle(_ count: Int, seed: UInt64) throws -> Dataset {
  var random = RandomNumbers(RandomKey(seed: seed))
  let points = (0..<count).map { _ in (random.normal(), random.normal()) }
  return try Dataset(
    points.flatMap { [Float($0.0), Float($0.1)] }, shape: [2],
    targets: .classes(points.map { $0.0 * $0.0 + $0.1 * $0.1 > 1.2 ? 1 : 0 }, labels: ["in", "out"]))
}

private let network = Network(input: [2]) {
  Dense(12)
  BatchNorm()
  ReLU()
  Dense(2)
}

private func trainer(seed: UInt64) -> Trainer {
  Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 32, seed: seed, threads: 1)
}

/// The validation losses of each epoch.
private func losses(_ data: Dataset, _ validation: Dataset, seed: UInt64) throws -> [Double] {
  var model = try Model(network, seed: 1)
  let history = try trainer(seed: seed).fit(&model, to: data, validation: validation, epochs: 4)
  return history.epochs.compactMap(\.validationLoss)
}

@Test func anOrderInBlocksHasEachExampleOnceAndTakesThemFromFewPlacesAtATime() {
  var random = RandomNumbers(RandomKey(seed: 1))
  let order = ExampleBlocks(size: 10, window: 4).order(of: 1234, &random)
  #expect(order.sorted() == (0..<1234).map { Int32($0) })
  // The last block is a short one, and so is the last window.
  let short = (order.firstIndex { $0 >= 1230 } ?? 0) / 40
  for (number, start) in stride(from: 0, to: short * 40, by: 40).enumerated() where number < short {
    #expect(Set(order[start..<start + 40].map { $0 / 10 }).count == 4)
  }
  #expect(Set(order.prefix(40).map { $0 / 10 }) != Set(0..<4))
  #expect(zip(order, order.dropFirst()).count { $1 == $0 + 1 } < 100)
}

@Test func lossCurvesInBlocksAgreeWithThoseOfAWholeShuffleWithinTheSpreadOfSeeds() throws {
  let (whole, validation) = (try circle(4000, seed: 5), try circle(1000, seed: 6))
  var inBlocks = whole
  inBlocks.blocks = ExampleBlocks(size: 32, window: 16)
  let seeds: ClosedRange<UInt64> = 1...8
  let curves = try [whole, inBlocks].map { data in try seeds.map { try losses(data, validation, seed: $0) } }
  for epoch in 0..<4 {
    let (means, deviations) = curves.map { curves in
      let values = curves.map { $0[epoch] }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
      return (mean, variance.squareRoot())
    }.reduce(into: ([Double](), [Double]())) { all, one in
      all.0.append(one.0)
      all.1.append(one.1)
    }
    #expect(abs(means[0] - means[1]) < 2 * max(deviations[0], deviations[1]), "epoch \(epoch): \(means) \(deviations)")
  }
}

@Test func aResumedRunGoesOnInItsBlocksWhateverMemoryThereIsNow() throws {
  let whole = try circle(600, seed: 5)
  var inBlocks = whole
  inBlocks.blocks = ExampleBlocks(size: 16, window: 4)
  var expected = try Model(network, seed: 1)
  var stored: Checkpoint?
  try trainer(seed: 3).fit(
    &expected, to: inBlocks, epochs: 4,
    onEvent: { event in
      if case .epoch(let record, let checkpoint) = event, record.epoch == 2 { stored = checkpoint }
    })
  let checkpoint = try #require(stored)
  var resumed = checkpoint.model
  try trainer(seed: 3).fit(&resumed, to: whole, epochs: 4, resuming: checkpoint)
  var other = try Model(network, seed: 1)
  try trainer(seed: 3).fit(&other, to: whole, epochs: 4)
  #expect(try resumed.predict(whole[7]) == expected.predict(whole[7]))
  #expect(try other.predict(whole[7]) != expected.predict(whole[7]))
}
