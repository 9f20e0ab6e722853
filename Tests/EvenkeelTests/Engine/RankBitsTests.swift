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
