import ArgumentParser
import Evenkeel

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how well MODEL does on DATA: metrics, a line for each class, and the confusion matrix.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help: "As for train: its test part, or all of it if it has none (a table then includes the rows trained on).")
  var data: String
  @OptionGroup var broken: BrokenImageOption
  @Option(
    help:
      "The probability from which on the second of two classes is predicted; by default the one that train --threshold-for chose, or 0.5."
  )
  var threshold: Double?
  @Flag(help: "Print one JSON object, with all metrics.") var json = false

  func run() throws {
    let model = try ModelEnsemble(contentsOf: model)
    let limit = try threshold.map {
      try DecisionThreshold($0, among: model.output?.classLabels ?? [])
    }
    let evaluation = try model.evaluation(
      ofDataAt: data, threshold: limit, skippingBroken: broken.skipBroken)
    evaluation.warnOfUnknownClasses()
    if json { return try emitJSON(EvaluationLine(evaluation)) }
    try emit(EvaluationReport(evaluation: evaluation).lines.joined(separator: "\n"))
  }
}

extension ModelEnsemble {
  /// How good the model is on DATA as the command names it; warns of what is notable in it.
  func evaluation(
    ofDataAt path: String, threshold: DecisionThreshold? = nil, skippingBroken: Bool = false
  ) throws -> Evaluation {
    switch try Dataset.openForUse(path, by: self, targets: true, skippingBroken: skippingBroken) {
    case .parts(let parts):
      let (whole, warnings) = try evaluation(of: parts, threshold: threshold)
      warn(warnings)
      return whole
    case .whole(let datasets, let warnings):
      warn(warnings)
      return try evaluation(of: datasets, threshold: threshold)
    }
  }
}
