import Evenkeel
import EvenkeelTestSupport
import Testing

private let trainer = Trainer(
  loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.002), batchSize: 50, precision: .bfloat16, seed: 3)

private func network() -> Network {
  Network(input: [28, 28, 1]) {
    Convolution(8, kernel: 3, stride: 2)
    BatchNorm()
    ReLU()
    Flatten()
    Dense(32)
    BatchNorm()
    ReLU()
    Dense(10)
  }
}

@Test(.enabled(if: Precision.bfloat16.isAvailable, "the processor has no bfloat16"))
func trainingInBFloat16LearnsRepeatsItselfAndKeepsFloatParameters() throws {
  let digits = try Dataset.digits(training: 1030, test: 500, seed: 1)
  let (data, held) = (digits.training, digits.test)
  var models: [Model] = []
  var checkpoint: Checkpoint?
  for _ in 0..<2 {
    var model = try Model(network(), seed: 1)
    try trainer.fit(
      &model, to: data, epochs: 4,
      onEvent: { if case .epoch(let record, let made) = $0, record.epoch == 2 { checkpoint = made } })
    models.append(model)
  }
  #expect(models[0].parameters.map(\.values) == models[1].parameters.map(\.values), "the same bits")
  let weights = models[0].parameters[0].values.values
  #expect(weights.contains { $0.bitPattern & 0xffff != 0 }, "parameters are floats, not what they are rounded to")
  // Resumed from a file, to the bit; in another precision it would be another run.
  try withTemporaryPath { path in
    try checkpoint!.write(to: path)
    let stored = try Checkpoint(contentsOf: path)
    var resumed = stored.model
    try trainer.fit(&resumed, to: data, epochs: 4, resuming: stored)
    #expect(resumed.parameters.map(\.values) == models[0].parameters.map(\.values))
    #expect(resumed.runningStatistics.map(\.statistics) == models[0].runningStatistics.map(\.statistics))
    var other = trainer
    other.precision = .float32
    let error = #expect(throws: EvenkeelError.self) { try other.fit(&resumed, to: data, epochs: 4, resuming: stored) }
    #expect(error?.message.contains("precision is bfloat16") == true)
  }
  var exact = try Model(network(), seed: 1)
  var plain = trainer
  plain.precision = .float32
  try plain.fit(&exact, to: data, epochs: 4)
  #expect(exact.parameters.map(\.values) != models[0].parameters.map(\.values))
  let (half, full) = (try models[0].evaluate(held).accuracy!, try exact.evaluate(held).accuracy!)
  #expect(half > 0.6 && abs(half - full) < 0.03, "\(half) against \(full)")
}
