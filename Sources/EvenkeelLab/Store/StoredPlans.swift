import Evenkeel
import FoundationEssentials
import GRDB

extension RunStore {
  /// The plans of an earlier request: measuring the speed again would give other plans, for which the finished trials
  /// would be of no use.
  package func plans(for request: String, claims: [String]) throws -> [Plan]? {
    try write { db in
      var plans: [Plan] = []
      for claim in claims {
        let key = "\(request) \(claim)"
        guard let row = try Row.fetchOne(db, sql: "SELECT id, plan FROM plan WHERE request = ?", arguments: [key])
        else { return nil }
        plans.append(try StoredRow(row, of: .plan, in: path).json("plan", as: Plan.self))
        try db.execute(
          sql: "UPDATE plan SET used = ? WHERE request = ?", arguments: [Date().timeIntervalSince1970, key])
      }
      return plans
    }
  }

  package func keep(_ plans: [Plan], for request: String) throws {
    try write { db in
      for plan in plans {
        try db.execute(
          sql: "INSERT OR REPLACE INTO plan (request, claim, plan, rules, used) VALUES (?, ?, ?, ?, ?)",
          arguments: [
            "\(request) \(plan.claim)", plan.claim, try json(plan), Laboratory.rulesVersion,
            Date().timeIntervalSince1970,
          ])
      }
    }
  }

  /// The claims that were planned under other rules than those in force and not since; their trials would be run again.
  package func outdatedClaims() throws -> [String] {
    try read { db in
      try Row.fetchAll(
        db,
        sql:
          "SELECT max(id) AS id, claim FROM plan p WHERE NOT EXISTS (SELECT 1 FROM plan WHERE claim = p.claim AND rules = ?) GROUP BY claim ORDER BY claim",
        arguments: [Laboratory.rulesVersion]
      ).map { try StoredRow($0, of: .plan, in: path).value("claim") }
    }
  }

  /// The last plan of each claim under the current rules; with them a report can be made without the data.
  package func latestPlans() throws -> [Plan] {
    try read { db in
      try Row.fetchAll(
        db,
        sql:
          "SELECT id, plan FROM plan p WHERE rules = ? AND id = (SELECT id FROM plan WHERE claim = p.claim AND rules = p.rules ORDER BY used DESC, id DESC LIMIT 1)",
        arguments: [Laboratory.rulesVersion]
      ).map { try StoredRow($0, of: .plan, in: path).json("plan", as: Plan.self) }
    }
  }
}

extension Plan: StoredJSON {
  static let words = "a plan"

  func validate() throws {
    for (name, value, range) in [
      ("seeds", seeds, 1...Self.mostSeeds), ("steps", steps, 1...1_000_000), ("grid", grid, 1...100),
    ] {
      guard range.contains(value) else {
        throw EvenkeelError(
          .data, "its \(name) are \(value), outside \(range.lowerBound) to \(range.upperBound).")
      }
    }
    try data.validate()
    _ = try network?.placed()
  }
}

extension DataDescription {
  fileprivate func validate() throws {
    let counts = [trainingCount, validationCount, testCount]
    guard (1..<1 << 31).contains(outputs), counts.allSatisfy({ (0..<1 << 48).contains($0) }), (0...1).contains(chance)
    else { throw EvenkeelError(.data, "its data has counts, outputs or a chance that are impossible.") }
    _ = try Network(input: input, layers: [Flatten()]).placed()
  }
}
