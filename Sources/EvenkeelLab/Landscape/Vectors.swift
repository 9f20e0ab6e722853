/// Vectors of floats whose sums are taken in double.
enum Vectors {
  /// Σ a b, in four partial sums so that the processor does not wait for each.
  static func dot(_ a: [Float], _ b: [Float]) -> Double {
    precondition(a.count == b.count)
    return a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        var sums = SIMD4<Double>.zero
        var index = 0
        while index + 4 <= a.count {
          for lane in 0..<4 { sums[lane] += Double(a[index + lane]) * Double(b[index + lane]) }
          index += 4
        }
        while index < a.count {
          sums[0] += Double(a[index]) * Double(b[index])
          index += 1
        }
        return sums.sum()
      }
    }
  }

  static func norm(_ a: [Float]) -> Double { dot(a, a).squareRoot() }

  /// ‖a − b‖.
  static func distance(_ a: [Float], _ b: [Float]) -> Double { norm(zip(a, b).map { $0 - $1 }) }

  /// a ← a + factor · b.
  static func add(_ factor: Double, _ b: [Float], to a: inout [Float]) {
    precondition(a.count == b.count)
    let factor = Float(factor)
    a.withUnsafeMutableBufferPointer { a in
      b.withUnsafeBufferPointer { b in for index in a.indices { a[index] += factor * b[index] } }
    }
  }

  /// w + factor · v.
  static func moved(_ w: [Float], _ factor: Double, _ v: [Float]) -> [Float] {
    var result = w
    add(factor, v, to: &result)
    return result
  }

  static func scaled(_ a: [Float], to length: Double) -> [Float] {
    let factor = length / max(norm(a), .leastNormalMagnitude)
    return a.map { Float(factor * Double($0)) }
  }
}
