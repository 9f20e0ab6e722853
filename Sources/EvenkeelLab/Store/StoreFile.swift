import Evenkeel
import FoundationEssentials
import Glibc
import GRDB

/// Opening a store's file, and SQLite's errors as sentences.
package enum StoreFile {
  /// Marks a SQLite file as a store: "Evkl".
  static let applicationID = 0x4576_6b6c
  /// Seconds to wait for another program's lock.
  private static let patience = 10.0

  /// - Parameter name: Its name in errors.
  static func open(_ path: String, called name: String? = nil) throws -> DatabaseQueue {
    try requireStore(path, called: name ?? path)
    return try explained(name ?? path) {
      var configuration = Configuration()
      configuration.journalMode = .wal
      configuration.busyMode = .timeout(patience)
      let queue = try patiently { try DatabaseQueue(path: location(path), configuration: configuration) }
      try patiently { try StoreMigrations.migrate(queue) }
      return queue
    }
  }

  /// Whether SQLite can work at `path`: it writes next to a store even to read it.
  static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 && access(folder(path), W_OK) == 0 }

  /// `path` in a form that SQLite takes for a file whatever its name: `:memory:` would not be one.
  private static func location(_ path: String) -> String { path.hasPrefix("/") ? path : "./" + path }

  private static func folder(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
  }

  /// Opens a copy, journal included, of a store in a place that is not writable; it lasts as long as the process.
  static func openCopy(of path: String) throws -> DatabaseQueue {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let copy = "\(folder)/evenkeel-\(getpid())-\(UInt64.random(in: 0 ... .max)).sqlite"
    defer { for end in ["", "-wal", "-shm"] { unlink(copy + end) } }
    for end in ["", "-wal"] where access(path + end, F_OK) == 0 {
      do { try FileManager.default.copyItem(atPath: path + end, toPath: copy + end) } catch {
        throw EvenkeelError(
          .cannotWrite, "\(path) is in a place that cannot be written to, and cannot be copied to \(copy).")
      }
      chmod(copy + end, 0o600)
    }
    return try open(copy, called: path)
  }

  /// Examines a file before anything is written to it.
  private static func requireStore(_ path: String, called name: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw EvenkeelError(.cannotWrite, "\(name) is not a regular file; expected a store or a new name.")
    }
    guard status.st_size > 0 else { return }
    // SQLite takes a file without a whole page for an empty one and would overwrite it.
    guard status.st_size >= 512 else { throw notSQLite(name) }
    try explained(name) {
      var configuration = Configuration()
      configuration.readonly = true
      configuration.busyMode = .timeout(patience)
      let queue = try patiently { try DatabaseQueue(path: location(path), configuration: configuration) }
      defer { try? queue.close() }
      try queue.read { db in
        let mark = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let tables = try String.fetchAll(
          db,
          sql:
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'grdb_%'"
        )
        guard mark == applicationID || (mark == 0 && tables.isEmpty) else {
          throw EvenkeelError(
            .data, "\(name) is a SQLite file of another program, not a store of runs; nothing was changed.")
        }
        // What rows hold is looked at as they are read, or as they come into strict tables.
        try db.execute(sql: "PRAGMA ignore_check_constraints = ON")
        let check = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "ok"
        guard check == "ok" else { throw damaged(name, try firstFault(db) ?? check) }
        guard mark == applicationID else { return }
        try requireForm(db, called: name)
      }
    }
  }

  /// Checks that tables and columns are those of a store.
  private static func requireForm(_ db: Database, called name: String) throws {
    for table in [StoreTable.migrations, .run, .plan] {
      let columns = try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info('\(table.name)')")
      guard !columns.isEmpty else { throw damaged(name, "its table \"\(table.name)\" is missing") }
      if let column = table.columns.first(where: { !columns.contains($0.name) }) {
        throw damaged(name, "its table \"\(table.name)\" has no column \(column.name)")
      }
      if let own = columns.first(where: { name in name != "id" && !table.columns.contains { $0.name == name } }) {
        throw damaged(name, "its table \"\(table.name)\" has a column \(own), which a store does not have")
      }
    }
    if let fault = try StoreMigrations.faults(in: .migrations, db).first?.fault { throw damaged(name, fault) }
    guard try !StoreMigrations.all.hasBeenSuperseded(db) else {
      throw EvenkeelError(.data, "\(name) was written by a newer Evenkeel; nothing was changed.")
    }
  }

  /// The row in which SQLite reports an error; nil if it is not a row's content, or cannot be determined.
  private static func firstFault(_ db: Database) throws -> String? {
    for table in [StoreTable.run, .plan] {
      if let fault = (try? StoreMigrations.faults(in: table, db))?.first?.fault { return fault }
    }
    return nil
  }

  /// SQLite asks nobody to wait while the journal's mode is changed, so two processes that make a store at once try again.
  /// Where it does ask, it has waited long enough by itself.
  private static func patiently<Value>(_ body: () throws -> Value) throws -> Value {
    let start = ContinuousClock.now
    while true {
      do { return try body() } catch let error as DatabaseError
        where error.resultCode == .SQLITE_BUSY && ContinuousClock.now - start < .seconds(patience)
      { usleep(50_000) }
    }
  }

  /// SQLite's error as a sentence with the store's name.
  package static func explained<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as DatabaseError {
      switch error.resultCode {
      case .SQLITE_FULL:
        throw EvenkeelError(.cannotWrite, "\(path) cannot be written: the disk is full; what was done before is kept.")
      case .SQLITE_BUSY, .SQLITE_LOCKED:
        throw EvenkeelError(.cannotWrite, "\(path) has been locked by another program for ten seconds.")
      case .SQLITE_NOTADB:
        throw notSQLite(path)
      // A statement of ours that is not valid for this file: its schema is different.
      case .SQLITE_CORRUPT, .SQLITE_ERROR, .SQLITE_FORMAT, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_TOOBIG:
        throw damaged(path, error.message ?? "its pages do not fit")
      case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
        let reason =
          access(folder(path), F_OK) == 0 && access(folder(path), W_OK) != 0
          ? "its folder is read-only" : error.message ?? "no reason was given"
        throw EvenkeelError(.cannotWrite, "\(path) cannot be written or opened: \(reason).")
      default:
        throw EvenkeelError(
          .cannotWrite, "\(path): \(error.message ?? "SQLite failed") (code \(error.resultCode.rawValue)).")
      }
    } catch is RowDecodingError {
      throw damaged(path, "a value in it does not have the type that a store gives it")
    }
  }

  private static func notSQLite(_ path: String) -> EvenkeelError {
    EvenkeelError(.data, "\(path) is not a store of runs: it is not a SQLite file; nothing was changed.")
  }

  static func damaged(_ path: String, _ what: String) -> EvenkeelError {
    // SQLite's check puts a line of stars before what it found.
    let line =
      what.split(whereSeparator: \.isNewline).first { !$0.hasPrefix("*") }.map { String($0) } ?? "its pages do not fit"
    return EvenkeelError(
      .data, "\(path) is damaged: \(line). Nothing was changed; move it away, or choose another file with --store.")
  }
}
