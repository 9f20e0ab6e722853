import Evenkeel
import GRDB

extension RunStore {
  /// What is wrong with the rows that did not fit when the store became strict, a sentence each without its end; those whose trial
  /// or request has been stored again since are left out.
  package func unfitRows() throws -> [String] {
    try read { db in
      try [StoreTable.run, .plan].flatMap { table in
        let key = table.columns[0].name
        return try String.fetchAll(
          db,
          sql:
            "SELECT reason FROM \(table.unfitName) u WHERE NOT EXISTS (SELECT 1 FROM \(table.name) t WHERE t.\(key) = u.\(key)) ORDER BY id"
        )
      }
    }
  }

  /// Checks that no row had to be set aside.
  /// - Throws: `EvenkeelError` with code `data` that names the first and the number of others.
  package func requireFit() throws {
    let rows = try unfitRows()
    guard let first = rows.first else { return }
    let more = rows.count == 1 ? "" : ", and \(rows.count - 1) more rows"
    throw EvenkeelError(
      .data,
      "\(path) holds invalid rows: \(first)\(more). Nothing is lost: they are kept in the tables \(StoreTable.run.unfitName) and \(StoreTable.plan.unfitName)."
    )
  }
}
