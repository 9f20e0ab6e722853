import Evenkeel
import Testing

/// A network, its data, and how it is trained: batches that fill slices and teams unevenly.
struct TrainingCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let network: Network
  var weights = false
  var trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 150)
}

private func dense(_ norm: (any Layer)?) -> Network {
  Network(input: [90]) {
    Dense(70)
    if let norm { norm }
    ReLU()
    Dropout(0.1)
    Residual {
      Dense(70)
      if let norm { norm }
      GELU()
    }
    Dense(10)
  }
}

let trainingCases: [TrainingCase] = {
  var cases = [
    TrainingCase(testDescription: "batch norm", network: dense(BatchNorm())),
    TrainingCase(testDescription: "no norms", network: dense(nil)),
    TrainingCase(testDescription: "ghost batches", network: dense(BatchNorm(ghostBatch: 16))),
    TrainingCase(
      testDescription: "renormalization", network: dense(BatchNorm(renormalization: Renormalization(rampTo: 2)))),
    TrainingCase(testDescription: "layer norm", network: dense(LayerNorm())),
    TrainingCase(testDescription: "weights", network: dense(BatchNorm()), weights: true),
    TrainingCase(testDescription: "frozen", network: dense(BatchNorm())),
    TrainingCase(testDescription: "micro", network: dense(BatchNorm())),
    TrainingCase(testDescription: "whole", network: dense(BatchNorm())),
    TrainingCase(testDescription: "large batches", network: dense(nil)),
  ]
  let members = Network(input: [90]) {
    Embedding(counts: [3, 2], width: 5, features: [80, 2])
    PiecewiseLinear(bins: 12, width: 3, features: Array(5..<60))
    Periodic(frequencies: 7, deviation: 0.2, width: 3, features: Array(170..<190))
    Ensemble(members: 4, start: .normal)
    Dense(40)
    BatchNorm()
    ReLU()
    Dropout(0.1)
    Dense(24)
    Reshape([96])
    BatchNorm()
    Reshape([4, 24])
    SiLU()
    MemberDense(10)
  }
  cases.append(TrainingCase(testDescription: "embeddings and members", network: members))
  cases.append(TrainingCase(testDescription: "weights of members' examples", network: members, weights: true))
  cases[cases.count - 2].trainer.numbers = .quantile
  // The first layer's slices leave parts of its gradients.
  cases[9].trainer.batchSize = 900
  cases[6].trainer.freezing = NormFreezing(afterEpoch: 1, includesScaleAndShift: true)
  for (index, statistics) in [(7, BatchStatistics.micro), (8, .whole)] {
    cases[index].trainer.accumulating = 2
    cases[index].trainer.statistics = statistics
  }
  for preset in ["mlp", "lenet", "resnet20"] {
    cases.append(TrainingCase(testDescription: preset, network: try! Network(preset: preset)))
    cases[cases.count - 1].trainer.batchSize = 50
  }
  if Precision.bfloat16.isAvailable {
    cases.append(TrainingCase(testDescription: "bfloat16", network: dense(BatchNorm())))
    cases[cases.count - 1].trainer.precision = .bfloat16
    cases.append(TrainingCase(testDescription: "members in bfloat16", network: members))
    cases[cases.count - 1].trainer.precision = .bfloat16
  }
  return cases
}()

extension TrainingCase {
  /// Random examples of ten classes.
  func data(_ count: Int) throws -> Dataset {
    let shape = network.input
    var random = RandomNumbers(RandomKey(seed: 4))
    let data = try Dataset(
      (0..<count * shape.count).map { _ in Float(random.normal()) }, shape: shape,
      targets: .classes((0..<count).map { Int32($0 % 10) }, labels: (0..<10).map { String($0) }))
    return weights ? try data.with(weights: (0..<count).map { Float($0 % 3) }) : data
  }
}
