import Glibc

/// Eigenvalues, in rising order, and vectors of a symmetric tridiagonal matrix, by QL steps with implicit shifts (Wilkinson;
/// Golub and Van Loan, §8.3).
struct TridiagonalEigen {
  let values: [Double]
  /// `vectors[i]` belongs to `values[i]` and has length 1.
  let vectors: [[Double]]

  /// - Parameters:
  ///   - diagonal: n numbers.
  ///   - beside: The n − 1 numbers beside them.
  init(diagonal: [Double], beside: [Double]) {
    let n = diagonal.count
    var d = diagonal
    var e = beside + [0]
    // rows[k] is the k-th component of all vectors.
    var rows = (0..<n).map { row in (0..<n).map { $0 == row ? 1.0 : 0 } }
    for first in 0..<n {
      for _ in 0..<60 {
        let last = (first..<n - 1).first { abs(e[$0]) <= 0x1p-52 * (abs(d[$0]) + abs(d[$0 + 1])) } ?? n - 1
        guard last > first else { break }
        // Wilkinson's shift: the eigenvalue of the leading 2×2 block that is nearer to its corner.
        let half = (d[first + 1] - d[first]) / (2 * e[first])
        let root = hypot(half, 1)
        var g = d[last] - d[first] + e[first] / (half + (half < 0 ? -root : root))
        var (sine, cosine, p) = (1.0, 1.0, 0.0)
        var isSplit = false
        for i in (first..<last).reversed() {
          let f = sine * e[i]
          let b = cosine * e[i]
          let r = hypot(f, g)
          e[i + 1] = r
          if r == 0 {
            // Underflow: the matrix falls apart here.
            d[i + 1] -= p
            e[last] = 0
            isSplit = true
            break
          }
          sine = f / r
          cosine = g / r
          g = d[i + 1] - p
          let t = (d[i] - g) * sine + 2 * cosine * b
          p = sine * t
          d[i + 1] = g + p
          g = cosine * t - b
          for k in 0..<n {
            let upper = rows[k][i + 1]
            rows[k][i + 1] = sine * rows[k][i] + cosine * upper
            rows[k][i] = cosine * rows[k][i] - sine * upper
          }
        }
        if isSplit { continue }
        d[first] -= p
        e[first] = g
        e[last] = 0
      }
    }
    let order = d.indices.sorted { d[$0] < d[$1] }
    values = order.map { d[$0] }
    vectors = order.map { column in rows.map { $0[column] } }
  }
}
