extension KeyedDecodingContainer {
  /// One of a few names, or `default` if it is left out.
  /// - Throws: `EvenkeelError` with code `usage` that lists the names for another one.
  func choice<Value: RawRepresentable<String> & CaseIterable>(_ key: Key, default: Value) throws -> Value {
    guard let name = try decodeIfPresent(String.self, forKey: key) else { return `default` }
    guard let value = Value(rawValue: name) else {
      throw EvenkeelError.usage(
        "\(key.stringValue): expected \(Value.allCases.map(\.rawValue).joined(separator: ", ")), got \"\(name)\".")
    }
    return value
  }

  /// The value of an option that may be left out.
  func value<Value: Decodable>(_ key: Key, default: Value) throws -> Value {
    try decodeIfPresent(Value.self, forKey: key) ?? `default`
  }
}

/// A key that is not known in advance.
struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension Decoder {
  /// - Throws: `EvenkeelError` with code `usage` for a key that is not in `known`, which would otherwise be ignored
  ///   silently.
  func requireNoOtherKeys(than known: [some CodingKey], in what: String) throws {
    let names = known.map(\.stringValue)
    for key in try container(keyedBy: AnyKey.self).allKeys where !names.contains(key.stringValue) {
      throw EvenkeelError.usage(
        "\(what): \"\(key.stringValue)\" is not an option; expected \(names.joined(separator: ", ")).")
    }
  }
}
