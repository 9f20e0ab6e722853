import Evenkeel
import FoundationEssentials
import GRDB

/// A trial in a store with all that is known of it.
public struct StoredRun: Sendable {
  public let id: Int64
  public let trial: Trial
  public let state: RunState
  /// Evenkeel's version, and that of the experiments' rules.
  public let version: String
  public let rules: Int
  /// Seconds since 1970; nil before.
  public let started: Double?
  public let finished: Double?
  /// nil until it is done.
  public let result: TrialResult?
  /// Why it could not be carried out.
  public let error: String?
}

/// One line of the list of runs.
public struct RunSummary: Sendable {
  public let id: Int64
  public let state: RunState
  public let seed: UInt64
  public let summary: String
  public let score: Double?
  public let isDiverged: Bool
  public let seconds: Double?
}

extension RunStore {
  /// All runs in the order in which they were asked for.
  public func runs() throws -> [RunSummary] {
    try read { db in
      try Row.fetchAll(
        db, sql: "SELECT id, state, seed, summary, score, divergedAt, seconds FROM run ORDER BY id"
      ).map { row in
        RunSummary(
          id: row["id"], state: RunState(rawValue: row["state"])!, seed: UInt64(bitPattern: row["seed"] as Int64),
          summary: row["summary"], score: row["score"], isDiverged: (row["divergedAt"] as Int64?) != nil,
          seconds: row["seconds"])
      }
    }
  }

  /// The run with this number.
  /// - Throws: `EvenkeelError` with code `noInput` if there is none.
  public func run(_ id: Int64) throws -> StoredRun {
    try read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM run WHERE id = ?", arguments: [id]) else {
        let last = try Int64.fetchOne(db, sql: "SELECT max(id) FROM run")
        throw EvenkeelError(
          .noInput, "\(path) has no run \(id); \(last.map { "its runs go up to \($0)" } ?? "it has no runs").")
      }
      return StoredRun(
        id: row["id"], trial: try StoreFile.value(Trial.self, row["trial"], "run \(id)", in: path),
        state: RunState(rawValue: row["state"])!,
        version: row["version"], rules: row["rules"], started: row["started"], finished: row["finished"],
        result: try (row["result"] as String?).map { try StoreFile.value(TrialResult.self, $0, "run \(id)", in: path) },
        error: row["error"])
    }
  }
}
