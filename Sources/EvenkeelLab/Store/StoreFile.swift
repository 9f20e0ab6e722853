import Evenkeel
import FoundationEssentials
import Glibc
import GRDB

/// Opening a store's file, and what SQLite says of it in sentences.
package enum StoreFile {
  /// Marks a SQLite file as a store: "Evkl".
  static let applicationID = 0x4576_6b6c

  /// - Parameter name: What errors call it.
  static func open(_ path: String, called name: String? = nil) throws -> DatabaseQueue {
    // A layer of the laboratory's own, which stored trials name.
    LayerRegistry.register(NoiseInjection.self)
    try requireStore(path, called: name ?? path)
    return try explained(name ?? path) {
      var configuration = Configuration()
      configuration.journalMode = .wal
      configuration.busyMode = .timeout(10)
      let queue = try patiently { try DatabaseQueue(path: path, configuration: configuration) }
      try patiently { try migrator.migrate(queue) }
      return queue
    }
  }

  /// Whether SQLite can work at `path`: it writes beside a store even to read it.
  static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 && access(folder(path), W_OK) == 0 }

  private static func folder(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
  }

  /// Opens a copy, journal included, of a store that lies where nothing can be written; it ends with the process.
  static func openCopy(of path: String) throws -> DatabaseQueue {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let copy = "\(folder)/evenkeel-\(getpid())-\(UInt64.random(in: 0 ... .max)).sqlite"
    defer { for end in ["", "-wal", "-shm"] { unlink(copy + end) } }
    for end in ["", "-wal"] where access(path + end, F_OK) == 0 {
      do { try FileManager.default.copyItem(atPath: path + end, toPath: copy + end) } catch {
        throw EvenkeelError(.cannotWrite, "\(path) lies where nothing can be written, and cannot be copied to \(copy).")
      }
      chmod(copy + end, 0o600)
    }
    return try open(copy, called: path)
  }

  private static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: runs and plans") { db in
      try db.execute(sql: "PRAGMA application_id = \(applicationID)")
      try db.execute(
        sql: """
          CREATE TABLE run (
            id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, trial TEXT NOT NULL, summary TEXT NOT NULL,
            seed INTEGER NOT NULL, version TEXT NOT NULL, rules INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
            owner TEXT, seen REAL, created REAL NOT NULL, started REAL, finished REAL,
            seconds REAL, score REAL, divergedAt INTEGER, result TEXT, error TEXT);
          CREATE INDEX run_state ON run (state);
          CREATE TABLE plan (
            id INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL UNIQUE, claim TEXT NOT NULL, plan TEXT NOT NULL,
            rules INTEGER NOT NULL, used REAL NOT NULL);
          """)
    }
    return migrator
  }

  /// Looks at a file before anything is written to it.
  private static func requireStore(_ path: String, called name: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw EvenkeelError(.cannotWrite, "\(name) is no file; expected a store's, or none yet.")
    }
    guard status.st_size > 0 else { return }
    try explained(name) {
      var configuration = Configuration()
      configuration.readonly = true
      configuration.busyMode = .timeout(10)
      let queue = try patiently { try DatabaseQueue(path: path, configuration: configuration) }
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
        if mark == applicationID, let table = ["run", "plan"].first(where: { !tables.contains($0) }) {
          throw damaged(name, "its table \"\(table)\" is missing")
        }
        guard try !migrator.hasBeenSuperseded(db) else {
          throw EvenkeelError(.data, "\(name) was written by a newer Evenkeel; nothing was changed.")
        }
        let check = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "ok"
        guard check == "ok" else { throw damaged(name, check) }
      }
    }
  }

  /// SQLite asks nobody to wait while the journal's mode is changed, so two processes that make a store at once try again.
  private static func patiently<Value>(_ body: () throws -> Value) throws -> Value {
    for _ in 0..<200 {
      do { return try body() } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
        usleep(50_000)
      }
    }
    return try body()
  }

  /// What SQLite met, as a sentence with the store's name.
  package static func explained<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as DatabaseError {
      switch error.resultCode {
      case .SQLITE_FULL:
        throw EvenkeelError(.cannotWrite, "\(path) cannot be written: the disk is full; what was done before is kept.")
      case .SQLITE_BUSY, .SQLITE_LOCKED:
        throw EvenkeelError(.cannotWrite, "\(path) is locked by another program, for ten seconds now.")
      case .SQLITE_NOTADB:
        throw EvenkeelError(.data, "\(path) is no store of runs: it is not a SQLite file; nothing was changed.")
      case .SQLITE_CORRUPT: throw damaged(path, error.message ?? "its pages do not fit")
      case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
        let reason =
          access(folder(path), F_OK) == 0 && access(folder(path), W_OK) != 0
          ? "its folder is read-only" : error.message ?? "no reason was given"
        throw EvenkeelError(.cannotWrite, "\(path) cannot be written or opened: \(reason).")
      default:
        throw EvenkeelError(
          .cannotWrite, "\(path): \(error.message ?? "SQLite failed") (code \(error.resultCode.rawValue)).")
      }
    }
  }

  /// A value that is stored as JSON.
  /// - Parameter what: What an error says cannot be read: "run 12".
  static func value<Value: Decodable>(_ type: Value.Type, _ text: String, _ what: String, in path: String) throws
    -> Value
  {
    do { return try fromJSON(type, text) } catch { throw damaged(path, "\(what) cannot be read") }
  }

  private static func damaged(_ path: String, _ what: String) -> EvenkeelError {
    // SQLite's check puts a line of stars before what it found.
    let line =
      what.split(whereSeparator: \.isNewline).first { !$0.hasPrefix("*") }.map { String($0) } ?? "its pages do not fit"
    return EvenkeelError(
      .data, "\(path) is damaged: \(line). It was left as it is; move it away, or name another with --store.")
  }
}
