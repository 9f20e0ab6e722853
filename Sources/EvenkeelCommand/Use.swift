import ArgumentParser
import Evenkeel

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Says how well MODEL does on the test part of DATA.")
  @Argument var model: String
  @Argument var data: String
  @Flag(help: "One JSON object.") var json = false

  func run() throws {
    let model = try Model(contentsOf: model)
    let (dataset, warnings) = try Dataset.readForUse(data, by: model, targets: true)
    for warning in warnings { complain("warning: \(warning)") }
    let quality = try model.evaluate(dataset)
    guard json else { return print(describe(quality)) }
    print(
      jsonObject([
        ("loss", jsonNumber(quality.loss)), ("accuracy", jsonNumber(quality.accuracy)),
        ("RMSE", jsonNumber(quality.rootMeanSquaredError)), ("count", "\(quality.count)"),
      ]))
  }
}

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Predicts every row of DATA as CSV.")
  @Argument var model: String
  @Argument(help: "A CSV file, a folder of IDX files, or - for CSV on standard input.") var data: String
  @Option(help: "Where the predictions go; standard output by default.") var output: String?

  func run() throws {
    let model = try Model(contentsOf: model)
    if let output { try Model.requireWritable(output) }
    let (dataset, warnings) = try Dataset.readForUse(data, by: model, targets: false)
    for warning in warnings { complain("warning: \(warning)") }
    let predictions = try model.predict(dataset)
    let labels = model.output?.classLabels ?? []
    let width = predictions.rowLength
    var text =
      labels.isEmpty
      ? quoted(model.output?.targetNames ?? (0..<width).map { "output\($0)" })
      : quoted(["prediction"] + labels.suffix(width).map { "probability of \($0)" })
    text += "\n"
    for row in 0..<predictions.rowCount {
      let values = Array(predictions[row: row])
      var cells = values.map { "\($0)" }
      if !labels.isEmpty {
        let best = width == 1 ? (values[0] > 0.5 ? 1 : 0) : values.indices.max { values[$0] < values[$1] }!
        cells.insert(labels[best], at: 0)
      }
      text += quoted(cells) + "\n"
    }
    if let output { try Model.writeText(text, to: output) } else { print(text, terminator: "") }
  }

  private func quoted(_ cells: [String]) -> String {
    cells.map { cell in
      cell.contains { ",\"\n\r".contains($0) }
        ? "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" : cell
    }.joined(separator: ",")
  }
}

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the layers of MODEL and the health of its norms.")
  @Argument var model: String
  @Flag(help: "One JSON object a line.") var json = false

  func run() throws {
    let model = try Model(contentsOf: model)
    if !json { print("input \(model.network.input), \(model.parameterCount) parameters") }
    for (name, role, values) in model.parameters {
      let mean = values.values.reduce(0) { $0 + Double($1) } / Double(max(values.values.count, 1))
      let low = values.values.min() ?? 0
      let high = values.values.max() ?? 0
      show([
        ("tensor", jsonText(name)), ("shape", values.shape.description), ("role", jsonText(role.rawValue)),
        ("mean", jsonNumber(mean)), ("lowest", "\(low)"), ("highest", "\(high)"),
      ])
    }
    for (name, statistics) in model.runningStatistics {
      show([
        ("batchNorm", jsonText(name)), ("features", "\(statistics.mean.count)"),
        ("batches", "\(statistics.batchCount)"), ("lowestMean", "\(statistics.mean.min() ?? 0)"),
        ("highestMean", "\(statistics.mean.max() ?? 0)"), ("lowestVariance", "\(statistics.variance.min() ?? 0)"),
        ("highestVariance", "\(statistics.variance.max() ?? 0)"),
      ])
    }
  }

  private func show(_ fields: [(String, String?)]) {
    print(json ? jsonObject(fields) : fields.map { "\($0) \($1 ?? "-")" }.joined(separator: "  "))
  }
}
