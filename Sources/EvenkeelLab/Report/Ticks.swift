import Evenkeel
import Glibc

/// The marks along an axis: round numbers that lie in its domain, with their labels.
package struct Ticks: Equatable {
  package let values: [Double]
  package let labels: [String]

  private init(values: [Double], labels: [String]) { (self.values, self.labels) = (values, labels) }

  /// - Parameters:
  ///   - domain: What the axis spans, of positive width; above 0 for a logarithmic scale.
  ///   - count: About how many there is room for.
  package init(_ domain: ClosedRange<Double>, scale: Axis.Scale, count: Int) {
    switch scale {
    case .linear: self = .linear(domain, count: max(count, 2))
    case .logarithmic: self = .logarithmic(domain, count: max(count, 2))
    }
  }

  /// A tick at each of `places`; `nil` if there is none or their labels would touch.
  init?(at places: [Double], _ position: (Double) -> Double?) {
    let values = Set(places).filter { position($0) != nil }.sorted()
    guard !values.isEmpty, values.count <= 12 else { return nil }
    let labels = values.map { NumberText.page.short($0) }
    let spans = zip(values, labels).map { value, label in
      (middle: position(value) ?? 0, half: textWidth(label, size: 12) / 2 + 3)
    }
    for (one, next) in zip(spans, spans.dropFirst()) where next.middle - one.middle < one.half + next.half {
      return nil
    }
    self.init(values: values, labels: labels)
  }

  /// 1, 2 or 5 times a power of ten, such that about `count` of them make `span`.
  static func step(for span: Double, count: Int) -> Double {
    let rough = span / Double(count)
    let power = powerOfTen(NumberText.exponent(of: rough))
    let factor = rough / power
    return power * (factor <= 1.0001 ? 1 : factor <= 2.2 ? 2 : factor <= 5.5 ? 5 : 10)
  }

  /// 10ⁿ, as exact as a double can be.
  static func powerOfTen(_ exponent: Int) -> Double {
    exponent < 0 && exponent > -300 ? 1 / pow(10, Double(-exponent)) : pow(10, Double(exponent))
  }

  /// Steps of 1, 2 or 5 times a power of ten.
  private static func linear(_ domain: ClosedRange<Double>, count: Int) -> Ticks {
    let step = Self.step(for: domain.upperBound - domain.lowerBound, count: count)
    let first = (domain.lowerBound / step - 1e-6).rounded(.up)
    let last = (domain.upperBound / step + 1e-6).rounded(.down)
    guard last >= first, last - first < 1000 else { return Ticks(values: [], labels: []) }
    // 3 · 0.1 is not 0.3, but 3 / 10 is.
    let divisor = step < 1 ? (1 / step).rounded() : 0
    let values = (0...Int(last - first)).map {
      let multiple = first + Double($0)
      return divisor > 0 && divisor < 1e15 ? multiple / divisor : multiple * step
    }
    let largest = max(abs(domain.lowerBound), abs(domain.upperBound))
    let decimals = max(0, -NumberText.exponent(of: step * 1.0001))
    if largest >= 1e7 || largest < 1e-3 || decimals > 9 {
      let digits = max(1, NumberText.exponent(of: largest) - NumberText.exponent(of: step * 1.0001) + 1)
      let labels = values.map { $0 == 0 ? "0" : NumberText.page.scientific($0, digits: min(digits, 6)) }
      return Ticks(values: values, labels: labels)
    }
    return Ticks(values: values, labels: values.map { NumberText.page.fixed($0, decimals: decimals) })
  }

  /// Powers of ten, every n-th where they are many, also 2 and 5 times them where they are few.
  private static func logarithmic(_ domain: ClosedRange<Double>, count: Int) -> Ticks {
    let low = domain.lowerBound * (1 - 1e-9)
    let high = domain.upperBound * (1 + 1e-9)
    let exponents = NumberText.exponent(of: low)...NumberText.exponent(of: high)
    let decades = exponents.map(powerOfTen)
    var values = decades.filter { $0 >= low && $0 <= high }
    if values.count > count {
      let stride = (values.count + count - 1) / count
      values = zip(exponents, decades).filter { $0.0 % stride == 0 && $0.1 >= low && $0.1 <= high }.map(\.1)
    } else if values.count < 3 {
      let fine = decades.flatMap { [$0, 2 * $0, 5 * $0] }.filter { $0 >= low && $0 <= high }
      if fine.count < 2 { return linear(domain, count: count) }
      if fine.count <= count + 1 { values = fine }
    }
    let plain = values.allSatisfy { $0 >= 0.00999 && $0 <= 10_000 }
    let labels = values.map {
      plain ? NumberText.page.significant($0, digits: 1) : NumberText.page.scientific($0, digits: 1)
    }
    return Ticks(values: values, labels: labels)
  }
}
