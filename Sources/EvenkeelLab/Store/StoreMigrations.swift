import Evenkeel
import GRDB

/// The migrations of a store's file, step by step; a step that has been released is never changed.
enum StoreMigrations {
  static var all: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: runs and plans") { db in
      try db.execute(sql: "PRAGMA application_id = \(StoreFile.applicationID)")
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
    migrator.registerMigration("2: strict tables") { db in
      for table in [StoreTable.run, .plan] { try makeStrict(table, db) }
      try db.execute(sql: "CREATE INDEX run_state ON run (state)")
    }
    return migrator
  }

  /// Takes the steps that a store has not taken yet.
  ///
  /// If two processes make a store at once, one of them may find that the other has taken its step meanwhile; it then
  /// continues after it.
  static func migrate(_ queue: DatabaseQueue) throws {
    /// Empty if their table does not exist or is being made.
    func taken() -> Set<String> { (try? queue.read(all.appliedIdentifiers)) ?? [] }
    while true {
      let before = taken()
      do { return try all.migrate(queue) } catch let error as DatabaseError {
        guard taken() != before else { throw error }
      }
    }
  }

  /// Copies a table into a strict one. Rows that do not fit go unchanged to a separate table, with the reason.
  private static func makeStrict(_ table: StoreTable, _ db: Database) throws {
    let (name, columns) = (table.name, table.columnList)
    let faults = try faults(in: table, db)
    // Columns without a type keep every value as it is.
    try db.execute(sql: "CREATE TABLE \(table.unfitName) (id INTEGER PRIMARY KEY, \(columns), reason TEXT NOT NULL)")
    for (id, fault) in faults {
      try db.execute(
        sql: "INSERT INTO \(table.unfitName) SELECT id, \(columns), ? FROM \(name) WHERE id = ?",
        arguments: [fault, id])
      try db.execute(sql: "DELETE FROM \(name) WHERE id = ?", arguments: [id])
    }
    try db.execute(sql: "ALTER TABLE \(name) RENAME TO old_\(name)")
    try db.execute(sql: table.definition)
    try db.execute(sql: "INSERT INTO \(name) (id, \(columns)) SELECT id, \(columns) FROM old_\(name)")
    // Numbers are never reused.
    try db.execute(sql: "DELETE FROM sqlite_sequence WHERE name = '\(name)'")
    try db.execute(
      sql:
        "INSERT INTO sqlite_sequence (name, seq) SELECT '\(name)', seq FROM sqlite_sequence WHERE name = 'old_\(name)'")
    try db.execute(sql: "DROP TABLE old_\(name)")
  }

  /// The rows of a table that do not fit it, and why.
  static func faults(in table: StoreTable, _ db: Database) throws -> [(id: Int64, fault: String)] {
    var faults: [(Int64, String)] = []
    let rows = try Row.fetchCursor(db, sql: "SELECT rowid AS id, \(table.columnList) FROM \(table.name)")
    while let row = try rows.next() {
      let row = StoredRow(row, of: table, in: "")
      if let fault = row.fault { faults.append((row.id, fault)) }
    }
    return faults
  }
}
