/// Which rows of an SQLite database are a table.
public enum DatabaseRows: Hashable, Sendable {
  /// Those of the table or view of this name.
  case table(String)
  /// Those that this SELECT statement gives, in its order.
  case query(String)

  /// - Throws: `EvenkeelError` with code `usage` for data that is no SQLite database.
  static func requireNone(_ rows: DatabaseRows?, for path: String) throws {
    guard rows != nil else { return }
    throw EvenkeelError.usage("\(path): a table or a query can be chosen of an SQLite database only.")
  }
}

extension SQLiteDatabase {
  /// The statement that gives `rows`; nil: those of the only table.
  /// - Throws: `EvenkeelError` with code `usage` for a table that is not there, or a query that does not only read.
  func select(_ rows: DatabaseRows?) throws -> SQLiteStatement {
    let statement: SQLiteStatement
    switch rows {
    case .table(let name):
      let names = try tableNames()
      guard names.contains(where: { $0.lowercased() == name.lowercased() }) else {
        throw EvenkeelError.usage("\(path) has no table \"\(name)\"; it has \(Self.list(names)).")
      }
      statement = try SQLiteStatement("select * from \(Self.quoted(name))", in: self)
    case .query(let text):
      do { statement = try SQLiteStatement(text, in: self) } catch let error as EvenkeelError {
        throw EvenkeelError.usage(
          "\(error.message.dropLast()) in the query; the tables are \(Self.list(try tableNames())).")
      }
      guard statement.isReadOnly, !statement.columnNames.isEmpty else {
        throw EvenkeelError.usage("\(path): the query does not only read; expected a SELECT.")
      }
      guard !statement.hasParameters else {
        throw EvenkeelError.usage("\(path): the query has parameters; write their values.")
      }
    case nil:
      let names = try tableNames()
      guard names.count == 1 else {
        throw EvenkeelError.usage(
          "\(path) has \(names.isEmpty ? "no tables" : "the tables \(Self.list(names)); choose one by --table or rows by --query")."
        )
      }
      statement = try SQLiteStatement("select * from \(Self.quoted(names[0]))", in: self)
    }
    var seen: Set<String> = []
    for name in statement.columnNames where !seen.insert(name).inserted {
      throw EvenkeelError.usage("\(path): the query gives two columns \"\(name)\"; rename one of them by AS.")
    }
    return statement
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
  }
}

/// The rows of a database as CSV with a header, part by part, as a table in a file is text too: so that one set of rules reads both.
/// A number is written as it is, so that the same is read again; NULL is an empty cell.
final class DatabaseText {
  let statement: SQLiteStatement
  private let names: [String]
  private var row = 0
  private var isAtEnd = false
  /// The places of columns whose values are kept as they are, and those of the rows that were read, row after row.
  private let kept: [Int32]
  private(set) var values: [SQLiteValue] = []

  /// - Parameter kept: The names of columns whose values are kept.
  /// - Throws: `EvenkeelError` with code `usage` for a column that is not there.
  init(_ statement: SQLiteStatement, keeping kept: [String] = []) throws {
    let names = statement.columnNames
    (self.statement, self.names) = (statement, names)
    self.kept = try kept.map { name in
      guard let place = names.firstIndex(of: name) else {
        throw EvenkeelError.usage(
          "\(statement.database.path) has no column \"\(name)\" to keep; it has \(names.joined(separator: ", ")).")
      }
      return Int32(place)
    }
  }

  /// The rows that come next, after the header at the beginning; nil at the end.
  /// - Parameter size: After so many bytes no further row is begun.
  /// - Throws: `EvenkeelError` with code `data` that names row and column of what is neither number nor text.
  func next(_ size: Int = .max) throws -> FileBytes? {
    guard !isAtEnd else { return nil }
    let (content, first) = (GrowingBytes(name: statement.database.path), row + 1)
    var text: [UInt8] = []
    if first == 1 {
      text = Array(names.map { CSVCell.quoted($0.utf8) }.joined(separator: [44])) + [10]
    }
    while content.count + text.count < size || row < first {
      guard try statement.step() else {
        isAtEnd = true
        break
      }
      row += 1
      try append(to: &text)
      if text.count > 1 << 16 { try text.withUnsafeBytes { try content.append($0) } }
      if text.count > 1 << 16 { text.removeAll(keepingCapacity: true) }
    }
    try text.withUnsafeBytes { try content.append($0) }
    guard row > 0 else { throw EvenkeelError.data("\(statement.database.path): there are no rows.") }
    return row < first ? nil : FileBytes(content, rowsFrom: first)
  }

  /// Takes the values that were kept of the first `rows` rows.
  func takeValues(_ rows: Int) -> ArraySlice<SQLiteValue> {
    let taken = values.prefix(rows * kept.count)
    values.removeFirst(taken.count)
    return taken
  }

  private func append(to text: inout [UInt8]) throws {
    for column in names.indices {
      if column > 0 { text.append(44) }
      switch statement.cell(Int32(column)) {
      // A line without content would be no row.
      case .null: if names.count == 1 { text += [34, 34] }
      case .integer(let value): text += "\(value)".utf8
      case .real(let value): text += "\(value)".utf8
      case .text(let bytes):
        guard String(validating: bytes, as: UTF8.self) != nil else {
          throw expected(column, got: "a text that is not UTF-8")
        }
        text += CSVCell.quoted(bytes)
      case .blob: throw expected(column, got: "a BLOB")
      }
    }
    text.append(10)
    for column in kept { values.append(statement.value(column)) }
  }

  private func expected(_ column: Int, got what: String) -> EvenkeelError {
    .data(
      "\(statement.database.path), row \(row), column \(names[column]): expected a number or a text, got \(what); a query can leave the column out."
    )
  }
}

extension FileBytes {
  /// The file at `path`; of an SQLite database its rows as CSV.
  /// - Parameter rows: Those of a database; nil: of its only table.
  /// - Throws: `EvenkeelError` with code `usage` for rows of what is no database, or that are not there.
  static func ofData(_ path: String, rows: DatabaseRows?) throws -> FileBytes {
    guard SQLiteDatabase.isOne(path) else {
      try DatabaseRows.requireNone(rows, for: path)
      return try FileBytes(path)
    }
    // Rows that are asked for without a limit are there, or that was an error.
    return try DatabaseText(SQLiteDatabase(path).select(rows)).next()!
  }
}
