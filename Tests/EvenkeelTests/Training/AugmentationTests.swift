import AllocationCounter
import Evenkeel
import Glibc
import Kernels
import Testing

/// Images of whole numbers from 0 to 255, so that bytes and floats can hold them.
private func images(_ count: Int, _ shape: Shape, seed: UInt64 = 1) -> [Float] {
  var random = RandomNumbers(RandomKey(seed: seed))
  return (0..<count * shape.count).map { _ in Float(random.integer(below: 256)) }
}

private func dataset(_ count: Int, _ shape: Shape, values: [Float]? = nil) throws -> Dataset {
  try Dataset(
    values ?? images(count, shape), shape: shape,
    targets: .classes((0..<count).map { Int32($0 % 2) }, labels: ["a", "b"]))
}

private let everything: [Augmentation] = [.crop(padding: 2), .flip, .rotation(degrees: 20), .cutOut(side: 3)]

private func batch(
  _ data: Dataset, _ positions: [Int32], epoch: Int, seed: UInt64 = 5, threads: Int = 1,
  _ augmentation: [Augmentation] = everything
) throws -> [[Float]] {
  let width = data.shape.count
  let augmenter = Augmenter(
    data, augmentation, scaling: try InputScaling(fittedTo: data), seed: seed, capacity: positions.count,
    threads: threads)
  var output = [Float](repeating: 0, count: positions.count * width)
  let bad = positions.withUnsafeBufferPointer { augmenter.gather($0, epoch: epoch, into: &output) }
  #expect(bad == -1)
  return positions.indices.map { Array(output[$0 * width..<($0 + 1) * width]) }
}

@Test func anExamplesChangeFollowsFromSeedEpochAndPlaceAlone() throws {
  let data = try dataset(300, [9, 8, 3])
  let all = try batch(data, Array(0..<300), epoch: 2)
  // In another company and order, by teams that share the work otherwise.
  let chosen: [Int32] = (0..<200).map { ($0 * 7 + 3) % 300 }
  for threads in 1...4 {
    #expect(try batch(data, chosen, epoch: 2, threads: threads) == chosen.map { all[Int($0)] })
  }
  let other = try batch(data, Array(0..<300), epoch: 3)
  let seeded = try batch(data, Array(0..<300), epoch: 2, seed: 6)
  #expect(zip(all, other).count { $0 == $1 } == 0 && zip(all, seeded).count { $0 == $1 } == 0)
  // A subset's examples are known by their places in the subset.
  #expect(try batch(data.subset(0..<40), [5], epoch: 2, [.flip]).count == 1)
}

@Test func changesAreDrawnEvenly() {
  var random = RandomNumbers(RandomKey(seed: 2))
  let count = 20_000
  // Each of n equal outcomes comes up count / n times; five deviations of a binomial number are allowed.
  func expectEven(_ values: [Int], over outcomes: [Int]) {
    let expected = Double(count) / Double(outcomes.count)
    let deviation = (expected * (1 - 1 / Double(outcomes.count))).squareRoot()
    var found: [Int: Int] = [:]
    for value in values { found[value, default: 0] += 1 }
    #expect(Set(found.keys) == Set(outcomes))
    for (_, times) in found { #expect(abs(Double(times) - expected) < 5 * deviation) }
  }
  let crops = (0..<count).map { _ in Augmentation.crop(padding: 3).draw(&random, height: 10, width: 12) }
  #expect(crops.allSatisfy { $0.kind == EK_SHIFT })
  expectEven(crops.map { 7 * Int($0.y) + Int($0.x) }, over: (-3...3).flatMap { y in (-3...3).map { 7 * y + $0 } })
  let flips = (0..<count).map { _ in Augmentation.flip.draw(&random, height: 10, width: 12) }
  expectEven(flips.map { Int($0.kind.rawValue) }, over: [Int(EK_UNCHANGED.rawValue), Int(EK_FLIP.rawValue)])
  let cuts = (0..<count).map { _ in Augmentation.cutOut(side: 4).draw(&random, height: 10, width: 12) }
  #expect(cuts.allSatisfy { $0.side == 4 })
  expectEven(
    cuts.map { 12 * (Int($0.y) + 2) + Int($0.x) + 2 }, over: (0..<10).flatMap { y in (0..<12).map { 12 * y + $0 } })
  let turns = (0..<count).map { _ in Augmentation.rotation(degrees: 15).draw(&random, height: 10, width: 12) }
  let degrees = turns.map { atan2($0.sine, $0.cosine) * 180 / Double.pi }
  #expect(degrees.allSatisfy { abs($0) <= 15 + 1e-9 })
  expectEven(degrees.map { Int(floor($0)) }, over: Array(-15..<15))
}

@Test func theCommandsNamesGiveAugmentations() throws {
  #expect(try Augmentation.list("crop,flip") == [.crop(padding: 4), .flip])
  #expect(
    try Augmentation.list("cutout:16,rotate:2.5,crop:2,flip")
      == [.cutOut(side: 16), .rotation(degrees: 2.5), .crop(padding: 2), .flip])
  for (text, sentence) in [
    ("crop,flop", "\"flop\" is not an augmentation; expected crop, flip, rotate or cutout"),
    ("", "\"\" is not an augmentation"),
    ("crop:x", "\"crop:x\": expected a number"), ("flip:1", "\"flip:1\": expected no value"),
    ("crop,", "\"\" is not an augmentation"),
    ("rotate:", "\"rotate:\": expected a number"),
  ] {
    let error = #expect(throws: EvenkeelError.self) { try Augmentation.list(text) }
    #expect(error?.code == .usage && error?.message.contains(sentence) == true, "\(error?.message ?? "")")
  }
}

private func network(_ inputs: Int) -> Network {
  Network(input: [inputs]) {
    Dense(6)
    BatchNorm()
    ReLU()
    Dropout(0.1)
    Dense(2)
  }
}

private func trainer(_ augmentation: [Augmentation], batchSize: Int = 16) -> Trainer {
  Trainer(
    loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: batchSize, schedule: .cosine(),
    augmentation: augmentation, seed: 4)
}

@Test func augmentationThatCannotActIsRefused() throws {
  for (shape, list, sentence) in [
    (Shape([96]), "flip", "needs images of shape [height, width] or [height, width, channels]; the examples are [96]"),
    ([8, 12], "crop:9", "augmentation crop:9: expected a whole number of pixels from 1 to the image's 8"),
    ([8, 12], "crop:0", "augmentation crop:0: "), ([8, 12], "crop:1.5", "augmentation crop:1.5: "),
    ([8, 12], "cutout:nan", "augmentation cutout:nan: "), ([8, 4, 3], "cutout:5", "from 1 to the image's 4"),
    ([8, 12], "rotate:0", "augmentation rotate:0: "),
    ([8, 12], "rotate:181", "augmentation rotate:181: expected an angle"),
    ([8, 12], "flip,crop,flip", "flip is given twice"),
  ] as [(Shape, String, String)] {
    var model = try Model(network(96))
    let error = #expect(throws: EvenkeelError.self) {
      try trainer(Augmentation.list(list)).fit(&model, to: dataset(32, shape), epochs: 1)
    }
    #expect(error?.code == .usage && error?.message.contains(sentence) == true, "\(error?.message ?? "")")
  }
}

@Test func anAugmentedRunThatIsResumedEqualsOneThatWasNeverStopped() throws {
  let data = try dataset(101, [8, 4, 3])
  var whole = try Model(network(96), seed: 1)
  try trainer(everything).fit(&whole, to: data, epochs: 4)
  var plain = try Model(network(96), seed: 1)
  try trainer([]).fit(&plain, to: data, epochs: 4)
  #expect(plain.parameters.map(\.values) != whole.parameters.map(\.values))
  for steps in [3, 7, 9, 20] {
    var stopped = try Model(network(96), seed: 1)
    var made = 0
    var last: Checkpoint?
    #expect(throws: EvenkeelError.self) {
      try trainer(everything).fit(
        &stopped, to: data, epochs: 4, shouldStop: { made == steps },
        onEvent: { event in
          if case .step = event { made += 1 }
          if case .epoch(_, let checkpoint) = event { last = checkpoint }
          if case .interrupted(let checkpoint) = event { last = checkpoint }
        })
    }
    var resumed = last!.model
    try trainer(everything).fit(&resumed, to: data, epochs: 4, resuming: last)
    #expect(resumed.parameters.map(\.values) == whole.parameters.map(\.values))
    #expect(resumed.runningStatistics.map(\.statistics) == whole.runningStatistics.map(\.statistics))
  }
}

@Test func validationImagesAreLeftAsTheyAre() throws {
  let (data, held) = try (dataset(64, [8, 4, 3]), dataset(20, [8, 4, 3], values: images(20, [8, 4, 3], seed: 9)))
  var model = try Model(network(96), seed: 1)
  let history = try trainer(everything).fit(&model, to: data, validation: held, epochs: 2)
  #expect(try history.epochs.last!.validationLoss == model.evaluate(held).loss)
  #expect(try model.scaling == InputScaling(fittedTo: data, threads: trainer([]).threads))
}

@Test func gatheringAugmentedImagesAllocatesNothing() throws {
  let data = try dataset(64, [16, 16, 3])
  for threads in [1, 2] {
    let augmenter = Augmenter(
      data, everything, scaling: try InputScaling(fittedTo: data), seed: 1, capacity: 64, threads: threads)
    let positions = (0..<64).map { Int32($0) }
    var output = [Float](repeating: 0, count: 64 * data.shape.count)
    positions.withUnsafeBufferPointer { positions in
      output.withUnsafeMutableBufferPointer { output in
        // The first call may start the team.
        _ = augmenter.gather(positions, epoch: 0, into: output.baseAddress!)
        let before = ek_test_allocations()
        for epoch in 1...5 { _ = augmenter.gather(positions, epoch: epoch, into: output.baseAddress!) }
        #expect(ek_test_allocations() == before)
      }
    }
  }
}

/// A batch so large that a team gathers it; each member must look at the whole of its rows.
@Test(arguments: [[], everything], [1, 2, 3])
func aValueThatIsNotFiniteIsFoundWhereverItIs(augmentation: [Augmentation], threads: Int) throws {
  let shape: Shape = [16, 16, 3]
  let values = images(64, shape)
  for feature in [0, 383, 384, 700, 767] {
    var damaged = values
    damaged[37 * shape.count + feature] = feature % 2 == 0 ? .nan : .infinity
    var model = try Model(network(shape.count), seed: 1)
    // The scaling is that of whole data: fitting it would find the value first.
    try trainer([]).fit(&model, to: dataset(64, shape, values: values), epochs: 1)
    var large = trainer(augmentation, batchSize: 64)
    large.threads = threads
    let error = #expect(throws: EvenkeelError.self) {
      try large.fit(&model, to: dataset(64, shape, values: damaged), epochs: 1)
    }
    #expect(
      error?.message.contains("example 37 is not finite in feature \(feature);") == true, "\(error?.message ?? "")")
  }
}

@Test func aTrainedModelIsNotFittedToExamplesOfAnotherSize() throws {
  var model = try Model(network(96), seed: 1)
  try trainer([]).fit(&model, to: dataset(32, [96]), epochs: 1)
  let error = #expect(throws: EvenkeelError.self) { try trainer([]).fit(&model, to: dataset(32, [100]), epochs: 1) }
  #expect(error?.code == .data && error?.message.contains("[100]") == true)
}
