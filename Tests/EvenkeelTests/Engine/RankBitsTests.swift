import Evenkeel
import EvenkeelTestSupport
import Testing

/// What a training leaves: all that a model file holds of it.
private struct Trained: Hashable, Sendable {
  let parameters: [Tensor]
  let statistics: [RunningStatistics]
  let losses: [Double]
}

extension TrainingCase {
  fileprivate func trained(on data: Dataset, _ communicator: (any Communicator)? = nil) throws -> Trained {
    var model = try Model(network, seed: 1)
    var trainer = trainer
    trainer.threads = 1
    trainer.communicator = communicator
    let history = try trainer.fit(&model, to: data, epochs: 2)
    return Trained(
      parameters: model.parameters.map(\.values), statistics: model.runningStatistics.map(\.statistics),
      losses: history.epochs.map(\.trainLoss))
  }

  fileprivate func expectSameBits(on data: Dataset, ranks: [Int]) throws {
    let one = try trained(on: data)
    for size in ranks {
      for (rank, result) in ThreadRanks.run(size, { try trained(on: data, $0) }).enumerated() {
        #expect(try result.get() == one, "rank \(rank) of \(size)")
      }
    }
  }
}

@Test(arguments: trainingCases)
private func aTrainingHasTheSameBitsOnAnyNumberOfRanks(_ training: TrainingCase) throws {
  try training.expectSameBits(on: training.data(3 * training.trainer.batchSize - 10), ranks: [1, 2, 3, 4, 5])
}

/// y = w x with one w, computed from the whole batch.
private struct BatchGain: Layer, LayerOperation {
  static let kind = "batchGain"

  func parameters(for input: Shape) throws -> [ParameterDescription] {
    [ParameterDescription(name: "weight", shape: [1], role: .weight, start: .constant(1))]
  }

  func forward(_ pass: ForwardPass) {
    for index in 0..<pass.rows * pass.inputLength { pass.output[index] = pass.parameter(0)[0] * pass.input[index] }
  }

  func backward(_ pass: BackwardPass) {
    var sum: Float = 0
    for index in 0..<pass.rows * pass.inputLength {
      sum += pass.outputGradient[index] * pass.input[index]
      pass.inputGradient?[index] = pass.outputGradient[index] * pass.parameter(0)[0]
    }
    pass.parameterGradient(0)[0] = sum
  }
}

/// Networks whose operations exchange other things than those of `trainingCases`.
private let otherCases: [TrainingCase] = {
  func images(_ description: String, _ layers: [any Layer]) -> TrainingCase {
    TrainingCase(
      testDescription: description, network: Network(input: [8, 8, 3], layers: layers + [Flatten(), Dense(10)]))
  }
  var cases = [
    images("group norm", [Convolution(8, kernel: 3), GroupNorm(groups: 2), ReLU()]),
    images("instance norm", [Convolution(8, kernel: 3, bias: .present), InstanceNorm(), ReLU()]),
    images("weights larger than images", [AveragePool(4), Convolution(150, kernel: 3, bias: .present), BatchNorm()]),
    images(
      "weights of Winograd larger than images",
      [
        AveragePool(4), Convolution(16, kernel: 1), Convolution(272, kernel: 3, bias: .present), BatchNorm(), ReLU(),
      ]),
    images("depthwise", [Convolution(8, kernel: 3), DepthwiseConvolution(kernel: 3), BatchNorm(), ReLU()]),
    images("augmentation", [Convolution(8, kernel: 3), BatchNorm(), ReLU()]),
    images("clipping and averages", [Convolution(8, kernel: 3), BatchNorm(), ReLU()]),
    TrainingCase(
      testDescription: "a layer that takes no slices",
      network: Network(input: [20], layers: [Dense(12), BatchGain(), BatchNorm(), ReLU(), Dense(10)])),
  ]
  for index in cases.indices { cases[index].trainer.batchSize = 50 }
  for renormalization in [nil, Renormalization(rampTo: 2)] {
    cases.append(
      images(
        "groups of ranks\(renormalization == nil ? "" : ", renormalized")",
        [
          Convolution(8, kernel: 3), BatchNorm(ghostBatch: 16, renormalization: renormalization), ReLU(),
          Convolution(8, kernel: 3), BatchNorm(ghostBatch: 16, renormalization: renormalization), ReLU(),
        ]))
    cases[cases.count - 1].trainer.batchSize = 64
  }
  cases[5].trainer.augmentation = [.flip, .crop(padding: 1)]
  cases[6].trainer.clippingNorm = 0.1
  cases[6].trainer.averaging = .exponential(decay: 0.9)
  if Precision.bfloat16.isAvailable {
    cases.append(images("convolutions in bfloat16", [Convolution(8, kernel: 5), BatchNorm(), ReLU()]))
    cases[cases.count - 1].trainer.batchSize = 50
    cases[cases.count - 1].trainer.precision = .bfloat16
  }
  return cases
}()

@Test(arguments: otherCases)
private func soDoesOneOfOtherLayers(_ training: TrainingCase) throws {
  try training.expectSameBits(on: training.data(120), ranks: [2, 3, 4])
}

/// Ten examples are two slices of images, three are one: some ranks have none.
@Test(arguments: [10, 3]) func ranksWithoutRowsTrainLikeTheOthers(_ batch: Int) throws {
  var training = TrainingCase(
    testDescription: "few rows",
    network: Network(
      input: [8, 8, 3],
      layers: [
        Convolution(8, kernel: 3), BatchNorm(), ReLU(), Flatten(), Dense(10),
      ]))
  training.trainer.batchSize = batch
  try training.expectSameBits(on: training.data(3 * batch), ranks: [4])
}

/// y is so large where x is far from the others that its square is no float.
private struct Cliff: Layer, LayerOperation {
  static let kind = "cliff"

  func forward(_ pass: ForwardPass) {
    for index in 0..<pass.rows * pass.inputLength {
      pass.output[index] = pass.input[index] > 5 ? 3e38 : pass.input[index]
    }
  }

  func backward(_ pass: BackwardPass) {
    for index in 0..<pass.rows * pass.inputLength { pass.inputGradient?[index] = pass.outputGradient[index] }
  }
}

/// Of two ranks each has a ghost batch of its own: the other does not see the number, and hears of it at the end of the step.
@Test func aGhostBatchOutOfRangeStopsAllRanks() throws {
  let training = TrainingCase(
    testDescription: "ghost batches",
    network: Network(input: [4], layers: [Cliff(), BatchNorm(ghostBatch: 32), Dense(10)]))
  var rows = (0..<64 * 4).map { Float($0 % 13) }
  rows[50 * 4] = 1e6
  let data = try Dataset(
    rows, shape: [4], targets: .classes((0..<64).map { Int32($0 % 10) }, labels: (0..<10).map { String($0) }))
  for result in ThreadRanks.run(
    2,
    { ranks in
      var model = try Model(training.network, seed: 1)
      var trainer = training.trainer
      (trainer.batchSize, trainer.threads, trainer.communicator) = (64, 1, ranks)
      try trainer.fit(&model, to: data, epochs: 1)
    })
  {
    expectError("batchNorm") { try result.get() }
  }
}

@Test func ghostBatchesDivideEveryBatchIntoAsMany() throws {
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 128)
  #expect(try trainer.ghostBatch(of: 4, examples: 1_280) == 32)
  // Eight batches of 125.
  #expect(try trainer.ghostBatch(of: 2, examples: 1_000) == 62)
  expectError("cannot be parted into 64 groups", code: .usage) { _ = try trainer.ghostBatch(of: 64, examples: 90) }
}
