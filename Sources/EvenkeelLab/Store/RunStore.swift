import Evenkeel
import FoundationEssentials
import GRDB

/// Every requested trial, with its outcome, in one SQLite file.
///
/// A trial is claimed by whoever runs it, in one statement, so several laboratories may work on one store at once. What
/// is written survives a kill at any moment; trials claimed by a process that is gone are claimed again.
package final class RunStore: Sendable {
  package let path: String
  package let database: DatabaseQueue
  private let owner: RunOwner

  /// Opens the store at `path`, or makes a new one if nothing is there.
  /// - Throws: `EvenkeelError`: `data` for a file that is damaged or not a store (it is not changed), `cannotWrite`.
  package convenience init(_ path: String) throws { try self.init(path, owner: .this) }

  /// Opens the store at `path` to read it; one in a place that is not writable is copied first.
  package convenience init(reading path: String) throws {
    try self.init(path, owner: .this, copying: !StoreFile.isWritable(path))
  }

  package init(_ path: String, owner: RunOwner, copying: Bool = false) throws {
    self.path = path
    self.owner = owner
    try Machine.requireThread(for: path)
    database = try copying ? StoreFile.openCopy(of: path) : StoreFile.open(path)
  }

  /// Adds the trials that are not there yet, as waiting.
  package func add(_ trials: [Trial]) throws {
    try write { db in
      for trial in trials {
        try db.execute(
          sql: """
            INSERT OR IGNORE INTO run (key, trial, summary, seed, version, rules, state, created)
            VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)
            """,
          arguments: [
            try trial.key, try json(trial), trial.summary, Int64(bitPattern: trial.seed), Release.version,
            Laboratory.rulesVersion, now(),
          ])
      }
    }
  }

  /// Claims a trial to run it, unless it is done or a live process runs it.
  /// - Returns: Whether it is the caller's now.
  /// - Throws: `EvenkeelError` with code `data` if there is no such trial, or its row is invalid.
  package func claim(_ key: String) throws -> Bool {
    try write { db in
      let time = now()
      guard
        let found = try Row.fetchOne(
          db, sql: "SELECT id, state, owner, seen FROM run WHERE key = ?", arguments: [key])
      else { throw EvenkeelError(.data, "\(path) has lost a run that was being worked on (key \(key)).") }
      let row = StoredRow(found, of: .run, in: path)
      switch try row.value("state", as: RunState.self) {
      case .waiting, .failed: break
      case .running:
        let (owner, seen): (String, Double) = (try row.value("owner"), try row.value("seen"))
        guard RunOwner(owner)?.isGone(lastSeen: seen, now: time, from: self.owner) ?? true else { return false }
      case .done: return false
      }
      try db.execute(
        sql: "UPDATE run SET state = 'running', owner = ?, seen = ?, started = ?, error = NULL WHERE key = ?",
        arguments: [owner.text, time, time, key])
      return true
    }
  }

  /// Tells the others that this process still works on what it has claimed.
  func touch() throws {
    try write { db in
      try db.execute(
        sql: "UPDATE run SET seen = ? WHERE state = 'running' AND owner = ?", arguments: [now(), owner.text])
    }
  }

  package func finish(_ key: String, _ result: TrialResult) throws {
    try write { db in
      try db.execute(
        sql: """
          UPDATE run SET state = 'done', owner = NULL, finished = ?, seconds = ?, score = ?, divergedAt = ?, result = ?
          WHERE key = ? AND state = 'running' AND owner = ?
          """,
        arguments: [now(), result.seconds, result.score, result.divergedAt, try json(result), key, owner.text])
    }
  }

  /// Records why a trial cannot be carried out at all; it is tried again on the next request.
  func fail(_ key: String, _ message: String) throws {
    try write { db in
      try db.execute(
        sql: """
          UPDATE run SET state = 'failed', owner = NULL, finished = ?, error = ?
          WHERE key = ? AND state = 'running' AND owner = ?
          """, arguments: [now(), message, key, owner.text])
    }
  }

  /// Releases what this process has claimed and not finished.
  func release() throws {
    try write { db in
      try db.execute(
        sql:
          "UPDATE run SET state = 'waiting', owner = NULL, seen = NULL, started = NULL WHERE state = 'running' AND owner = ?",
        arguments: [owner.text])
    }
  }

  /// The result of the trial with this key, if it is done.
  package func result(_ key: String) throws -> TrialResult? {
    try read { db in
      try Row.fetchOne(
        db, sql: "SELECT id, state, result FROM run WHERE key = ? AND state = 'done'", arguments: [key]
      ).map { try StoredRow($0, of: .run, in: path).json("result", as: TrialResult.self) }
    }
  }

  /// The results of those of `trials` that are done.
  package func results(of trials: [Trial]) throws -> [Trial: TrialResult] {
    var results: [Trial: TrialResult] = [:]
    for trial in trials where results[trial] == nil { results[trial] = try result(try trial.key) }
    return results
  }

  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try StoreFile.explained(path) { try database.read(body) }
  }

  func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try StoreFile.explained(path) { try database.write(body) }
  }

  private func now() -> Double { Date().timeIntervalSince1970 }
}

/// How far a stored trial is.
package enum RunState: String, Codable, Sendable, CaseIterable { case waiting, running, done, failed }
