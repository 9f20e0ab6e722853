import ArgumentParser
import Evenkeel

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Writes predictions for every row of DATA as CSV.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help:
      "As for evaluate, targets not needed; also an image or a folder of images; - reads a CSV, NPY or NPZ file from standard input."
  )
  var data: String
  @OptionGroup var broken: BrokenImageOption
  @Option(help: "The file for the predictions; standard output by default.") var output: String?

  func run() throws {
    try requireApart(output, from: [model, data])
    try requireOutput(output)
    let model = try Model(contentsOf: model)
    let (dataset, warnings) = try Dataset.readForUse(
      data, by: model, targets: false, weights: false, skippingBroken: broken.skipBroken)
    warn(warnings)
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
