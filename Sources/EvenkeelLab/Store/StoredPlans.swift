import Evenkeel
import FoundationEssentials
import GRDB

extension RunStore {
  /// The plans of a request that was made before: the speed that was measured then would not be measured again, and with other
  /// plans what is done would be of no use.
  public func plans(for request: String, claims: [String]) throws -> [Plan]? {
    try write { db in
      var plans: [Plan] = []
      for claim in claims {
        let key = "\(request) \(claim)"
        guard let text = try String.fetchOne(db, sql: "SELECT plan FROM plan WHERE request = ?", arguments: [key])
        else {
          return nil
        }
        plans.append(try StoreFile.value(Plan.self, text, "the plan of \(claim)", in: path))
        try db.execute(
          sql: "UPDATE plan SET used = ? WHERE request = ?", arguments: [Date().timeIntervalSince1970, key])
      }
      return plans
    }
  }

  public func keep(_ plans: [Plan], for request: String) throws {
    try write { db in
      for plan in plans {
        try db.execute(
          sql: "INSERT OR REPLACE INTO plan (request, claim, plan, rules, used) VALUES (?, ?, ?, ?, ?)",
          arguments: [
            "\(request) \(plan.claim)", plan.claim, json(plan), Laboratory.rulesVersion, Date().timeIntervalSince1970,
          ])
      }
    }
  }

  /// The plan of each claim that was used last, under the rules in force; with them a report is made without the data.
  public func latestPlans() throws -> [Plan] {
    try read { db in
      try String.fetchAll(
        db,
        sql:
          "SELECT plan FROM plan p WHERE rules = ? AND id = (SELECT id FROM plan WHERE claim = p.claim AND rules = p.rules ORDER BY used DESC, id DESC LIMIT 1)",
        arguments: [Laboratory.rulesVersion]
      ).map { try StoreFile.value(Plan.self, $0, "a plan", in: path) }
    }
  }
}
