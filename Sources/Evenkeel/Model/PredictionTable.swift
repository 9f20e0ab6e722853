/// A new table of predictions in the SQLite database whose rows are predicted: all of it is there after `commit`, or nothing.
package struct PredictionTable {
  /// A column of predictions.
  package struct Column {
    package enum Kind: String { case text = "TEXT", integer = "INTEGER", real = "REAL" }
    package let name: String
    package let kind: Kind

    package init(name: String, kind: Kind) { (self.name, self.kind) = (name, kind) }
  }

  private let database: SQLiteDatabase
  private let text: DatabaseText
  private let insertion: SQLiteStatement

  /// Begins the table; until it is committed or given up, no other program can write to the database.
  /// - Parameters:
  ///   - rows: Those that are predicted; nil: of the only table.
  ///   - kept: The names of their columns that come first, with their values as they are.
  /// - Throws: `EvenkeelError`: `usage` for what is no database, a table that is there already or two columns of one name,
  ///   `cannotWrite`.
  package init(
    _ name: String, in path: String, rows: DatabaseRows?, columns: [Column], keeping kept: [String]
  ) throws {
    guard SQLiteDatabase.isOne(path) else {
      throw EvenkeelError.usage("\(path): a table of predictions can be made in an SQLite database only.")
    }
    database = try SQLiteDatabase(path, writes: true)
    try Self.write("begin immediate", to: database)
    guard try !database.tableNames().contains(where: { $0.lowercased() == name.lowercased() }) else {
      throw EvenkeelError.usage("\(path) has a table \"\(name)\" already; choose another name.")
    }
    text = try DatabaseText(database.select(rows), keeping: kept)
    var seen: Set<String> = []
    for name in kept + columns.map(\.name) where !seen.insert(name.lowercased()).inserted {
      throw EvenkeelError.usage(
        "The table would have two columns \"\(name)\"; a query can rename the one that is kept by AS.")
    }
    // Values that are kept have no type to become, so they stay what they are.
    let described =
      kept.map { SQLiteDatabase.quoted($0) }
      + columns.map { "\(SQLiteDatabase.quoted($0.name)) \($0.kind.rawValue)" }
    let quoted = SQLiteDatabase.quoted(name)
    try Self.write("create table \(quoted) (\(described.joined(separator: ", ")))", to: database)
    let places = described.map { _ in "?" }.joined(separator: ", ")
    insertion = try SQLiteStatement("insert into \(quoted) values (\(places))", in: database)
  }

  /// The rows that are predicted, as `model` takes them.
  /// - Throws: `EvenkeelError` with code `data` for a model that takes no table of named columns.
  package func parts(by model: Model) throws -> TableParts {
    guard let encoding = model.encoding, encoding.hasNamedColumns else {
      throw EvenkeelError.data(
        "\(database.path): the model was trained on arrays of numbers, not on a table of named columns.")
    }
    return TableParts(TableBlocks(text), encoding: encoding, targets: false, weights: false, keeping: [])
  }

  /// Adds the predictions of the rows that follow.
  /// - Parameter cells: The cells of each, in the order of the columns.
  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  package func append(_ cells: [[String]]) throws {
    let values = text.takeValues(cells.count)
    let perRow = values.count / max(cells.count, 1)
    for (row, cells) in cells.enumerated() {
      let start = values.startIndex + row * perRow
      try Self.writing { try insertion.run(values[start..<start + perRow], texts: cells) }
    }
  }

  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  package func commit() throws { try Self.write("commit", to: database) }

  private static func write(_ text: String, to database: SQLiteDatabase) throws {
    try writing { try SQLiteStatement(text, in: database).run() }
  }

  private static func writing(_ body: () throws -> Void) throws {
    do { try body() } catch let error as EvenkeelError { throw EvenkeelError.cannotWrite(error.message) }
  }
}
