import GRDB

/// Makes an SQLite database at `path` by these statements, or changes the one that is there.
/// - Parameter pageSize: The bytes of a page of a new database.
package func makeDatabase(_ path: String, pageSize: Int = 4096, _ statements: String...) throws {
  var configuration = Configuration()
  configuration.prepareDatabase { try $0.execute(sql: "pragma page_size = \(pageSize)") }
  try DatabaseQueue(path: path, configuration: configuration).write { database in
    for statement in statements { try database.execute(sql: statement) }
  }
}

/// The cells of what `query` gives, each as SQLite's `quote` writes it: `'text'`, `1`, `1.0`, `NULL`, `X'00'`.
package func quotedCells(_ query: String, in path: String) throws -> [[String]] {
  try DatabaseQueue(path: path).read { database in
    try Row.fetchAll(database, sql: query).map { row in
      try Array(row.databaseValues).map { value in
        try String.fetchOne(database, sql: "select quote(?)", arguments: [value]) ?? ""
      }
    }
  }
}
