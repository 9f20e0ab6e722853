/// A row-major matrix.
package struct Matrix {
  package let rows: Int
  package let columns: Int
  package var values: [Bounded]

  package init(_ rows: Int, _ columns: Int, _ values: [Bounded]) {
    precondition(values.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  package init(_ rows: Int, _ columns: Int, _ values: [Float]) { self.init(rows, columns, values.map { Bounded($0) }) }

  package var transposed: Matrix {
    Matrix(columns, rows, (0..<columns).flatMap { c in (0..<rows).map { values[$0 * columns + c] } })
  }

  package static func + (a: Matrix, b: Matrix) -> Matrix {
    Matrix(a.rows, a.columns, zip(a.values, b.values).map { $0 + $1 })
  }

  /// The matrix product, its sums taken in Float in any order.
  package static func * (a: Matrix, b: Matrix) -> Matrix {
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
