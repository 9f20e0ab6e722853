import ArgumentParser
import Evenkeel

/// Which rows of an SQLite database are DATA.
struct DatabaseOptions: ParsableArguments {
  @Option(help: "The table or view of an SQLite database that is read; not needed where there is only one.")
  var table: String?
  @Option(help: "A SELECT that gives the rows of an SQLite database, in place of --table.") var query: String?

  /// - Throws: `EvenkeelError` with code `usage` if both are given.
  func rows() throws -> DatabaseRows? {
    guard table == nil || query == nil else {
      throw EvenkeelError(.usage, "--table and --query both say which rows are read; use one of them.")
    }
    return table.map { .table($0) } ?? query.map { .query($0) }
  }

  /// The options that were given, as words of a command.
  var words: [String] {
    (table.map { optionWords("--table", $0) } ?? []) + (query.map { optionWords("--query", $0) } ?? [])
  }
}
