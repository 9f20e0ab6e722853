import ArgumentParser
import Evenkeel

struct Describe: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what DATA holds and what training would make of it.",
    discussion: "For a CSV file, a line for each column: its kind, how much is missing, what it holds, what it becomes."
  )
  @Argument(help: "As for train.") var data: String
  @OptionGroup(title: "Data") var sources: DataOptions
  @Flag(help: "Print one JSON object per line: the data, then each column.") var json = false

  func run() throws {
    let splits = try sources.read(data, loss: nil, seed: 0)
    let columns = try sources.columns(of: data, seed: 0) ?? []
    if json {
      try emitJSON(DataLine(splits))
      for column in columns { try emitJSON(ColumnLine(column)) }
      return
    }
    for line in splits.summary(of: data) { try emit(line) }
    guard !columns.isEmpty else { return }
    try emit("")
    for line in ColumnDescription.lines(columns) { try emit(line) }
  }
}

private struct DataLine: Encodable {
  let event = "data"
  let training, validation, test: Int
  let shape: EncodedJSON
  let targetReason: String?

  init(_ splits: DatasetSplits) {
    (training, validation, test) = (splits.training.count, splits.validation.count, splits.test.count)
    shape = EncodedJSON(text: splits.training.shape.description)
    targetReason = splits.targetReason
  }
}
