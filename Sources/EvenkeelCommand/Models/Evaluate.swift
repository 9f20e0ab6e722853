import ArgumentParser
import Evenkeel

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Measures how well MODEL does on DATA.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help: "As for train: its test part, or all of it if it has none (a table then includes the rows trained on).")
  var data: String
  @OptionGroup var broken: BrokenImageOption
  @Flag(help: "Print one JSON object.") var json = false

  func run() throws {
    let model = try Model(contentsOf: model)
    let (dataset, warnings) = try Dataset.readForUse(data, by: model, targets: true, skippingBroken: broken.skipBroken)
    warn(warnings)
    let quality = try model.evaluate(dataset)
    if json { return try emitJSON(QualityLine(quality)) }
    try emit(([quality.summary] + quality.targetLines).joined(separator: "\n"))
  }
}

private struct QualityLine: Encodable {
  let loss: Double
  let accuracy, RMSE: Double?
  let targets: [TargetLine]?
  let count: Int

  init(_ quality: Quality) {
    (loss, accuracy, RMSE) = (quality.loss, quality.accuracy, quality.rootMeanSquaredError)
    (targets, count) = (TargetLine.lines(quality), quality.count)
  }
}
