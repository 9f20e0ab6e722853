import Evenkeel
import Glibc

/// Numbers above 0 between two bounds, uniform in their logarithm, written `1e-4..10`, or just one number.
package struct LogarithmicRange: Hashable, Codable, Sendable {
  package let low: Double
  package let high: Double

  /// - Parameter name: What an error calls it.
  /// - Throws: `EvenkeelError` with code `usage`.
  package init(_ text: String, name: String) throws {
    let dots = text.firstIndex(of: ".").flatMap { _ in text.range(of: "..") }
    let parts = dots.map { [String(text[..<$0.lowerBound]), String(text[$0.upperBound...])] } ?? [text, text]
    guard let low = Double(parts[0]), let high = Double(parts[1]), low > 0, high >= low, high.isFinite else {
      throw EvenkeelError(
        .usage, "\(name) is \"\(text)\"; expected two numbers above 0, the smaller first, as in 1e-4..10, or one.")
    }
    (self.low, self.high) = (low, high)
  }

  package init(_ low: Double, _ high: Double) { (self.low, self.high) = (low, high) }

  /// The number at `share` of the way.
  package func value(at share: Double) -> Double { exp(log(low) + share * (log(high) - log(low))) }

  /// `count` numbers from bound to bound, rounded to three digits so that they read well and repeat.
  package func grid(_ count: Int) -> [Double] {
    guard count > 1, high > low else { return [low] }
    return (0..<count).map { rounded(value(at: Double($0) / Double(count - 1))) }
  }
}

/// `value` with three significant digits.
func rounded(_ value: Double) -> Double {
  guard value != 0, value.isFinite else { return value }
  let unit = pow(10, 2 - floor(log10(abs(value))))
  let rounded = (value * unit).rounded() / unit
  // At the ends of what numbers can be there is no such unit.
  return rounded.isFinite && rounded != 0 ? rounded : value
}

extension String {
  /// Where `part` first is.
  fileprivate func range(of part: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
      start = index(after: start)
    }
    return nil
  }
}
