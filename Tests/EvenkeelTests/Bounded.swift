import Testing

/// A number, and how far from it a computation in Float may end.
///
/// The reference computes in Double and carries along, to first order, the error of a program that rounds every result to
/// Float (relative error u = 2⁻²⁴; Higham 2002, §2.2 and §3.1). What is compared with it needs no tolerance of its own.
struct Bounded: Sendable {
  /// The unit roundoff of Float.
  static let u = 0x1p-24

  var value: Double
  var error: Double

  init(_ value: Double, error: Double = 0) {
    self.value = value
    self.error = error
  }

  /// A number that both sides hold exactly.
  init(_ value: Float) { self.init(Double(value)) }

  /// A constant that the other side rounds to Float.
  init(rounded value: Double) { self.init(value, error: Self.u * abs(value)) }

  static func + (a: Self, b: Self) -> Self {
    let value = a.value + b.value
    return Self(value, error: a.error + b.error + u * abs(value))
  }

  static func - (a: Self, b: Self) -> Self { a + Self(-b.value, error: b.error) }

  static func * (a: Self, b: Self) -> Self {
    let value = a.value * b.value
    return Self(value, error: abs(a.value) * b.error + abs(b.value) * a.error + u * abs(value))
  }

  static func / (a: Self, b: Self) -> Self {
    let value = a.value / b.value
    return Self(value, error: (a.error + abs(value) * b.error) / abs(b.value) + u * abs(value))
  }

  func squareRoot() -> Self {
    let root = value.squareRoot()
    // Near 0 the first order says nothing; the root of the error bounds it.
    return Self(root, error: min(error / (2 * root), error.squareRoot()).orZero + Self.u * root)
  }

  /// The sum of terms of which each goes through at most `roundings` additions in Float, in any order.
  static func sum(_ count: Int, roundings: Int, _ term: (Int) -> Self) -> Self {
    var (total, error, size) = (0.0, 0.0, 0.0)
    for index in 0..<count {
      let term = term(index)
      total += term.value
      error += term.error
      size += abs(term.value)
    }
    return Self(total, error: error + Double(roundings) * u * size + u * abs(total))
  }
}

extension Double {
  fileprivate var orZero: Double { isNaN ? 0 : self }
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
    let roundings = Double(a.columns + 1) * Bounded.u
    var result = [Bounded](repeating: Bounded(0.0), count: a.rows * b.columns)
    for row in 0..<a.rows {
      for inner in 0..<a.columns {
        let left = a.values[row * a.columns + inner]
        let size = abs(left.value)
        for column in 0..<b.columns {
          let right = b.values[inner * b.columns + column]
          result[row * b.columns + column].value += left.value * right.value
          result[row * b.columns + column].error +=
            size * (right.error + roundings * abs(right.value)) + left.error * abs(right.value)
        }
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
