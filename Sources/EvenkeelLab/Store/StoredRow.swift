import Evenkeel
import FoundationEssentials
import GRDB

/// One row of a table; its values are checked before use.
struct StoredRow {
  private let table: StoreTable
  private let row: Row
  private let path: String

  /// - Parameter row: With `id`, and `state` where the table has one.
  init(_ row: Row, of table: StoreTable, in path: String) { (self.row, self.table, self.path) = (row, table, path) }

  var id: Int64 { if case .int64(let id)? = stored("id")?.storage { id } else { 0 } }

  /// Its name in errors: "run 12".
  var name: String { "\(table.name) \(id)" }

  /// The first value that does not fit its column, in words; nil if all values read so far do.
  var fault: String? {
    for column in table.columns {
      if let value = stored(column.name), let fault = column.fault(value, state: state) { return "\(name), \(fault)" }
    }
    return nil
  }

  /// - Throws: `EvenkeelError` with code `data` that names row and column, what was expected and what was found.
  func value<Value: StoredValue>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
    guard let value = try optional(column, as: type) else { throw damaged("column \(column) is empty") }
    return value
  }

  /// As `value`, but nil if the column is empty and may be.
  func optional<Value: StoredValue>(_ column: String, as type: Value.Type = Value.self) throws -> Value? {
    guard let stored = stored(column), let described = table.columns.first(where: { $0.name == column }) else {
      throw damaged("column \(column) is missing")
    }
    if let fault = described.fault(stored, state: state) { throw damaged(fault) }
    return stored.isNull ? nil : Value(stored)
  }

  /// A value that is stored as JSON.
  /// - Throws: As `value`, and for text that is not such a value, or one that would never have been stored.
  func json<Value: StoredJSON>(_ column: String, as type: Value.Type) throws -> Value {
    let text: String = try value(column)
    do {
      let value = try fromJSON(type, text)
      try value.validate()
      return value
    } catch let error as DecodingError {
      throw damaged("column \(column): expected \(Value.words) as JSON: \(error.sentence)")
    } catch let error as EvenkeelError {
      throw damaged("column \(column): expected \(Value.words): \(error.message)")
    }
  }

  private var state: RunState? {
    if case .string(let text)? = stored("state")?.storage { RunState(rawValue: text) } else { nil }
  }

  private func stored(_ column: String) -> DatabaseValue? { row.first { $0.0 == column }?.1 }

  private func damaged(_ what: String) -> EvenkeelError { StoreFile.damaged(path, "\(name), \(what)") }
}

/// The type of a column's content, once the column has been checked.
protocol StoredValue { init?(_ value: DatabaseValue) }

extension Int64: StoredValue {
  init?(_ value: DatabaseValue) { if case .int64(let number) = value.storage { self = number } else { return nil } }
}

extension Double: StoredValue {
  init?(_ value: DatabaseValue) {
    switch value.storage {
    case .double(let number): self = number
    case .int64(let number): self.init(number)
    default: return nil
    }
  }
}

extension String: StoredValue {
  init?(_ value: DatabaseValue) { if case .string(let text) = value.storage { self = text } else { return nil } }
}

extension RunState: StoredValue {
  init?(_ value: DatabaseValue) {
    guard let text = String(value) else { return nil }
    self.init(rawValue: text)
  }
}

/// A value that a store keeps as JSON.
protocol StoredJSON: Decodable {
  /// What an error says was expected.
  static var words: String { get }
  /// - Throws: `EvenkeelError` for a value that can be decoded but not used.
  func validate() throws
}
