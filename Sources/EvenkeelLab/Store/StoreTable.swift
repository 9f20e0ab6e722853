import GRDB

/// A table of a store: SQLite checks a row when it is written, and a reader checks again, since a file may hold
/// anything.
struct StoreTable: Sendable {
  enum Kind: String, Sendable { case integer = "INTEGER", real = "REAL", text = "TEXT" }

  struct Column: Sendable {
    let name: String
    let kind: Kind
    /// The states in which it must not be empty; nil for always.
    let required: [RunState]?
    let isUnique: Bool
    /// The texts that it may hold; empty for any.
    let texts: [String]

    /// - Parameter required: The states in which it must not be empty; nil for always.
    init(
      _ name: String, _ kind: Kind, required: [RunState]? = nil, isUnique: Bool = false, texts: [String] = []
    ) {
      (self.name, self.kind, self.required, self.isUnique, self.texts) = (name, kind, required, isUnique, texts)
    }
  }

  let name: String
  /// All but `id`, which every row has.
  let columns: [Column]

  static let run = StoreTable(
    name: "run",
    columns: [
      Column("key", .text, isUnique: true), Column("trial", .text), Column("summary", .text), Column("seed", .integer),
      Column("version", .text), Column("rules", .integer),
      Column("state", .text, texts: RunState.allCases.map(\.rawValue)),
      Column("owner", .text, required: [.running]), Column("seen", .real, required: [.running]),
      Column("created", .real), Column("started", .real, required: []), Column("finished", .real, required: []),
      Column("seconds", .real, required: []), Column("score", .real, required: []),
      Column("divergedAt", .integer, required: []), Column("result", .text, required: [.done]),
      Column("error", .text, required: []),
    ])

  static let plan = StoreTable(
    name: "plan",
    columns: [
      Column("request", .text, isUnique: true), Column("claim", .text), Column("plan", .text),
      Column("rules", .integer),
      Column("used", .real),
    ])

  /// The migrations that have been applied, as GRDB stores them.
  static let migrations = StoreTable(name: "grdb_migrations", columns: [Column("identifier", .text)])

  /// The rows that did not fit when the table became strict.
  var unfitName: String { "unfit_\(name)" }

  /// The names of all columns except `id`, separated by commas.
  var columnList: String { columns.map(\.name).joined(separator: ", ") }

  /// The statement that makes it.
  var definition: String {
    let columns = columns.map { column in
      var words = [column.name, column.kind.rawValue]
      if column.required == nil { words.append("NOT NULL") }
      if column.isUnique { words.append("UNIQUE") }
      if !column.texts.isEmpty { words.append("CHECK (\(column.name) IN (\(Self.quoted(column.texts))))") }
      if let states = column.required, !states.isEmpty {
        words.append("CHECK (\(column.name) IS NOT NULL OR state NOT IN (\(Self.quoted(states.map(\.rawValue)))))")
      }
      return words.joined(separator: " ")
    }
    return "CREATE TABLE \(name) (id INTEGER PRIMARY KEY AUTOINCREMENT, \(columns.joined(separator: ", "))) STRICT"
  }

  private static func quoted(_ texts: [String]) -> String { texts.map { "'\($0)'" }.joined(separator: ", ") }
}

extension StoreTable.Column {
  /// What is wrong with `value`, in words; nil if it fits.
  /// - Parameter state: The row's.
  func fault(_ value: DatabaseValue, state: RunState?) -> String? {
    switch value.storage {
    case .null where required.map({ states in !states.contains { $0 == state } }) ?? false: return nil
    case .int64 where kind != .text, .double where kind == .real: return nil
    case .string(let text) where kind == .text && (texts.isEmpty || texts.contains(text)): return nil
    default: return "column \(name): expected \(expected(state)), got \(Self.words(value))"
    }
  }

  private func expected(_ state: RunState?) -> String {
    let what =
      switch kind {
      case .integer: "a whole number"
      case .real: "a number"
      case .text: texts.isEmpty ? "text" : texts.alternatives
      }
    guard let required else { return what }
    return required.contains { $0 == state } ? what : what + " or nothing"
  }

  private static func words(_ value: DatabaseValue) -> String {
    switch value.storage {
    case .null: "nothing"
    case .int64(let number): "the number \(number)"
    case .double(let number): "the number \(number)"
    case .string(let text): "the text \"\(text.count > 40 ? text.prefix(40) + "…" : text[...])\""
    case .blob(let bytes): "\(bytes.count) bytes"
    }
  }
}
