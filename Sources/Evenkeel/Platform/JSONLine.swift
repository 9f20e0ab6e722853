/// A value as JSON on one line: keys in the order in which its type encodes them, those without a value left out, numbers as
/// Swift writes them, `null` for what is not finite.
///
/// Foundation's encoder knows no order of keys but the alphabetical one and has no number for NaN.
package enum JSONLine {
  package static func text(_ value: some Encodable) throws -> String { try JSONNode(value).text }

  /// `text` in quotes.
  package static func quoted(_ text: String) -> String { JSONNode.quoted(text) }
}

/// Text that is JSON already.
package struct EncodedJSON: Encodable {
  let text: String

  package init(text: String) { self.text = text }
}

/// A value on its way to text.
final class JSONNode {
  enum Content {
    case text(String)
    case object([(key: String, value: JSONNode)])
    case array([JSONNode])
  }
  var content = Content.object([])

  init() {}

  init(_ value: some Encodable) throws {
    switch value {
    case let json as EncodedJSON: content = .text(json.text)
    case let text as String: content = .text(Self.quoted(text))
    case let flag as Bool: content = .text("\(flag)")
    case let number as any BinaryFloatingPoint & CustomStringConvertible:
      content = .text(number.isFinite ? number.description : "null")
    case let number as any BinaryInteger: content = .text(number.description)
    case let numbers as [String: Double]:
      content = .object(try numbers.sorted { $0.key < $1.key }.map { ($0.key, try JSONNode($0.value)) })
    default: try value.encode(to: JSONLineEncoder(node: self))
    }
  }

  var text: String {
    switch content {
    case .text(let text): text
    case .object(let fields):
      "{" + fields.map { "\(Self.quoted($0.key)):\($0.value.text)" }.joined(separator: ",") + "}"
    case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
    }
  }

  func append(_ node: JSONNode, _ key: String? = nil) {
    switch (content, key) {
    case (.object(let fields), let key?): content = .object(fields + [(key, node)])
    case (.array(let elements), nil): content = .array(elements + [node])
    default: preconditionFailure("a value is encoded as an object and as an array")
    }
  }

  fileprivate static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if scalar.value < 0x20 {
          let digits = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
