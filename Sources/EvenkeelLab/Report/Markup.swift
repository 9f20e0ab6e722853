/// Text of HTML and SVG under construction. All text and attributes that go in are escaped.
package struct Markup {
  private(set) var text = ""

  /// An element that holds text, or nothing.
  mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: String? = nil) {
    open(name, attributes, ending: content == nil ? "/>" : ">")
    if let content { text += Self.escaped(content) + "</\(name)>" }
  }

  /// An element that holds others.
  mutating func element(
    _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ body: (inout Markup) -> Void
  ) {
    open(name, attributes, ending: ">")
    body(&self)
    text += "</\(name)>"
  }

  /// Text between elements.
  mutating func append(_ content: String) { text += Self.escaped(content) }

  /// What is markup already.
  mutating func append(markup: String) { text += markup }

  private mutating func open(_ name: String, _ attributes: KeyValuePairs<String, String>, ending: String) {
    text += "<" + name
    for (key, value) in attributes { text += " \(key)=\"\(Self.escaped(value))\"" }
    text += ending
  }

  /// `content` with the five characters that mean something replaced, and with those that no XML file may hold as �.
  package static func escaped(_ content: String) -> String {
    var result = ""
    for scalar in content.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
      case "\u{0}"..<" ", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
