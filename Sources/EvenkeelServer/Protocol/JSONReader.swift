import CSVScan
import Evenkeel

/// Reads JSON piece by piece, in the order in which it comes.
///
/// Arrays of numbers, which are nearly all of a request, go to a reader of their own: Foundation's decoder takes fifteen times as long as
/// a small network.
struct JSONReader {
  /// A value that is not large.
  enum Value: Hashable {
    case null
    case flag(Bool)
    /// A number, and how it is written.
    case number(Double, text: String)
    case text(String)
    case array([Value])
    case object([String: Value])
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var position: Int
  private var depth = 0

  /// Values nest no deeper.
  private static let greatestDepth = 16

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    // A mark of UTF-8 says nothing.
    (self.bytes, position) = (bytes, bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
  }

  // ---- structure ------------------------------------------------------------------------------------------------------

  /// The first character of the next value, which is not taken; nil at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count, [32, 10, 13, 9].contains(bytes[position]) { position += 1 }
    return position < bytes.count ? bytes[position] : nil
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func require(_ character: Unicode.Scalar) throws {
    guard take(character) else { throw expected("\"\(character)\"") }
  }

  func expected(_ what: String) -> ServerFailure {
    let got = position < bytes.count ? "" : " The text ends there."
    return ServerFailure(400, "JSON, byte \(position): expected \(what).\(got)")
  }

  private mutating func nested(_ body: (inout JSONReader) throws -> Void) throws {
    depth += 1
    guard depth <= Self.greatestDepth else {
      throw ServerFailure(400, "JSON, byte \(position): values nest deeper than \(Self.greatestDepth).")
    }
    try body(&self)
    depth -= 1
  }

  /// Reads an object; `member` reads the value of each key.
  /// - Throws: `ServerFailure` for a key that appears twice; what `member` throws.
  mutating func object(_ member: (inout JSONReader, String) throws -> Void) throws {
    try require("{")
    try nested { reader in
      if reader.take("}") { return }
      var keys: Set<String> = []
      repeat {
        guard reader.peek() == UInt8(ascii: "\"") else { throw reader.expected("a key in quotes") }
        let start = reader.position
        let key = try reader.string()
        guard keys.insert(key).inserted else {
          throw ServerFailure(400, "JSON, byte \(start): the key \"\(key)\" appears twice.")
        }
        try reader.require(":")
        try member(&reader, key)
      } while reader.take(",")
      try reader.require("}")
    }
  }

  /// Reads an array; `element` reads each value.
  mutating func array(_ element: (inout JSONReader) throws -> Void) throws {
    try require("[")
    try nested { reader in
      if reader.take("]") { return }
      repeat { try element(&reader) } while reader.take(",")
      try reader.require("]")
    }
  }

  /// Whether the array that comes next begins with an array.
  var isNested: Bool {
    var ahead = self
    return ahead.take("[") && ahead.peek() == UInt8(ascii: "[")
  }

  /// - Throws: `ServerFailure` if something follows the value.
  mutating func requireEnd() throws { if peek() != nil { throw expected("the end") } }

  // ---- values ---------------------------------------------------------------------------------------------------------

  mutating func value() throws -> Value {
    switch peek() {
    case UInt8(ascii: "{"):
      var members: [String: Value] = [:]
      try object { reader, key in members[key] = try reader.value() }
      return .object(members)
    case UInt8(ascii: "["):
      var elements: [Value] = []
      try array { elements.append(try $0.value()) }
      return .array(elements)
    case UInt8(ascii: "\""): return .text(try string())
    case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): return try literal()
    default:
      // peek() has gone to its beginning.
      let start = position
      let number = try number()
      return .number(number, text: String(decoding: bytes[start..<position], as: UTF8.self))
    }
  }

  private mutating func literal() throws -> Value {
    for (text, value) in [("true", Value.flag(true)), ("false", .flag(false)), ("null", .null)]
    where bytes[position...].starts(with: text.utf8) {
      position += text.utf8.count
      return value
    }
    throw expected("a value")
  }

  mutating func number() throws -> Double {
    var value = 0.0
    _ = peek()
    guard ek_json_numbers(bytes.baseAddress, bytes.count, &position, &value, 1) == 0 else { return value }
    return try longNumber()
  }

  /// A number of more than 19 digits, or one that is hardly more than 0.
  private mutating func longNumber() throws -> Double {
    var end = position
    func take(_ characters: String) -> Bool {
      guard end < bytes.count, characters.utf8.contains(bytes[end]) else { return false }
      end += 1
      return true
    }
    func takeDigits() -> Bool {
      guard take("0123456789") else { return false }
      while take("0123456789") {}
      return true
    }
    _ = take("-")
    guard take("0") || takeDigits(), !take(".") || takeDigits(), !take("eE") || (take("+-") || true) && takeDigits(),
      let value = Double(String(decoding: bytes[position..<end], as: UTF8.self))
    else { throw expected("a value") }
    guard value.isFinite else { throw expected("a number that a double holds") }
    position = end
    return value
  }

  mutating func string() throws -> String {
    try require("\"")
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let text = String(validating: bytes[start..<position], as: UTF8.self)
        guard let text else { throw ServerFailure(400, "JSON, byte \(start): a text is not UTF-8.") }
        position += 1
        return text
      case UInt8(ascii: "\\"): return try escapedString(from: start)
      case 0..<32: throw expected("a text without control characters")
      default: position += 1
      }
    }
    throw expected("the end of a text")
  }

  /// A text that begins at `start` and whose first escaped character is next.
  private mutating func escapedString(from start: Int) throws -> String {
    var text = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else {
          throw ServerFailure(400, "JSON, byte \(start): a text is not UTF-8.")
        }
        return result
      case UInt8(ascii: "\\"): text += try escape()
      case 0..<32: throw expected("a text without control characters")
      default: text.append(byte)
      }
    }
    throw expected("the end of a text")
  }

  private mutating func escape() throws -> [UInt8] {
    guard position < bytes.count else { throw expected("the end of a text") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xd800..<0xdc00).contains(code), bytes[position...].starts(with: "\\u".utf8) {
        position += 2
        let low = try hexadecimal()
        guard (0xdc00..<0xe000).contains(low) else { throw expected("the second half of a character") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw expected("a character") }
      return Array(String(Character(scalar)).utf8)
    default: throw expected("an escaped character")
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
    let digits = bytes[position...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw expected("four hexadecimal digits") }
    position += 4
    return code
  }

  // ---- tensors --------------------------------------------------------------------------------------------------------

  /// Reads an array of numbers or of texts, flat or nested. A flag is 0 or 1, `null` a number that is missing or an empty text.
  mutating func elements() throws -> InferTensor.Content {
    guard peek() == UInt8(ascii: "[") else { throw expected("an array") }
    var (numbers, texts): ([Double], [String]) = ([], [])
    try elements(&numbers, &texts)
    if texts.isEmpty { return .numbers(numbers) }
    // Missing texts are in both.
    guard numbers.allSatisfy(\.isNaN) else {
      throw ServerFailure(400, "\"data\" holds numbers and texts; expected one of them.")
    }
    return .texts(texts)
  }

  private mutating func elements(_ numbers: inout [Double], _ texts: inout [String]) throws {
    try array { reader in
      switch reader.peek() {
      case UInt8(ascii: "["): try reader.elements(&numbers, &texts)
      case UInt8(ascii: "\""):
        if texts.isEmpty { texts = Array(repeating: "", count: numbers.count) }
        texts.append(try reader.string())
      case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
        switch try reader.literal() {
        case .flag(let flag): numbers.append(flag ? 1 : 0)
        default:
          numbers.append(.nan)
          if !texts.isEmpty { texts.append("") }
        }
      default: try reader.run(of: &numbers)
      }
    }
  }

  /// Reads numbers with commas between them.
  private mutating func run(of numbers: inout [Double]) throws {
    let room = 512
    let start = numbers.count
    withUnsafeTemporaryAllocation(of: Double.self, capacity: room) { buffer in
      let read = ek_json_numbers(bytes.baseAddress, bytes.count, &position, buffer.baseAddress, room)
      numbers.append(contentsOf: buffer[..<read])
    }
    if numbers.count == start { numbers.append(try longNumber()) }
  }
}
