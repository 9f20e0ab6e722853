import Glibc

/// Numbers for people, with few digits: typeset on a page, plain elsewhere.
package struct NumberText: Sendable {
  /// A true minus sign, thousands separated by commas, powers of ten with superscripts: −12,345.6, 2.5·10⁻⁶.
  package static let page = NumberText(
    minus: "−", thousands: ",", notFinite: "diverged", plainExponents: -3...6, raisesExponents: true)
  /// Readable by programs too: -12345.6, 2.5e-6.
  package static let plain = NumberText(
    minus: "-", thousands: "", notFinite: nil, plainExponents: -4...5, raisesExponents: false)

  private let minus: String
  private let thousands: String
  /// The text for NaN and infinities; nil: Swift's names.
  private let notFinite: String?
  /// The powers of ten that `significant` writes without an exponent.
  private let plainExponents: ClosedRange<Int>
  private let raisesExponents: Bool

  /// `value` with `decimals` digits after the point.
  package func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return notFinite ?? "\(value)" }
    guard abs(value) < 1e15 else { return significant(value) }
    let decimals = min(max(decimals, 0), 15)
    // No more digits than a double has.
    let scale = pow(10, Double(abs(value) < 1 ? decimals : min(decimals, 15 - Self.exponent(of: value))))
    let digits = String(Int((abs(value) * scale).rounded()))
    let places = Int(log10(scale).rounded())
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let whole = padded.dropLast(places)
    let sign = value < 0 && digits.contains { $0 != "0" } ? minus : ""
    return sign + grouped(whole) + (places > 0 ? "." + padded.suffix(places) : "")
  }

  /// `share` in percent.
  package func percent(_ share: Double, decimals: Int) -> String { fixed(100 * share, decimals: decimals) + " %" }

  /// `value` with `digits` significant digits, with a power of ten if it is very small or large; whole numbers below
  /// 10⁷ in full.
  package func significant(_ value: Double, digits: Int = 3) -> String {
    guard value.isFinite else { return notFinite ?? "\(value)" }
    if value == 0 { return "0" }
    if value == value.rounded(), abs(value) < 1e7 { return fixed(value, decimals: 0) }
    let exponent = Self.exponent(of: value)
    guard plainExponents.contains(exponent) else { return scientific(value, digits: digits) }
    return fixed(value, decimals: max(0, digits - 1 - exponent))
  }

  /// As `significant`, without trailing zeros: 0.5, not 0.500.
  package func short(_ value: Double, digits: Int = 3) -> String {
    Self.withoutZeros(significant(value, digits: digits))
  }

  /// As `fixed`, but with a power of ten if `decimals` digits would show nothing of the value, and from 10⁵ on: for
  /// columns with numbers of any size.
  package func inColumn(_ value: Double, decimals: Int) -> String {
    let isPlain = value == 0 || (pow(10, -Double(decimals))..<1e5).contains(abs(value))
    return isPlain || !value.isFinite ? fixed(value, decimals: decimals) : scientific(value, digits: 2)
  }

  /// An estimate and its interval, rounded so that the interval's width has two digits.
  package func estimate(_ value: Double, _ low: Double, _ high: Double) -> (
    value: String, low: String, high: String
  ) {
    let width = high - low
    guard width.isFinite, width > 0, max(abs(low), abs(high)) < 1e7, width > 1e-6 else {
      return (significant(value), significant(low), significant(high))
    }
    let decimals = max(0, 1 - Self.exponent(of: width))
    return (fixed(value, decimals: decimals), fixed(low, decimals: decimals), fixed(high, decimals: decimals))
  }

  /// 2.5·10⁻⁶ and 10⁻⁶, or 2.5e-6 and 1e-6.
  package func scientific(_ value: Double, digits: Int = 3) -> String {
    var exponent = Self.exponent(of: value)
    var factor = value / pow(10, Double(exponent))
    if !factor.isFinite { factor = value / pow(10, Double(exponent / 2)) / pow(10, Double(exponent - exponent / 2)) }
    // 9.996 with three digits is 10.0: the next power.
    if abs(factor) >= 10 - 0.5 * pow(10, Double(1 - digits)) {
      factor /= 10
      exponent += 1
    }
    let text = Self.withoutZeros(fixed(factor, decimals: digits - 1))
    guard raisesExponents else { return text + "e\(exponent)" }
    let power = "10" + Self.raised(exponent)
    return text == "1" ? power : text == "−1" ? "−" + power : text + "·" + power
  }

  /// 0.5 for 0.50, 2 for 2.0; a number with an exponent stays.
  package static func withoutZeros(_ text: String) -> String {
    guard text.contains("."), !text.contains("·"), !text.contains("e") else { return text }
    let kept =
      text.prefix { $0 != "." } + "." + text.drop { $0 != "." }.dropFirst().reversed().drop { $0 == "0" }.reversed()
    return String(kept.last == "." ? kept.dropLast() : kept)
  }

  /// The n with 10ⁿ ≤ |value| < 10ⁿ⁺¹.
  package static func exponent(of value: Double) -> Int {
    guard value != 0, value.isFinite else { return 0 }
    let exponent = Int(floor(log10(abs(value))))
    // log10 rounds: 1000 may come out as 2.9999….
    return abs(value) >= pow(10, Double(exponent + 1)) ? exponent + 1 : exponent
  }

  private static func raised(_ exponent: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return (exponent < 0 ? "⁻" : "") + String(String(abs(exponent)).map { digits[$0.wholeNumberValue!] })
  }

  private func grouped(_ digits: Substring) -> String {
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += thousands }
      text.append(digit)
    }
    return text
  }
}
