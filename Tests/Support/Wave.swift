import Glibc

/// Sines of the index, as the scripts in Tests/Fixtures make them.
package func wave(_ count: Int, _ step: Double, _ size: Double, _ middle: Double = 0) -> [Float] {
  (0..<count).map { Float(size * sin(step * Double($0 + 1)) + middle) }
}
