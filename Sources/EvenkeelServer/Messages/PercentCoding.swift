/// Texts in addresses (RFC 3986).
enum PercentCoding {
  /// With bytes in place of percent signs and two hexadecimal digits.
  static func decoded(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var (bytes, rest) = ([UInt8](), text.utf8)
    while let byte = rest.popFirst() {
      let digits = rest.prefix(2)
      if byte == UInt8(ascii: "%"), digits.count == 2, digits.first != UInt8(ascii: "+"),
        let value = UInt8(Substring(digits), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The names and values after a question mark; of a name that comes twice, the last value.
  static func query(_ text: Substring) -> [String: String] {
    let pairs = text.split(separator: "&").map { pair -> (String, String) in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      func value(_ part: Substring) -> String { decoded(Substring(part.map { $0 == "+" ? " " : $0 })) }
      return (value(parts[0]), parts.count > 1 ? value(parts[1]) : "")
    }
    return Dictionary(pairs, uniquingKeysWith: { $1 })
  }
}
