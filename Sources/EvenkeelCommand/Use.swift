import ArgumentParser
import Evenkeel

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Says how well MODEL does on DATA.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help:
      "As for train: the test part where it has one, else all of it (of a table also the rows that were trained on).")
  var data: String
  @Flag(help: "One JSON object.") var json = false

  func run() throws {
    let model = try Model(contentsOf: model)
    let (dataset, warnings) = try Dataset.readForUse(data, by: model, targets: true)
    for warning in warnings { complain("warning: \(warning)") }
    let quality = try model.evaluate(dataset)
    guard json else { return try emit(([describe(quality)] + describeTargets(quality)).joined(separator: "\n")) }
    try emit(
      jsonObject([
        ("loss", jsonNumber(quality.loss)), ("accuracy", jsonNumber(quality.accuracy)),
        ("RMSE", jsonNumber(quality.rootMeanSquaredError)), ("targets", jsonTargets(quality)),
        ("count", "\(quality.count)"),
      ]))
  }
}

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Predicts every row of DATA as CSV.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help:
      "As for evaluate, the target not needed; also an image or a folder of them; - is a CSV, NPY or NPZ file on standard input."
  )
  var data: String
  @Option(help: "Where the predictions go; standard output by default.") var output: String?

  func run() throws {
    try requireApart(output, from: [model, data])
    try requireOutput(output)
    let model = try Model(contentsOf: model)
    let (dataset, warnings) = try Dataset.readForUse(data, by: model, targets: false, weights: false)
    for warning in warnings { complain("warning: \(warning)") }
    let predictions = try model.predictInDouble(dataset)
    let labels = model.output?.classLabels ?? []
    let width = predictions.count / max(dataset.count, 1)
    try Machine.requireMemory(32 * predictions.count, for: "The text of \(dataset.count) × \(width) predictions")
    let names =
      labels.isEmpty
      ? model.output?.targetNames ?? (0..<width).map { "output\($0)" }
      : ["prediction"] + labels.suffix(width).map { "probability of \($0)" }
    var text = quoted((dataset.files == nil ? [] : ["file"]) + names) + "\n"
    for row in 0..<dataset.count {
      let values = Array(predictions[row * width..<(row + 1) * width])
      var cells = values.indices.map { model.output?.text(values[$0], output: $0) ?? "\(Float(values[$0]))" }
      if !labels.isEmpty {
        let best = width == 1 ? (values[0] > 0.5 ? 1 : 0) : values.indices.max { values[$0] < values[$1] }!
        cells.insert(labels[best], at: 0)
      }
      if let files = dataset.files { cells.insert(files[row], at: 0) }
      text += quoted(cells) + "\n"
    }
    if let output { try Model.writeText(text, to: output) } else { try emit(text, terminator: "") }
  }

  private func quoted(_ cells: [String]) -> String {
    cells.map { cell in
      cell.contains { ",\"\n\r".contains($0) }
        ? "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" : cell
    }.joined(separator: ",")
  }
}
