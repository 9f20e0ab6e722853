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
    let (splits, described) = try sources.describe(data)
    let columns = described ?? []
    if json {
      try emitJSON(DataLine(splits))
      for column in columns { try emitJSON(ColumnLine(column)) }
      return
    }
    for line in splits.summary(of: data) { try emit(line) }
    guard !columns.isEmpty else { return }
    try emit("")
    let cells = columns.map { [$0.shownName, $0.kind ?? "", $0.missingText, $0.contentText, $0.use] }
    let rows = [["column", "kind", "missing", "holds", "becomes"]] + cells
    let widths = (0..<4).map { place in (rows.map { $0[place].count }.max() ?? 0) + 2 }
    for row in rows { try emit((0..<4).map { row[$0].padded(to: widths[$0]) }.joined() + row[4]) }
  }
}

extension ColumnDescription {
  fileprivate var shownName: String { name.isEmpty ? "(no name)" : Self.cut(name, to: 30) }
  fileprivate var missingText: String { missing.map { $0 == 0 ? "" : NumberText.plain.percent($0, decimals: 1) } ?? "" }

  fileprivate var contentText: String {
    if let least, let greatest, let mean {
      let texts = [least, greatest, mean].map { NumberText.plain.short($0, digits: 6) }
      return "\(texts[0]) to \(texts[1]), mean \(texts[2])"
    }
    if let first, let last { return "\(first) to \(last)" }
    guard !categories.isEmpty else { return "" }
    let shown = categories.prefix(3).map { "\(Self.cut($0.text, to: 16)) \($0.rows)" }
    return "\(categories.count): " + (shown + (categories.count > 3 ? ["…"] : [])).joined(separator: ", ")
  }

  private static func cut(_ text: String, to length: Int) -> String {
    text.count > length ? text.prefix(length - 1) + "…" : text
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

private struct ColumnLine: Encodable {
  let column: String
  let kind: String?
  let missing: Double?
  let least, greatest, mean: Double?
  let first, last: String?
  let categories: Int?
  let becomes: String

  init(_ column: ColumnDescription) {
    (self.column, kind, missing) = (column.name, column.kind, column.missing)
    (least, greatest, mean) = (column.least, column.greatest, column.mean)
    (first, last) = (column.first, column.last)
    categories = column.kind == "category" ? column.categories.count : nil
    becomes = column.use
  }
}
