import Glibc

/// Numbers as people read them: few digits, a true minus, commas between thousands, powers of ten with raised exponents.
package enum NumberText {
  /// `value` with `decimals` digits after the point: −12,345.60.
  package static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return "diverged" }
    guard abs(value) < 1e15 else { return significant(value) }
    let decimals = min(max(decimals, 0), 15)
    // Digits after the point stop where a double's do.
    let scale = pow(10, Double(abs(value) < 1 ? decimals : min(decimals, 15 - exponent(of: value))))
    let digits = String(Int((abs(value) * scale).rounded()))
    let places = Int(log10(scale).rounded())
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let whole = padded.dropLast(places)
    let sign = value < 0 && digits.contains { $0 != "0" } ? "−" : ""
    return sign + grouped(whole) + (places > 0 ? "." + padded.suffix(places) : "")
  }

  /// `value` with `digits` significant digits, 10ⁿ where it is very small or large; whole numbers below 10⁷ as they are.
  package static func significant(_ value: Double, digits: Int = 3) -> String {
    guard value.isFinite else { return "diverged" }
    if value == 0 { return "0" }
    if value == value.rounded(), abs(value) < 1e7 { return fixed(value, decimals: 0) }
    let exponent = exponent(of: value)
    if exponent < -3 || exponent > 6 { return scientific(value, digits: digits) }
    return fixed(value, decimals: max(0, digits - 1 - exponent))
  }

  /// An estimate and its interval, rounded where the interval's width has two digits.
  package static func estimate(_ value: Double, _ low: Double, _ high: Double) -> (
    value: String, low: String, high: String
  ) {
    let width = high - low
    guard width.isFinite, width > 0, max(abs(low), abs(high)) < 1e7, width > 1e-6 else {
      return (significant(value), significant(low), significant(high))
    }
    let decimals = max(0, 1 - exponent(of: width))
    return (fixed(value, decimals: decimals), fixed(low, decimals: decimals), fixed(high, decimals: decimals))
  }

  /// 2.5·10⁻⁶; 10⁻⁶ where the factor is 1.
  package static func scientific(_ value: Double, digits: Int = 3) -> String {
    var exponent = exponent(of: value)
    var factor = value / pow(10, Double(exponent))
    if !factor.isFinite { factor = value / pow(10, Double(exponent / 2)) / pow(10, Double(exponent - exponent / 2)) }
    // 9.996 with three digits is 10.0: the next power.
    if abs(factor) >= 10 - 0.5 * pow(10, Double(1 - digits)) {
      factor /= 10
      exponent += 1
    }
    let text = withoutZeros(fixed(factor, decimals: digits - 1))
    let power = "10" + raised(exponent)
    return text == "1" ? power : text == "−1" ? "−" + power : text + "·" + power
  }

  /// 0.5 for 0.50, 2 for 2.0.
  static func withoutZeros(_ text: String) -> String {
    guard text.contains("."), !text.contains("·") else { return text }
    let kept =
      text.prefix { $0 != "." } + "." + text.drop { $0 != "." }.dropFirst().reversed().drop { $0 == "0" }.reversed()
    return String(kept.last == "." ? kept.dropLast() : kept)
  }

  /// The n with 10ⁿ ≤ |value| < 10ⁿ⁺¹.
  static func exponent(of value: Double) -> Int {
    guard value != 0, value.isFinite else { return 0 }
    let exponent = Int(floor(log10(abs(value))))
    // log10 rounds: 1000 may come out as 2.9999….
    return abs(value) >= pow(10, Double(exponent + 1)) ? exponent + 1 : exponent
  }

  private static func raised(_ exponent: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return (exponent < 0 ? "⁻" : "") + String(String(abs(exponent)).map { digits[$0.wholeNumberValue!] })
  }

  private static func grouped(_ digits: Substring) -> String {
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }
}
