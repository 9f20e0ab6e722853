/// A table of JSON objects, one a line, as CSV with a header: the keys in the order in which they first occur.
struct JSONLines {
  let table: FileBytes
  /// The line of each row.
  private(set) var lines: [Int32] = []

  /// Nil for what does not begin as a JSON object.
  /// - Throws: `EvenkeelError` with code `data` that names line and key of what a table cannot hold.
  init?(_ bytes: FileBytes) throws {
    let content = bytes.bytes
    let beginning = content.drop { [0xef, 0xbb, 0xbf, 32, 9, 10, 13].contains($0) }
    let second = beginning.dropFirst().first { ![32, 9, 10, 13].contains($0) }
    if beginning.first == UInt8(ascii: "["), second == UInt8(ascii: "{") {
      throw EvenkeelError.data("\(bytes.name): it is a JSON array; write its objects one a line (jq -c '.[]').")
    }
    guard beginning.first == UInt8(ascii: "{"), second == 34 || second == UInt8(ascii: "}") else { return nil }
    try Machine.requireMemory(4 * content.count, for: "\(bytes.name): its rows as CSV")
    var keys: [String: Int] = [:]
    var (names, rows): ([String], [[Int: [UInt8]]]) = ([], [])
    var line: Int32 = Int32(content[..<beginning.startIndex].count { $0 == 10 })
    for text in beginning.split(separator: 10, omittingEmptySubsequences: false) {
      line += 1
      guard text.contains(where: { ![32, 9, 13].contains($0) }) else { continue }
      var row: [Int: [UInt8]] = [:]
      var object = JSONObject(text, place: "\(bytes.name), line \(line)")
      try object.read { key, cell in
        let column = keys[key] ?? names.count
        if column == names.count {
          keys[key] = column
          names.append(key)
        }
        return row.updateValue(cell, forKey: column) == nil
      }
      rows.append(row)
      lines.append(line)
    }
    guard !names.isEmpty else { throw EvenkeelError.data("\(bytes.name): its objects have no keys.") }
    var csv = Array(names.map { CSVCell.quoted($0.utf8) }.joined(separator: [44])) + [10]
    for row in rows {
      csv += Array(names.indices.map { row[$0] ?? [] }.joined(separator: [44])) + [10]
    }
    table = try FileBytes(csv, name: bytes.name)
  }
}

/// One JSON object without objects or arrays in it, read from the front.
private struct JSONObject {
  private var rest: ArraySlice<UInt8>
  private let place: String

  init(_ text: Slice<UnsafeRawBufferPointer>, place: String) {
    (rest, self.place) = (Array(text)[...], place)
  }

  /// Hands over each key and its value as a cell of CSV.
  /// - Parameter take: Returns false for a key that was there before.
  mutating func read(_ take: (String, [UInt8]) -> Bool) throws {
    try require("{")
    skipSpace()
    if rest.first == UInt8(ascii: "}") {
      rest.removeFirst()
    } else {
      while true {
        skipSpace()
        let key = try text("a key")
        skipSpace()
        try require(":")
        let cell = try value(of: key)
        guard take(key, cell) else { throw EvenkeelError.data("\(place): the key \"\(key)\" appears twice.") }
        skipSpace()
        guard rest.first == UInt8(ascii: ",") else { break }
        rest.removeFirst()
      }
      try require("}")
    }
    skipSpace()
    guard rest.isEmpty else { throw EvenkeelError.data("\(place): expected the end of the line after a JSON object.") }
  }

  private mutating func skipSpace() { rest = rest.drop { $0 == 32 || $0 == 9 || $0 == 13 } }

  private mutating func require(_ scalar: Unicode.Scalar) throws {
    skipSpace()
    guard rest.first == UInt8(ascii: scalar) else {
      let got = rest.isEmpty ? "the end of the line" : "\"\(String(decoding: rest.prefix(12), as: UTF8.self))\""
      throw EvenkeelError.data("\(place): expected a JSON object on one line; got \(got) in place of \(scalar).")
    }
    rest.removeFirst()
  }

  private mutating func value(of key: String) throws -> [UInt8] {
    skipSpace()
    if rest.first == 34 { return CSVCell.quoted(try text("a text").utf8) }
    let word = rest.prefix { ![44, 32, 9, 13, UInt8(ascii: "}"), UInt8(ascii: "]")].contains($0) }
    let name = String(decoding: word, as: UTF8.self)
    let isNumber = word.first.map { (48...57).contains($0) || $0 == UInt8(ascii: "-") } ?? false
    guard ["true", "false", "null", "NaN"].contains(name) || isNumber && Double(name) != nil else {
      let got = name.hasPrefix("{") ? "an object" : name.hasPrefix("[") ? "an array" : "\"\(name)\""
      throw EvenkeelError.data(
        "\(place), key \"\(key)\": expected a number, a text, true, false or null; got \(got).")
    }
    rest = rest[word.endIndex...]
    return name == "null" ? [] : Array(word)
  }

  private mutating func text(_ what: String) throws -> String {
    guard rest.first == 34 else { throw EvenkeelError.data("\(place): expected \(what) in quotes.") }
    rest.removeFirst()
    var units: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == 34 { return String(decoding: units, as: UTF8.self) }
      if byte == UInt8(ascii: "\\") { units += try escaped() } else { units.append(byte) }
    }
    throw EvenkeelError.data("\(place): \(what) is not closed.")
  }

  /// What stands for the characters after a backslash.
  private mutating func escaped() throws -> [UInt8] {
    let escapes: [UInt8: UInt8] = [34: 34, 92: 92, 47: 47, 98: 8, 102: 12, 110: 10, 114: 13, 116: 9]
    guard let letter = rest.popFirst() else { throw EvenkeelError.data("\(place): a text is not closed.") }
    if let byte = escapes[letter] { return [byte] }
    guard letter == UInt8(ascii: "u"), let first = unit() else {
      throw EvenkeelError.data("\(place): \"\\\(Character(Unicode.Scalar(letter)))\" stands for nothing in JSON.")
    }
    var units = [first]
    if first & 0xfc00 == 0xd800, rest.starts(with: Array("\\u".utf8)) {
      rest = rest.dropFirst(2)
      units += unit().map { [$0] } ?? []
    }
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }

  private mutating func unit() -> UInt16? {
    guard let value = UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16), rest.count >= 4 else {
      return nil
    }
    rest = rest.dropFirst(4)
    return value
  }
}
