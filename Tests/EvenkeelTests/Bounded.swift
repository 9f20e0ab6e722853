import Testing

/// A number, and how far from it a computation in Float may end.
///
/// The reference computes in Double and carries along, to first order, the variance of the error of a program that rounds
/// every result to Float. Roundings are taken as independent (Higham and Mary 2019), uniform within the unit roundoff; six
/// deviations are the bound. What is compared with the reference needs no tolerance of its own.
struct Bounded: Sendable {
  /// The unit roundoff of Float.
  static let u = 0x1p-24

  var value: Double
  /// Of the error.
  var variance: Double

  /// How far the computed value may be off.
  var error: Double { 6 * variance.squareRoot() }

  /// - Parameter error: How far the computed value may be off.
  init(_ value: Double, error: Double = 0) { self.init(value, variance: error * error / 36) }

  init(_ value: Double, variance: Double) {
    self.value = value
    self.variance = variance
  }

  /// A number that both sides hold exactly.
  init(_ value: Float) { self.init(Double(value)) }

  /// A constant that the other side rounds to Float.
  init(rounded value: Double) { self.init(value, variance: Self.rounding(value)) }

  /// The same number with `count` roundings more.
  func rounded(_ count: Int = 1) -> Self { Self(value, variance: variance + Double(count) * Self.rounding(value)) }

  /// The variance of an error that is uniform up to u |value|.
  static func rounding(_ value: Double) -> Double { u * u / 3 * value * value }

  static func + (a: Self, b: Self) -> Self { Self(a.value + b.value, variance: a.variance + b.variance).rounded() }

  static func - (a: Self, b: Self) -> Self { Self(a.value - b.value, variance: a.variance + b.variance).rounded() }

  static func * (a: Self, b: Self) -> Self {
    Self(a.value * b.value, variance: a.value * a.value * b.variance + b.value * b.value * a.variance).rounded()
  }

  static func / (a: Self, b: Self) -> Self {
    let quotient = a.value / b.value
    return Self(quotient, variance: (a.variance + quotient * quotient * b.variance) / (b.value * b.value)).rounded()
  }

  func squareRoot() -> Self {
    // Near 0 the first order says nothing; the root of the error bounds it.
    let slope = variance == 0 ? 0 : variance / (4 * value)
    return Self(value.squareRoot(), variance: min(slope, variance.squareRoot())).rounded()
  }

  /// The sum of terms of which each goes through at most `roundings` additions in Float, in any order.
  ///
  /// Partial sums are as large as the whole or, where signs vary, as a random walk of the terms. What the terms have in
  /// common, such as a rounded factor, is a relative error of the whole.
  static func sum(_ count: Int, roundings: Int, _ term: (Int) -> Self) -> Self {
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

/// A row-major matrix.
struct Matrix {
  let rows: Int
  let columns: Int
  var values: [Bounded]

  init(_ rows: Int, _ columns: Int, _ values: [Bounded]) {
    precondition(values.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  init(_ rows: Int, _ columns: Int, _ values: [Float]) { self.init(rows, columns, values.map { Bounded($0) }) }

  var transposed: Matrix {
    Matrix(columns, rows, (0..<columns).flatMap { c in (0..<rows).map { values[$0 * columns + c] } })
  }

  static func + (a: Matrix, b: Matrix) -> Matrix {
    Matrix(a.rows, a.columns, zip(a.values, b.values).map { $0 + $1 })
  }

  /// The matrix product, its sums taken in Float in any order.
  static func * (a: Matrix, b: Matrix) -> Matrix {
    precondition(a.columns == b.rows)
    // Products are rounded, and so are their partial sums.
    let each = Double(a.columns + 1) * Bounded.u * Bounded.u / 3
    var result = [Bounded](repeating: Bounded(0.0), count: a.rows * b.columns)
    for row in 0..<a.rows {
      let target = row * b.columns
      for inner in 0..<a.columns {
        let left = a.values[row * a.columns + inner]
        let square = left.value * left.value
        for column in 0..<b.columns {
          let right = b.values[inner * b.columns + column]
          result[target + column].value += left.value * right.value
          result[target + column].variance +=
            square * (right.variance + each * right.value * right.value) + left.variance * right.value * right.value
        }
      }
      for column in 0..<b.columns {
        result[target + column] = result[target + column].rounded(a.columns)
      }
    }
    return Matrix(a.rows, b.columns, result)
  }
}

/// Records an issue that names the worst of `actual` if one is further from `expected` than its bound.
func expect(
  _ actual: [Float], near expected: [Bounded], _ what: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expect(actual.map { Double($0) }, near: expected, what(), sourceLocation: sourceLocation)
}

func expect(
  _ actual: [Double], near expected: [Bounded], _ what: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record("\(what()): \(actual.count) values instead of \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  var worst: (excess: Double, index: Int)?
  for index in actual.indices {
    // Results below the normal range of Float round absolutely.
    let bound = expected[index].error + 0x1p-126
    let excess = abs(actual[index] - expected[index].value) / bound
    if !(excess <= 1), worst == nil || !(excess <= worst!.excess) { worst = (excess, index) }
  }
  guard let worst else { return }
  Issue.record(
    "\(what()): value \(worst.index) is \(actual[worst.index]) instead of \(expected[worst.index].value), \(worst.excess) times the bound \(expected[worst.index].error)",
    sourceLocation: sourceLocation)
}

/// Numbers from [−1, 1) with 24 random bits, exact in Float.
struct Numbers {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) }

  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int64(state >> 40) - (1 << 23)) / Float(1 << 23)
  }

  mutating func many(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }
}
