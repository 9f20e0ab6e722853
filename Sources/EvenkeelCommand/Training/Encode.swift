import ArgumentParser
import Evenkeel

struct Encode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Encodes a table for training into a file that need not fit in memory.",
    discussion:
      "The table is read twice: to fit the encoding to the training rows, and to write their features. train takes the file in the place of the table, with the same result; so do evaluate and describe."
  )
  @Argument(help: "A table: CSV, JSON objects one a line, or an SQLite database; - is standard input.") var data: String
  @OptionGroup(title: "Data") var columns: TableColumnOptions
  @OptionGroup(title: "Data") var database: DatabaseOptions
  @Option(help: "The share of the training rows that is evaluated after every epoch.") var validation = 0.0
  @Option(help: "The share of the rows to test on at the end.") var test = 0.2
  @Option(help: "The seed by which rows are drawn for validation and the test.") var seed: UInt64 = 0
  @Flag(help: "Make each category a feature, for a network of your own; by default those of many become vectors.")
  var oneHot = false
  @Option(help: "The file to write: NAME.ekdata.") var output: String

  func run() throws {
    try requireApart(output, from: [data])
    try requireOutput(output)
    for (name, share) in [("validation", validation), ("test", test)] where !(0..<1).contains(share) {
      throw EvenkeelError(.usage, "--\(name) is \(share); expected a share of at least 0 and less than 1.")
    }
    let (options, ignored) = try columns.options(loss: nil, mostOneHot: oneHot ? nil : TableRecipe.mostOneHot)
    let (splits, size) = try Dataset.encode(
      data, rows: database.rows(), to: output, target: columns.target, weight: columns.weight, ignoring: ignored,
      options: options, validation: validation, test: test, seed: seed)
    warn(splits.warnings)
    for line in splits.summary(of: data) { try emit(line) }
    try emit("\(output): \(MemoryRoom.text(size))")
  }
}
