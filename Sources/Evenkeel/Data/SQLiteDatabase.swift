import CSQLite
import Glibc

/// An SQLite database in a file, for one thread at a time.
final class SQLiteDatabase {
  let path: String
  fileprivate let connection: OpaquePointer

  /// How long another program may hold the database before that is an error.
  private static let patience: Int32 = 5000

  /// Whether there is an SQLite database at `path`, by its first bytes.
  static func isOne(_ path: String) -> Bool {
    var status = stat()
    // The writer of a pipe would notice that it was opened and closed again.
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var beginning = [UInt8](repeating: 0, count: magic.count)
    return read(descriptor, &beginning, magic.count) == magic.count && beginning == magic
  }

  static let magic = Array("SQLite format 3\0".utf8)

  /// - Parameter writes: Whether it is opened for writing too.
  /// - Throws: `EvenkeelError` with code `noInput` if it cannot be opened, `cannotWrite` if not for writing.
  init(_ path: String, writes: Bool = false) throws {
    self.path = path
    var opened: OpaquePointer?
    let result = sqlite3_open_v2(path, &opened, writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, nil)
    guard result == SQLITE_OK, let opened else {
      let reason = String(cString: sqlite3_errstr(result))
      sqlite3_close_v2(opened)
      throw EvenkeelError(.noInput, "\(path): \(reason).")
    }
    connection = opened
    sqlite3_busy_timeout(connection, Self.patience)
    // A stranger's views may compute, and call nothing that does more.
    sqlite3_exec(connection, "pragma trusted_schema = off", nil, nil, nil)
    // Without the right to write, SQLite opens a database for reading only.
    guard !writes || sqlite3_db_readonly(connection, "main") == 0 else {
      throw EvenkeelError.cannotWrite("\(path) cannot be written: it is read-only.")
    }
  }

  // What was begun and not committed is undone.
  deinit { sqlite3_close_v2(connection) }

  /// What SQLite says of its last failure.
  var reason: String { String(cString: sqlite3_errmsg(connection)) }

  /// The names of tables and views, sorted.
  /// - Throws: `EvenkeelError` with code `data` for a damaged database.
  func tableNames() throws -> [String] {
    let statement = try SQLiteStatement(
      "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' order by name",
      in: self)
    var names: [String] = []
    while try statement.step() { names.append(String(decoding: statement.bytes(0), as: UTF8.self)) }
    return names
  }

  /// `name` as SQL writes it.
  static func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}

/// A statement, whose rows come one after the other.
final class SQLiteStatement {
  let database: SQLiteDatabase
  private let statement: OpaquePointer

  /// - Throws: `EvenkeelError` with code `data` and what SQLite says of `text`; with code `usage` if it is not one statement.
  init(_ text: String, in database: SQLiteDatabase) throws {
    self.database = database
    var text = text
    var (first, more): (OpaquePointer?, OpaquePointer?) = (nil, nil)
    let result = text.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) { text in
        var tail: UnsafePointer<CChar>?
        let result = sqlite3_prepare_v2(database.connection, text.baseAddress, Int32(text.count), &first, &tail)
        guard result == SQLITE_OK, let start = text.baseAddress, let tail else { return result }
        // Spaces and comments are no statement.
        return sqlite3_prepare_v2(database.connection, tail, Int32(start + text.count - tail), &more, nil)
      }
    }
    let hasMore = more != nil
    sqlite3_finalize(more)
    guard result == SQLITE_OK || first != nil else { throw EvenkeelError.data("\(database.path): \(database.reason).") }
    guard let first, result == SQLITE_OK, !hasMore else {
      sqlite3_finalize(first)
      throw EvenkeelError.usage("\(database.path): expected one statement.")
    }
    statement = first
  }

  deinit { sqlite3_finalize(statement) }

  /// Whether it leaves the database as it is.
  var isReadOnly: Bool { sqlite3_stmt_readonly(statement) != 0 }

  var hasParameters: Bool { sqlite3_bind_parameter_count(statement) > 0 }

  var columnNames: [String] {
    (0..<sqlite3_column_count(statement)).map { String(cString: sqlite3_column_name(statement, $0)) }
  }

  /// Goes to the next row; false after the last.
  /// - Throws: `EvenkeelError` with code `data` and what SQLite says.
  func step() throws -> Bool {
    switch sqlite3_step(statement) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw EvenkeelError.data("\(database.path): \(database.reason).")
    }
  }

  /// What a cell of the present row holds.
  enum Cell {
    case null
    case integer(Int64)
    case real(Double)
    /// In UTF-8, valid until the next step.
    case text(UnsafeRawBufferPointer)
    case blob
  }

  func cell(_ column: Int32) -> Cell {
    switch sqlite3_column_type(statement, column) {
    case SQLITE_NULL: .null
    case SQLITE_INTEGER: .integer(sqlite3_column_int64(statement, column))
    case SQLITE_FLOAT: .real(sqlite3_column_double(statement, column))
    case SQLITE_TEXT: .text(bytes(column))
    default: .blob
    }
  }

  fileprivate func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
    let start = sqlite3_column_text(statement, column)
    return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
  }

  /// A copy of a cell, as it is stored.
  func value(_ column: Int32) -> SQLiteValue { SQLiteValue(sqlite3_column_value(statement, column)) }

  /// Runs it with `values` and then `texts` for its parameters, in order.
  /// - Throws: As `step`.
  func run(_ values: some Collection<SQLiteValue> = [], texts: some Collection<String> = []) throws {
    sqlite3_reset(statement)
    for (place, value) in values.enumerated() { sqlite3_bind_value(statement, Int32(place + 1), value.copy) }
    // SQLite makes a copy of what it is told may go.
    let isTransient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    for (place, text) in texts.enumerated() {
      sqlite3_bind_text(statement, Int32(values.count + place + 1), text, -1, isTransient)
    }
    _ = try step()
  }
}

/// A value of a cell, of whatever type.
final class SQLiteValue {
  fileprivate let copy: OpaquePointer?

  fileprivate init(_ value: OpaquePointer?) { copy = sqlite3_value_dup(value) }

  deinit { sqlite3_value_free(copy) }
}
