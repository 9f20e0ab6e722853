import ArgumentParser
import Evenkeel
import EvenkeelLab

struct Evaluate: SharedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how well MODEL does on DATA: metrics, a line for each class, and the confusion matrix.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help: "As for train: its test part, or all of it if it has none (a table then includes the rows trained on).")
  var data: String
  @OptionGroup var database: DatabaseOptions
  @OptionGroup var broken: BrokenImageOption
  @OptionGroup var ranks: RankOptions
  @Option(
    help:
      "The probability from which on the second of two classes is predicted; by default the one that train --threshold-for chose, or 0.5."
  )
  var threshold: Double?
  @Option(help: "An HTML file for a page about the results.") var report: String?
  @Flag(help: "Print one JSON object, with all metrics.") var json = false

  func run() throws {
    try ranks.join(reading: data)
    try requireApart(report, from: [model, data])
    if Ranks.isFirst { try requireOutput(report) }
    let source = model
    let model = try ModelEnsemble(contentsOf: source)
    let limit = try threshold.map { try DecisionThreshold($0, among: model.output?.classLabels ?? []) }
    let evaluation = try model.evaluation(
      ofDataAt: data, rows: database.rows(), threshold: limit, skippingBroken: broken.skipBroken)
    evaluation.warnOfUnknownClasses()
    if let table = evaluation.trainingTable {
      warn(
        "\(data == "-" ? "standard input" : data) is the table that the model was trained on: it has learned from \(table.trained) of these \(evaluation.quality.count) rows, so it does better on them than on new ones."
      )
    }
    if let report, Ranks.isFirst { try page(model, from: source, evaluation).write(to: report) }
    if json { return try emitJSON(EvaluationLine(evaluation)) }
    try emit(EvaluationReport(evaluation: evaluation).lines.joined(separator: "\n"))
  }

  private func page(_ model: ModelEnsemble, from source: String, _ evaluation: Evaluation) throws -> ModelReport {
    var report = try ModelReport(about: source.lastPathComponent, model, threads: Machine.threads)
    let count = NumberText.page.fixed(Double(evaluation.quality.count), decimals: 0)
    report.addResults(evaluation, guess: nil, on: "the \(count) examples of \(data)")
    for (index, member) in model.members.enumerated() {
      report.addNorms(of: member, number: model.members.count > 1 ? index + 1 : nil, on: nil, seed: 0)
    }
    return report
  }
}

extension ModelEnsemble {
  /// How good the model is on DATA as the command names it; warns of what is notable in it.
  func evaluation(
    ofDataAt path: String, rows: DatabaseRows?, threshold: DecisionThreshold? = nil, skippingBroken: Bool = false
  ) throws -> Evaluation {
    let data = try Dataset.openForUse(path, rows: rows, by: self, targets: true, skippingBroken: skippingBroken)
    try Ranks.require(self, on: data)
    switch data {
    case .parts(let parts):
      let (whole, warnings) = try evaluation(of: parts, threshold: threshold, among: Ranks.communicator)
      warn(warnings)
      return whole
    case .whole(let datasets, let warnings):
      warn(warnings)
      return try evaluation(
        of: datasets, threshold: threshold, threads: Ranks.threads, among: Ranks.communicator)
    }
  }
}
