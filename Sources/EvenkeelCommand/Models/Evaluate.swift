import ArgumentParser
import Evenkeel

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how well MODEL does on DATA: metrics, a line for each class, and the confusion matrix.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help: "As for train: its test part, or all of it if it has none (a table then includes the rows trained on).")
  var data: String
  @OptionGroup var database: DatabaseOptions
  @OptionGroup var broken: BrokenImageOption
  @Option(help: "The probability from which on the second of two classes is predicted; 0.5 by default.")
  var threshold: Double?
  @Flag(help: "Print one JSON object, with all metrics.") var json = false

  func run() throws {
    let model = try Model(contentsOf: model)
    let limit = try threshold.map { try DecisionThreshold($0, among: model.output?.classLabels ?? []) }
    let evaluation: Evaluation
    switch try Dataset.openForUse(
      data, rows: database.rows(), by: model, targets: true, skippingBroken: broken.skipBroken)
    {
    case .parts(let parts):
      let (whole, warnings) = try model.evaluation(of: parts, threshold: limit)
      warn(warnings)
      evaluation = whole
    case .whole(let dataset, let warnings):
      warn(warnings)
      evaluation = try model.evaluation(of: dataset, threshold: limit)
    }
    evaluation.warnOfUnknownClasses()
    if let table = evaluation.trainingTable {
      warn(
        "\(data == "-" ? "standard input" : data) is the table that the model was trained on: it has learned from \(table.trained) of these \(evaluation.quality.count) rows, so it does better on them than on new ones."
      )
    }
    if json { return try emitJSON(EvaluationLine(evaluation)) }
    try emit(EvaluationReport(evaluation: evaluation).lines.joined(separator: "\n"))
  }
}
