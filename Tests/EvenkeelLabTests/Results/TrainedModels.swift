import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport

/// Trainings of a second, and the pages about them.
enum TrainedModels {
  private static let trainer = Trainer(
    loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 64, threads: 1)

  private static func network(_ inputs: Int, _ outputs: Int) -> Network {
    Network(input: [inputs]) {
      Dense(12)
      BatchNorm()
      ReLU()
      Dense(outputs)
    }
  }

  /// Points around as many centers as there are classes.
  static func clusters(_ names: [String], count: Int, seed: UInt64) throws -> Dataset {
    var random = RandomNumbers(RandomKey(seed: seed))
    var (inputs, classes): ([Float], [Int32]) = ([], [])
    for row in 0..<count {
      let place = row % names.count
      classes.append(Int32(place))
      inputs += [Float(place % 5), Float(place / 5), 0, 0].map { $0 + Float(0.45 * random.normal()) }
    }
    return try Dataset(inputs, shape: [4], targets: .classes(classes, labels: names))
  }

  /// A page with all sections.
  static func page(
    _ training: Dataset, _ test: Dataset, trainer: Trainer = trainer, outputs: Int, epochs: Int,
    title: String = "a table"
  ) throws -> ModelReport {
    var model = try Model(network(training.shape.count, outputs), seed: 1)
    let history = try trainer.fit(&model, to: training, validation: test, epochs: epochs)
    var report = opening(title)
    report.addData(["a.csv: 700 rows, 600 to train on, 100 to test on", "4 columns become 4 features"])
    report.addTraining(history, epochs: epochs + 1, metric: nil, keepsBest: false)
    report.addResults(
      try model.evaluation(of: test), guess: Guess(from: training, on: test), on: "the 100 rows of the test part")
    report.addImportance(of: model, on: test, metric: nil, seed: 1)
    report.addNorms(of: model, on: test, seed: 1)
    return report
  }

  static func opening(_ title: String) -> ModelReport {
    ModelReport(
      title: title, facts: [ModelReport.Fact("Network", "4-12-3 batchNorm relu"), ModelReport.Fact("Date", "today")],
      command: "evenkeel train a.csv --report page.html", footer: "Made by Evenkeel.")
  }

  static func classifier(_ names: [String], epochs: Int = 6) throws -> ModelReport {
    try page(
      clusters(names, count: 600, seed: 1), clusters(names, count: 200, seed: 2), outputs: names.count, epochs: epochs)
  }

  /// Two targets, one of them in millions.
  static func regression(epochs: Int = 20) throws -> ModelReport {
    func data(_ count: Int, _ seed: UInt64) throws -> Dataset {
      var random = RandomNumbers(RandomKey(seed: seed))
      var (inputs, targets): ([Float], [Double]) = ([], [])
      for _ in 0..<count {
        let x = (0..<3).map { _ in random.normal() }
        inputs += x.map { Float($0) }
        targets += [1e6 * (2 * x[0] + 0.3 * random.normal()), x[1] * x[1] - x[0]]
      }
      return try Dataset(
        inputs, shape: [3], targets: .values(targets, names: ["price", "a rather long name of a target"]))
    }
    var trainer = trainer
    trainer.loss = .meanSquaredError
    return try page(data(600, 1), data(1_500, 2), trainer: trainer, outputs: 2, epochs: epochs)
  }
}
