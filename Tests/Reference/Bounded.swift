/// A number, and how far from it a computation in Float may end.
///
/// The reference computes in Double and carries along, to first order, the variance of the error of a program that rounds
/// every result to Float. Roundings are taken as independent (Higham and Mary 2019), uniform within the unit roundoff; six
/// deviations are the bound. What is compared with the reference needs no tolerance of its own.
package struct Bounded: Sendable {
  /// The unit roundoff of Float.
  package static let u = 0x1p-24

  package var value: Double
  /// Of the error.
  package var variance: Double

  /// How far the computed value may be off.
  package var error: Double { 6 * variance.squareRoot() }

  /// - Parameter error: How far the computed value may be off.
  package init(_ value: Double, error: Double = 0) { self.init(value, variance: error * error / 36) }

  package init(_ value: Double, variance: Double) {
    self.value = value
    self.variance = variance
  }

  /// A number that both sides hold exactly.
  package init(_ value: Float) { self.init(Double(value)) }

  /// A constant that the other side rounds to Float.
  package init(rounded value: Double) { self.init(value, variance: Self.rounding(value)) }

  /// The same number with `count` roundings more.
  package func rounded(_ count: Int = 1) -> Self {
    Self(value, variance: variance + Double(count) * Self.rounding(value))
  }

  /// The variance of an error that is uniform up to u |value|.
  package static func rounding(_ value: Double) -> Double { u * u / 3 * value * value }

  package static func + (a: Self, b: Self) -> Self {
    Self(a.value + b.value, variance: a.variance + b.variance).rounded()
  }

  package static func - (a: Self, b: Self) -> Self {
    Self(a.value - b.value, variance: a.variance + b.variance).rounded()
  }

  package static func * (a: Self, b: Self) -> Self {
    Self(a.value * b.value, variance: a.value * a.value * b.variance + b.value * b.value * a.variance).rounded()
  }

  package static func / (a: Self, b: Self) -> Self {
    let quotient = a.value / b.value
    return Self(quotient, variance: (a.variance + quotient * quotient * b.variance) / (b.value * b.value)).rounded()
  }

  package func squareRoot() -> Self {
    // Near 0 the first order says nothing; the root of the error bounds it.
    let slope = variance == 0 ? 0 : variance / (4 * value)
    return Self(value.squareRoot(), variance: min(slope, variance.squareRoot())).rounded()
  }

  /// The sum of terms of which each goes through at most `roundings` additions in Float, in any order.
  ///
  /// Partial sums are as large as the whole or, where signs vary, as a random walk of the terms. What the terms have in
  /// common, such as a rounded factor, is a relative error of the whole.
  package static func sum(_ count: Int, roundings: Int, _ term: (Int) -> Self) -> Self {
    var (total, variance, squares) = (0.0, 0.0, 0.0)
    for index in 0..<count {
      let term = term(index)
      total += term.value
      variance += term.variance
      squares += term.value * term.value
    }
    return Self(total, variance: variance + Double(roundings) * (rounding(total) + u * u / 3 * squares)).rounded(4)
  }
}
