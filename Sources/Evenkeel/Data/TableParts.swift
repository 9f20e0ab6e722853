/// The examples of a CSV file as a model takes them, part by part in the order of the rows, so that memory does not grow with them.
package struct TableParts {
  /// Consecutive rows.
  package struct Part: Sendable {
    /// They are the same for each encoding, apart from their features.
    package let datasets: [Dataset]
    package var dataset: Dataset { datasets[0] }
    /// The texts of the columns that are kept, row after row.
    package let kept: [String]
  }

  private let blocks: TableBlocks
  private let maker: PartMaker

  /// - Parameters:
  ///   - encodings: They differ in what becomes of the columns of features only.
  ///   - targets: As for `Dataset.readForUse`.
  ///   - weights: As for `Dataset.readForUse`.
  ///   - kept: The names of columns whose texts are wanted too.
  init(
    _ blocks: TableBlocks, encodings: [TableEncoding], targets: Bool, weights: Bool,
    keeping kept: [String]
  ) {
    self.blocks = blocks
    maker = PartMaker(
      name: blocks.name, encodings: encodings, targets: targets, weights: weights, kept: kept)
  }

  /// Hands every part to `work`, some at a time, each on one thread, and what comes of it in order to `then`. Ranks work on some parts
  /// each, and hand on what comes of all.
  /// - Parameter sharing: The ranks that share the parts; nil for this process alone.
  /// - Returns: Warnings about the whole table.
  /// - Throws: `EvenkeelError` that names file, line and column; `usage` for a column to keep that is none. Parts before it have been
  ///   handed on.
  package func forEach<Result: Sendable>(
    sharedBy sharing: PartSharing<Result>? = nil, _ work: @Sendable (Part) throws -> Result,
    then: (Result) throws -> Void
  ) throws -> [String] {
    let communicator = sharing?.communicator
    let before = communicator?.state
    // Where one fails alone the others wait for it in an exchange.
    communicator?.state = .together
    var warnings = TableWarnings(blocks.name)
    var rows = 0
    let most = communicator.map { Self.mostOfRank * $0.size } ?? Machine.threads
    try reading {
      var first: Table?
      while let block = try blocks.next() {
        var group = [block]
        // A smaller block is the first one, the last one, or all that a pipe has.
        while group.count < most, group.last!.bytes.count > 1 << 19, let next = try blocks.next() { group.append(next) }
        let head = try first ?? maker.head(of: block)
        first = head
        for done in try made(of: group, head: head, sharing, work) {
          if case .failure = done { communicator?.state = .ended }
          let (result, own, count) = try done.get()
          warnings.add(own)
          rows += count
          try then(result)
        }
        blocks.forget()
      }
      guard rows > 0 else {
        communicator?.state = .ended
        throw EvenkeelError.data(
          first == nil || !maker.targets
            ? "\(blocks.name): there are no rows."
            : "\(blocks.name): the target \(maker.encoding.targetName) is missing in every row.")
      }
    }
    if let before { communicator?.state = before }
    return warnings.sentences
  }

  /// The most parts that a rank works on before all hand on what came of them.
  private static let mostOfRank = 4

  private func made<Result: Sendable>(
    of group: [TableBlocks.Block], head: Table, _ sharing: PartSharing<Result>?,
    _ work: @Sendable (Part) throws -> Result
  ) throws -> [PartMaker.Done<Result>] {
    guard let sharing else { return try maker.made(of: group, head: head, work) }
    let communicator = sharing.communicator
    let own = communicator.part(of: group.count, rank: communicator.rank)
    var bytes = RankBytes()
    for done in try maker.made(of: Array(group[own]), head: head, work) { sharing.write(done, to: &bytes) }
    let all = try communicator.exchange(bytes)
    return all.indices.flatMap { rank in
      var bytes = all[rank]
      return communicator.part(of: group.count, rank: rank).map { _ in sharing.read(&bytes, file: blocks.name) }
    }
  }

  /// What tells the table from others, as far as it costs nothing: the size of its file.
  var fingerprint: String { "\(blocks.file?.count ?? 0) bytes" }

  private func reading(_ body: () throws -> Void) throws {
    guard let file = blocks.file else { return try body() }
    try file.reading(body)
  }
}

/// The ranks that share the parts of a table, and how what comes of a part reaches all of them.
package struct PartSharing<Result> {
  let communicator: any Communicator
  private let write: (Result, inout RankBytes) -> Void
  private let read: (inout RankBytes) -> Result

  /// nil for a process alone.
  init?(
    among communicator: (any Communicator)?, write: @escaping (Result, inout RankBytes) -> Void,
    read: @escaping (inout RankBytes) -> Result
  ) {
    guard let communicator, communicator.size > 1 else { return nil }
    (self.communicator, self.write, self.read) = (communicator, write, read)
  }

  fileprivate func write(_ done: PartMaker.Done<Result>, to bytes: inout RankBytes) {
    switch done {
    case .success(let (result, warnings, rows)):
      bytes.write(true)
      write(result, &bytes)
      warnings.write(to: &bytes)
      bytes.write(rows)
    case .failure(let error):
      let error = error as? EvenkeelError ?? EvenkeelError(.internal, "\(error)")
      bytes.write(false)
      bytes.write(error.code.rawValue)
      bytes.write(error.message)
    }
  }

  fileprivate func read(_ bytes: inout RankBytes, file: String) -> PartMaker.Done<Result> {
    guard bytes.read(Bool.self) else {
      let code = EvenkeelError.Code(rawValue: bytes.read()) ?? .internal
      return .failure(EvenkeelError(code, bytes.read(String.self)))
    }
    let result = read(&bytes)
    let warnings = TableWarnings(file, reading: &bytes)
    return .success((result, warnings, bytes.read()))
  }
}

extension PartSharing where Result == [UInt8] {
  /// The ranks that share parts of which texts come; nil for a process alone.
  package init?(among communicator: (any Communicator)?) {
    self.init(among: communicator, write: { $1.write($0) }, read: { $0.read() })
  }
}

/// Makes the parts of a table, on any thread.
private struct PartMaker: Sendable {
  let name: String
  let encodings: [TableEncoding]
  let targets: Bool
  let weights: Bool
  let kept: [String]

  var encoding: TableEncoding { encodings[0] }

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
    let whole = table
    var datasets = [
      try encoding.examples(of: &table, targets: targets, weights: weights, warnings: &warnings)
    ]
    for encoding in encodings.dropFirst() {
      var (same, known) = (whole, TableWarnings(of: whole))
      datasets.append(
        try encoding.examples(of: &same, targets: targets, weights: weights, warnings: &known))
    }
    let columns = try kept.map { try table.column($0) }
    let texts = (0..<table.rowCount).flatMap { row in columns.map { table.cell(row: row, column: $0) } }
    do { return (try work(TableParts.Part(datasets: datasets, kept: texts)), warnings, table.rowCount) } catch let error
      as EvenkeelError
    {
      guard let first = table.lines.first, let last = table.lines.last else { throw error }
      throw error.at("\(name), \(table.unit)s \(first) to \(last)")
    }
  }
}
