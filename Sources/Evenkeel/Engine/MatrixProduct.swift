import COneDNN

/// Products of row-major matrices by oneDNN: the one place that calls it.
///
/// `dnnl_sgemm` has the same form in oneDNN 2 and 3 and was as fast as matmul primitives or faster for every shape that
/// was measured (Documentation/Performance.md).
package enum MatrixProduct {
  /// How a matrix lies in memory.
  package enum Layout: Sendable {
    case plain, transposed
    var code: CChar { self == .plain ? 78 : 84 }  // 'N', 'T'
  }

  /// c (m, n) = a (m, k) · b (k, n); a transposed matrix is stored as (k, m) or (n, k).
  package static func run(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, _ aLayout: Layout, _ b: UnsafePointer<Float>,
    _ bLayout: Layout, _ c: UnsafeMutablePointer<Float>
  ) throws {
    let status = dnnl_sgemm(
      aLayout.code, bLayout.code, dnnl_dim_t(m), dnnl_dim_t(n), dnnl_dim_t(k), 1, a,
      dnnl_dim_t(aLayout == .plain ? k : m), b, dnnl_dim_t(bLayout == .plain ? n : k), 0, c, dnnl_dim_t(n))
    guard status == dnnl_success else {
      throw EvenkeelError(
        .internal, "oneDNN refused the product of \(m)×\(k) and \(k)×\(n) (status \(status.rawValue)).")
    }
  }
}
