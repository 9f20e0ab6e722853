import ArgumentParser
import Evenkeel

/// The same network on drawn digits with batch normalization and without, side by side.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains on drawn digits with and without batch normalization and compares.")
  @Option(help: "Where the normalized model goes.") var output = "demo.safetensors"
  @Option(help: "Passes over the 12,000 digits, 200 steps each.") var epochs = 8
  @Option(help: "Seed of digits, start and order.") var seed: UInt64 = 1

  private struct Outcome {
    var accuracies: [Double] = []
    var stepsToTarget: Int?
    var seconds = 0.0
  }

  func run() throws {
    try Model.requireWritable(output)
    tell("Drawing 12,000 digits to train on and 4,000 to test on …\n")
    let digits = try Dataset.digits(training: 12_000, test: 4_000, seed: seed)
    var outcomes: [Outcome] = []
    var normalized: Model?
    for withNorm in [true, false] {
      tell(withNorm ? "With batch normalization\n" : "Without\n")
      var model = try Model(
        Network.multilayer(
          input: 784, hidden: [100, 100, 100], outputs: 10, activation: "sigmoid",
          normalization: withNorm ? .beforeActivation : .none), seed: seed)
      let trainer = Trainer(
        loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.5), batchSize: 60, seed: seed)
      var outcome = Outcome()
      let started = ContinuousClock.now
      try trainer.fit(
        &model, to: digits.training, validation: digits.test, epochs: epochs,
        onEvent: { event in
          guard case .epoch(let record, let checkpoint) = event else { return }
          outcome.accuracies.append(record.validationAccuracy ?? 0)
          if outcome.stepsToTarget == nil, record.validationAccuracy ?? 0 >= 0.95 {
            outcome.stepsToTarget = checkpoint.steps
          }
          tell(
            "  epoch \(record.epoch)/\(epochs)  loss \(fixed(record.trainLoss, 4))  test accuracy \(fixed(100 * (record.validationAccuracy ?? 0), 2)) %\n"
          )
        })
      outcome.seconds = (ContinuousClock.now - started) / .seconds(1)
      outcomes.append(outcome)
      if withNorm { normalized = model }
    }
    let model = normalized!
    print("\n784-100-100-100-10, sigmoid, gradient descent, learning rate 0.5, batch 60")
    row("", "with", "without")
    for epoch in 0..<epochs {
      row("accuracy, epoch \(epoch + 1)", outcomes.map { fixed(100 * $0.accuracies[epoch], 2) + " %" })
    }
    row("steps to 95 % (by epoch)", outcomes.map { $0.stepsToTarget.map { String($0) } ?? "not reached" })
    row("seconds", outcomes.map { fixed($0.seconds, 2) })
    let probabilities = try model.predict(digits.test[7])
    let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] }!
    print(
      "\nA single observation through the running statistics: a drawn 7 is read as \(best) with probability \(fixed(Double(probabilities[best]), 3))."
    )
    try model.write(to: output)
    print("The model is in \(output); try: evenkeel inspect \(output)")
  }

  private func row(_ name: String, _ cells: String...) { row(name, cells) }
  private func row(_ name: String, _ cells: [String]) {
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    print(name + String(repeating: " ", count: max(0, 26 - name.count)) + cells.map { padded($0, 14) }.joined())
  }
}
