import Evenkeel
import FoundationEssentials
import GRDB

/// A trial in a store with everything known about it.
package struct StoredRun: Sendable {
  package let id: Int64
  package let trial: Trial
  package let state: RunState
  /// Evenkeel's version, and that of the experiments' rules.
  package let version: String
  package let rules: Int
  /// Seconds since 1970; nil before.
  package let started: Double?
  package let finished: Double?
  /// nil until it is done.
  package let result: TrialResult?
  /// Why it could not be carried out.
  package let error: String?
}

extension Trial: StoredJSON {
  static let words = "a trial"

  func validate() throws {
    try requireCounts()
    _ = try network.placed()
  }
}

extension TrialResult: StoredJSON {
  static let words = "a trial's result"

  func validate() throws {}
}

/// One line of the list of runs.
package struct RunSummary: Sendable {
  package let id: Int64
  package let state: RunState
  package let seed: UInt64
  package let summary: String
  package let score: Double?
  package let isDiverged: Bool
  package let seconds: Double?
}

extension RunStore {
  /// All runs in the order in which they were requested.
  /// - Throws: `EvenkeelError` with code `data` that names the first invalid row.
  package func runs() throws -> [RunSummary] {
    try read { db in
      try Row.fetchAll(
        db, sql: "SELECT id, state, seed, summary, score, divergedAt, seconds FROM run ORDER BY id"
      ).map { row in
        let row = StoredRow(row, of: .run, in: path)
        return RunSummary(
          id: row.id, state: try row.value("state"), seed: UInt64(bitPattern: try row.value("seed", as: Int64.self)),
          summary: try row.value("summary"), score: try row.optional("score"),
          isDiverged: try row.optional("divergedAt", as: Int64.self) != nil, seconds: try row.optional("seconds"))
      }
    }
  }

  /// The numbers of those of `trials` that are in the store, in their order.
  package func numbers(of trials: [Trial]) throws -> [Int64] {
    try read { db in
      try trials.compactMap {
        try Int64.fetchOne(db, sql: "SELECT id FROM run WHERE key = ?", arguments: [try $0.key])
      }
    }
  }

  /// The run with this number.
  /// - Throws: `EvenkeelError`: `noInput` if there is none, `data` if its row is invalid.
  package func run(_ id: Int64) throws -> StoredRun {
    try read { db in
      guard let found = try Row.fetchOne(db, sql: "SELECT * FROM run WHERE id = ?", arguments: [id]) else {
        if let reason = try String.fetchOne(
          db, sql: "SELECT reason FROM \(StoreTable.run.unfitName) WHERE id = ?", arguments: [id])
        {
          throw EvenkeelError(.data, "\(path): \(reason). The row is kept in the table \(StoreTable.run.unfitName).")
        }
        let last = try Int64.fetchOne(db, sql: "SELECT max(id) FROM run")
        throw EvenkeelError(
          .noInput, "\(path) has no run \(id); \(last.map { "its runs go up to \($0)" } ?? "it has no runs").")
      }
      let row = StoredRow(found, of: .run, in: path)
      let state: RunState = try row.value("state")
      return StoredRun(
        id: id, trial: try row.json("trial", as: Trial.self), state: state, version: try row.value("version"),
        rules: Int(try row.value("rules", as: Int64.self)), started: try row.optional("started"),
        finished: try row.optional("finished"),
        result: state == .done ? try row.json("result", as: TrialResult.self) : nil, error: try row.optional("error"))
    }
  }
}
