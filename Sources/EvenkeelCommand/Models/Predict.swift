import ArgumentParser
import Evenkeel

struct Predict: SharedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes predictions for every row of DATA as CSV.",
    discussion:
      "A CSV file is read and predicted part by part: memory does not grow with it, and output begins at once.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help:
      "As for evaluate, targets not needed; also an image or a folder of images; - reads a CSV, NPY or NPZ file from standard input."
  )
  var data: String
  @OptionGroup var database: DatabaseOptions
  @OptionGroup var broken: BrokenImageOption
  @OptionGroup var ranks: RankOptions
  @Option(
    help: "The classes whose probabilities are written, separated by commas, or none; all by default.")
  var probabilities: String?
  @Option(
    help:
      "The probability from which on one of two classes is predicted: the one of --probabilities, or else the second. By default the one that train --threshold-for chose, or 0.5."
  )
  var threshold: Double?
  @Option(help: "Columns of a table to write beside the predictions, by name, separated by commas: id,name.")
  var keep: String?
  @Option(help: "The file for the predictions; standard output by default.") var output: String?
  @Option(
    help:
      "A new table for the predictions in the SQLite database that DATA is, in place of a file: all of it or nothing.")
  var into: String?

  func run() throws {
    guard into == nil || output == nil else {
      throw EvenkeelError(.usage, "--into and --output both say where predictions go; use one of them.")
    }
    try ranks.join(reading: data)
    if into != nil, Ranks.communicator != nil {
      throw EvenkeelError(.usage, "--into writes to a database from one process; use --output on several ranks.")
    }
    try requireApart(output, from: [model, data])
    if Ranks.isFirst { try requireOutput(output) }
    let model = try ModelEnsemble(contentsOf: model)
    let kept = keep?.listed ?? []
    let lines = try PredictionLines(
      model.output, width: model.outputCount, probabilities: probabilities, threshold: threshold, keeping: kept)
    if let into {
      let table = try PredictionTable(
        into, in: data, rows: database.rows(), columns: lines.columns, keeping: kept)
      let warnings = try table.parts(by: model).forEach { part in
        lines.rows(try model.predictInDouble(part.datasets, threads: 1))
      } then: {
        try table.append($0)
      }
      try table.commit()
      return warn(warnings)
    }
    let data = try Dataset.openForUse(
      data, rows: database.rows(), by: model, targets: false, weights: false, keeping: kept,
      skippingBroken: broken.skipBroken)
    try Ranks.require(model, on: data)
    guard let output, Ranks.isFirst else { return try write(data, model, lines) { try emit($0) } }
    try Model.writeText(to: output) { try write(data, model, lines, $0) }
  }

  private func write(
    _ data: DataForUse, _ model: ModelEnsemble, _ lines: PredictionLines,
    _ write: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    switch data {
    case .parts(let parts):
      var isFirst = true
      let warnings = try parts.forEach(sharedBy: PartSharing(among: Ranks.communicator)) { part in
        lines.text(try model.predictInDouble(part.datasets, threads: 1), kept: part.kept)
      } then: { text in
        if isFirst { try lines.header(hasFiles: false).withUnsafeBytes(write) }
        isFirst = false
        try text.withUnsafeBytes(write)
      }
      warn(warnings)
    case .whole(let datasets, let warnings):
      warn(warnings)
      let (dataset, predictions) = (
        datasets[0], try model.predictInDouble(datasets, threads: Ranks.threads, among: Ranks.communicator)
      )
      try Machine.requireMemory(
        32 * predictions.count, for: "The text of \(dataset.count) predictions")
      try lines.header(hasFiles: dataset.files != nil).withUnsafeBytes(write)
      try lines.text(predictions, kept: dataset.files ?? []).withUnsafeBytes(write)
    }
  }
}
