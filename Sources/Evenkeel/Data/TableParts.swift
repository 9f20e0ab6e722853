/// The examples of a CSV file as a model takes them, part by part in the order of the rows, so that memory does not grow with them.
package struct TableParts {
  /// Consecutive rows.
  package struct Part: Sendable {
    package let dataset: Dataset
    /// The texts of the columns that are kept, row after row.
    package let kept: [String]
  }

  private let blocks: TableBlocks
  private let maker: PartMaker

  /// - Parameters:
  ///   - targets: As for `Dataset.readForUse`.
  ///   - weights: As for `Dataset.readForUse`.
  ///   - kept: The names of columns whose texts are wanted too.
  init(_ blocks: TableBlocks, encoding: TableEncoding, targets: Bool, weights: Bool, keeping kept: [String]) {
    self.blocks = blocks
    maker = PartMaker(name: blocks.name, encoding: encoding, targets: targets, weights: weights, kept: kept)
  }

  /// Hands every part to `work`, some at a time, each on one thread, and what comes of it in order to `then`.
  /// - Returns: Warnings about the whole table.
  /// - Throws: `EvenkeelError` that names file, line and column; `usage` for a column to keep that is none. Parts before it have been
  ///   handed on.
  package func forEach<Result: Sendable>(
    _ work: @Sendable (Part) throws -> Result, then: (Result) throws -> Void
  ) throws -> [String] {
    var warnings = TableWarnings(blocks.name)
    var rows = 0
    try reading {
      var first: Table?
      while let block = try blocks.next() {
        var group = [block]
        // A smaller block is the first one, the last one, or all that a pipe has.
        while group.count < Machine.threads, group.last!.bytes.count > 1 << 19, let next = try blocks.next() {
          group.append(next)
        }
        let head = try first ?? maker.head(of: block)
        first = head
        for done in try maker.made(of: group, head: head, work) {
          let (result, own, count) = try done.get()
          warnings.add(own)
          rows += count
          try then(result)
        }
        blocks.forget()
      }
      guard rows > 0 else {
        throw EvenkeelError.data(
          first == nil || !maker.targets
            ? "\(blocks.name): there are no rows."
            : "\(blocks.name): the target \(maker.encoding.targetName) is missing in every row.")
      }
    }
    return warnings.sentences
  }

  private func reading(_ body: () throws -> Void) throws {
    guard let file = blocks.file else { return try body() }
    try file.reading(body)
  }
}

/// Makes the parts of a table, on any thread.
private struct PartMaker: Sendable {
  let name: String
  let encoding: TableEncoding
  let targets: Bool
  let weights: Bool
  let kept: [String]

  /// The table that begins with `block`, which has the columns to keep.
  func head(of block: TableBlocks.Block) throws -> Table {
    let table = try Table(block.bytes, hasHeader: encoding.hasHeader)
    for column in kept where !table.names.contains(column) {
      throw EvenkeelError.usage(
        "\(name) has no column \"\(column)\" to keep; it has \(table.names.joined(separator: ", ")).")
    }
    return table
  }

  typealias Done<Value> = Swift.Result<(Value, TableWarnings, rows: Int), any Error>

  func made<Value: Sendable>(
    of group: [TableBlocks.Block], head: Table, _ work: @Sendable (TableParts.Part) throws -> Value
  ) throws -> [Done<Value>] {
    try concurrentResults(group.count) { index in Done<Value> { try made(of: group[index], head: head, work) } }
  }

  private func made<Value: Sendable>(
    of block: TableBlocks.Block, head: Table, _ work: (TableParts.Part) throws -> Value
  ) throws -> (Value, TableWarnings, rows: Int) {
    var table = try block.line == 1 ? head : Table(block.bytes, after: head, line: block.line)
    var warnings = TableWarnings(of: table)
    let dataset = try encoding.examples(of: &table, targets: targets, weights: weights, warnings: &warnings)
    let columns = try kept.map { try table.column($0) }
    let texts = (0..<table.rowCount).flatMap { row in columns.map { table.cell(row: row, column: $0) } }
    do { return (try work(TableParts.Part(dataset: dataset, kept: texts)), warnings, table.rowCount) } catch let error
      as EvenkeelError
    {
      guard let first = table.lines.first, let last = table.lines.last else { throw error }
      throw error.at("\(name), \(table.unit)s \(first) to \(last)")
    }
  }
}
