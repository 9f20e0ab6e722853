import GRDB

/// Writes what the store `new` holds into one of the first form.
/// - Parameter isLoose: Its tables hold anything and say that they are strict, as no Evenkeel makes them.
package func copyAsOldStore(_ new: String, to path: String, isLoose: Bool = false) throws {
  let old = try DatabaseQueue(path: path)
  try old.writeWithoutTransaction { db in
    try db.execute(sql: "ATTACH DATABASE ? AS new", arguments: [new])
    let run =
      "key, trial, summary, seed, version, rules, state, owner, seen, created, started, finished, seconds, score, divergedAt, result, error"
    let plan = "request, claim, plan, rules, used"
    try db.execute(
      sql: """
        PRAGMA application_id = \(0x4576_6b6c);
        CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO grdb_migrations VALUES ('1: runs and plans');
        """)
    if isLoose {
      try db.execute(
        sql: """
          INSERT INTO grdb_migrations VALUES ('2: strict tables');
          CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, \(run));
          CREATE TABLE plan (id INTEGER PRIMARY KEY AUTOINCREMENT, \(plan));
          CREATE TABLE unfit_run (id INTEGER PRIMARY KEY, \(run), reason TEXT NOT NULL);
          CREATE TABLE unfit_plan (id INTEGER PRIMARY KEY, \(plan), reason TEXT NOT NULL);
          """)
    } else {
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
            id INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL UNIQUE, claim TEXT NOT NULL,
            plan TEXT NOT NULL, rules INTEGER NOT NULL, used REAL NOT NULL);
          """)
    }
    try db.execute(sql: "INSERT INTO run (id, \(run)) SELECT id, \(run) FROM new.run")
    try db.execute(sql: "INSERT INTO plan (id, \(plan)) SELECT id, \(plan) FROM new.plan")
    try db.execute(sql: "DETACH DATABASE new")
  }
  try old.close()
}

/// Changes a file whatever its tables' rules say.
package func change(_ path: String, _ sql: String, _ arguments: StatementArguments = []) throws {
  let file = try DatabaseQueue(path: path)
  try file.writeWithoutTransaction { db in
    try db.execute(sql: "PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF")
    try db.execute(sql: sql, arguments: arguments)
  }
  try file.close()
}
