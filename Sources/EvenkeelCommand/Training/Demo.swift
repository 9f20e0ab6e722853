import ArgumentParser
import Evenkeel

/// The original paper's first experiment (Ioffe and Szegedy 2015, §4.1) on drawn digits: three sigmoid layers of 100
/// units, batches of 60, with batch normalization and without, side by side.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains on drawn digits with and without batch normalization, and compares the two.")
  @Option(help: "Where the model with batch normalization goes.") var output = "demo.safetensors"
  @Option(help: "Passes over the 12,000 digits, 200 steps each.") var epochs = 8
  @Option(help: "The step size of both networks.") var learningRate = 2.0
  @Option(help: "Seed of the digits, the initial weights and the order of examples.") var seed: UInt64 = 1

  private struct Outcome {
    var accuracies: [Double] = []
    var stepsToTarget: Int?
    var seconds = 0.0
  }

  func run() throws {
    try trainer.validate(epochs: epochs)
    try requireOutput(output)
    tell("Drawing 12,000 digits to train on and 2,000 to test on …\n")
    let digits = try Dataset.digits(training: 12_000, test: 2_000, seed: seed)
    tell("With batch normalization:\n")
    var model = try Model(network(normalized: true), seed: seed)
    let with = try train(&model, digits)
    tell("Without:\n")
    var plain = try Model(network(normalized: false), seed: seed)
    let without = try train(&plain, digits)

    try emit("\n784-100-100-100-10, sigmoid, weights from N(0, 0.1²), batch 60, gradient descent at \(learningRate)")
    try row("", ["with", "without"])
    for epoch in 0..<epochs {
      try row(
        "accuracy, epoch \(epoch + 1)",
        [with, without].map { NumberText.plain.percent($0.accuracies[epoch], decimals: 2) })
    }
    try row("steps to 95 %", [with, without].map { $0.stepsToTarget.map { String($0) } ?? "not reached" })
    try row("seconds of training", [with, without].map { NumberText.plain.fixed($0.seconds, decimals: 2) })
    let probabilities = try model.predict(digits.test[7])
    let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] }!
    try emit(
      "\nOne observation, normalized with the running statistics: a drawn 7 is read as \(best) with probability \(NumberText.plain.fixed(Double(probabilities[best]), decimals: 3))."
    )
    try model.write(to: output)
    try emit("The model is in \(output); try: .build/release/evenkeel inspect \(output)")
  }

  private var trainer: Trainer {
    Trainer(
      loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: learningRate), batchSize: 60,
      evaluationInterval: 10, seed: seed)
  }

  private func network(normalized: Bool) -> Network {
    Network(input: [784]) {
      for _ in 0..<3 {
        Dense(100, initialization: .normal(0.1))
        if normalized { BatchNorm() }
        Sigmoid()
      }
      Dense(10, initialization: .normal(0.1))
    }
  }

  /// Trains, testing every ten steps; the time of the tests is left out.
  private func train(_ model: inout Model, _ digits: DatasetSplits) throws -> Outcome {
    var outcome = Outcome()
    var before = ContinuousClock.now
    try trainer.fit(
      &model, to: digits.training, validation: digits.test, epochs: epochs,
      onEvent: { event in
        switch event {
        case .interrupted, .saved: break
        case .step: outcome.seconds += (ContinuousClock.now - before) / .seconds(1)
        case .evaluated(let step, let quality):
          if outcome.stepsToTarget == nil, quality.accuracy! >= 0.95 { outcome.stepsToTarget = step }
        case .epoch(let record, _):
          outcome.accuracies.append(record.validationAccuracy!)
          tell(
            "  epoch \(record.epoch)/\(epochs)  loss \(NumberText.plain.fixed(record.trainLoss, decimals: 4))  test accuracy \(NumberText.plain.percent(record.validationAccuracy!, decimals: 2))\n"
          )
        }
        before = ContinuousClock.now
      })
    return outcome
  }

  private func row(_ name: String, _ cells: [String]) throws {
    try emit(name.padded(to: 22) + cells.map { $0.alignedRight(in: 14) }.joined())
  }
}
