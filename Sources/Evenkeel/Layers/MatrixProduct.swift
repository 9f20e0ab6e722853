import Primitives

/// Products of row-major matrices on the calling thread.
enum MatrixProduct {
  /// c (m, n) = a (m, k) · b (k, n), or aᵀ · b with a of shape (k, m). Rows of a matrix lie its stride
  /// apart.
  static func run(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, stride aStride: Int, transposed: Bool = false,
    _ b: UnsafePointer<Float>, stride bStride: Int, _ c: UnsafeMutablePointer<Float>, stride cStride: Int
  ) throws {
    let status = ek_product(
      Int64(m), Int64(n), Int64(k), a, Int64(aStride), transposed ? 1 : 0, b, Int64(bStride), c, Int64(cStride))
    guard status == 0 else {
      throw EvenkeelError(.internal, "oneDNN refused the product of \(m)×\(k) and \(k)×\(n) (status \(status)).")
    }
  }
}
