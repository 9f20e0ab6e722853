import Primitives

/// Products of row-major matrices by oneDNN.
///
/// Its sgemm was at least as fast as its matmul primitives for every shape we measured (Documentation/Performance.md).
package enum MatrixProduct {
  /// How a matrix lies in memory.
  package enum Layout: Int32, Sendable {
    case plain = 0
    case transposed = 1
  }

  /// c (m, n) = a (m, k) · b (k, n); a transposed matrix is stored as (k, m) or (n, k).
  package static func run(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, _ aLayout: Layout, _ b: UnsafePointer<Float>,
    _ bLayout: Layout, _ c: UnsafeMutablePointer<Float>
  ) throws {
    let status = ek_matrix_product(Int64(m), Int64(n), Int64(k), a, aLayout.rawValue, b, bLayout.rawValue, c)
    guard status == 0 else {
      throw EvenkeelError(.internal, "oneDNN refused the product of \(m)×\(k) and \(k)×\(n) (status \(status)).")
    }
  }
}
