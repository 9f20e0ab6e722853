import ArgumentParser
import Evenkeel
import EvenkeelLab

struct Importance: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows how much worse MODEL does when one column of DATA is permuted.",
    discussion:
      "Permutation importance: what the model owes to each column, with the interval of the mean over permutations. Of columns that say the same, each may seem to matter little."
  )
  @Argument(help: "A model file.") var model: String
  @Argument(help: "As for evaluate; best a table that the model was not trained on.") var data: String
  @OptionGroup var database: DatabaseOptions
  @Option(help: "What becomes worse; by default accuracy for classes, r2 for values.") var metric: Metric?
  @Option(help: "Permutations of each column.") var repeats = 10
  @Option(help: "Seed of the permutations.") var seed: UInt64 = 0
  @Option(help: "A file for a figure, as SVG.") var figure: String?
  @Flag(help: "Print one JSON object per line: the data, then each column.") var json = false

  func run() throws {
    try requireApart(figure, from: [model, data])
    try requireOutput(figure)
    let model = try Model(contentsOf: model)
    let (dataset, warnings) = try Dataset.readForUse(data, rows: database.rows(), by: model, targets: true)
    warn(warnings)
    let showsProgress = !json && StatusLine.isAvailable
    let importance = try model.importance(on: dataset, metric: metric, repeats: repeats, seed: seed) { done, passes in
      if showsProgress { StatusLine.show("pass \(done) of \(passes)") }
    }
    if showsProgress { StatusLine.clear() }
    if let figure { try Model.writeText(importance.figure().svg(), to: figure) }
    try show(importance)
  }

  private func show(_ importance: PermutationImportance) throws {
    if json {
      try emitJSON(ImportanceLine(importance, repeats: repeats, seed: seed))
      for column in importance.columns { try emitJSON(ColumnImportanceLine(column)) }
      return
    }
    let value = NumberText.plain.fixed(importance.value, decimals: 4)
    try emit(
      "\(importance.metric.rawValue) \(value) on \(importance.count) rows; by how much it is worse where a column is permuted:"
    )
    let rows =
      [["column", "worse by", repeats > 1 ? "95 % interval" : ""]]
      + importance.columns.map { column in
        guard let interval = column.interval else {
          return [column.name, NumberText.plain.fixed(column.mean, decimals: 4), ""]
        }
        let text = NumberText.plain.estimate(column.mean, interval.lowerBound, interval.upperBound)
        return [column.name, text.value, "\(text.low) to \(text.high)"]
      }
    let width = max(20, rows.reduce(0) { max($0, $1[0].count) } + 2)
    for row in rows { try emit(row[0].padded(to: width) + row[1].alignedRight(in: 12) + "  " + row[2]) }
  }
}

private struct ImportanceLine: Encodable {
  let event = "data"
  let metric: String
  let value: Double
  let count, repeats: Int
  let seed: UInt64

  init(_ importance: PermutationImportance, repeats: Int, seed: UInt64) {
    (metric, value, count) = (importance.metric.rawValue, importance.value, importance.count)
    (self.repeats, self.seed) = (repeats, seed)
  }
}

private struct ColumnImportanceLine: Encodable {
  let column: String
  let drop: Double
  let low, high: Double?
  let drops: [Double]

  init(_ importance: ColumnImportance) {
    (column, drop, drops) = (importance.name, importance.mean, importance.drops)
    (low, high) = (importance.interval?.lowerBound, importance.interval?.upperBound)
  }
}
