/// Numbers from [−1, 1) with 24 random bits, exact in Float.
package struct Numbers {
  private var state: UInt64

  package init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) }

  package mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int64(state >> 40) - (1 << 23)) / Float(1 << 23)
  }

  package mutating func many(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }
}
