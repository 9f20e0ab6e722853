/// What parts the whole of a number from its fraction, in a table's text.
public enum DecimalMark: String, CaseIterable, Codable, Sendable {
  /// A point: `0.5`.
  case point = "."
  /// A comma: `0,5`.
  case comma = ","

  /// The number that `text` is: with a power of ten or without, its thousands in groups of three, with a percent or currency sign before
  /// or after it. 9.5 % is 9.5. Nil for another text.
  func number(_ text: String) -> Double? {
    if self == .point, let value = Double(text) { return value }
    var rest = Array(text.unicodeScalars)[...]
    Self.trim(&rest)
    var sign = Self.takeSign(&rest)
    if let first = rest.first, Self.currencies.contains(first) {
      rest.removeFirst()
      Self.trim(&rest)
      if sign.isEmpty { sign = Self.takeSign(&rest) }
    } else if let last = rest.last, last == "%" || Self.currencies.contains(last) {
      rest.removeLast()
      Self.trim(&rest)
    }
    guard let first = rest.first, first.isDigit || first.value == value else { return nil }
    guard let digits = plain(rest) else { return nil }
    return Double(sign + digits)
  }

  private var value: UInt32 { self == .point ? 46 : 44 }

  /// What may part groups of three digits, beside the other mark.
  private static let groupMarks: Set<Unicode.Scalar> = [" ", "\u{a0}", "\u{202f}", "\u{2009}", "'", "’"]
  private static let currencies: Set<Unicode.Scalar> = ["$", "€", "£", "¥", "₹", "₽", "₩", "₺"]

  private static func trim(_ text: inout ArraySlice<Unicode.Scalar>) {
    while let first = text.first, first.properties.isWhitespace { text.removeFirst() }
    while let last = text.last, last.properties.isWhitespace { text.removeLast() }
  }

  private static func takeSign(_ text: inout ArraySlice<Unicode.Scalar>) -> String {
    guard let first = text.first, first == "-" || first == "+" || first == "\u{2212}" else { return "" }
    text.removeFirst()
    return first == "+" ? "" : "-"
  }

  /// `text`, which has no sign, without group marks and with a decimal point.
  private func plain(_ text: ArraySlice<Unicode.Scalar>) -> String? {
    var (digits, group, groupMark) = ("", 0, Unicode.Scalar?.none)
    var rest = text
    while let scalar = rest.first {
      if scalar.isDigit {
        digits.unicodeScalars.append(scalar)
        group += 1
      } else if scalar.value != value, scalar == "." || scalar == "," || Self.groupMarks.contains(scalar) {
        // The first group has one to three digits and no zero in front, all others three.
        let fits = groupMark == nil ? (1...3).contains(group) && digits.first != "0" : group == 3 && groupMark == scalar
        guard fits else { return nil }
        (groupMark, group) = (scalar, 0)
      } else {
        break
      }
      rest.removeFirst()
    }
    guard groupMark == nil || group == 3 else { return nil }
    if rest.first?.value == value {
      rest.removeFirst()
      digits += "."
      while let scalar = rest.first, scalar.isDigit {
        digits.unicodeScalars.append(scalar)
        rest.removeFirst()
      }
      if digits == "." { return nil }
    }
    guard let e = rest.first else { return digits }
    guard e == "e" || e == "E", rest.count > 1, groupMark == nil else { return nil }
    rest.removeFirst()
    let power = String(String.UnicodeScalarView(rest))
    return Int(power) == nil ? nil : digits + "e" + power
  }
}

extension Unicode.Scalar {
  fileprivate var isDigit: Bool { (48...57).contains(value) }
}
