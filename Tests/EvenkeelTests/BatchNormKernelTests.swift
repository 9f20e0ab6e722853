import Glibc
import Kernels
import Testing

/// Batch norm from the formulae, in Double, in plain loops.
private struct Reference {
  var mean: [Double] = []
  var variance: [Double] = []
  var normalized: [Double]
  var y: [Double]

  init(_ x: [Float], _ m: Int, _ c: Int, epsilon: Double, scale: [Float], shift: [Float]) {
    normalized = Array(repeating: 0, count: m * c)
    y = normalized
    for j in 0..<c {
      var sum = 0.0
      for i in 0..<m { sum += Double(x[i * c + j]) }
      // A second pass over differences removes the rounding of the first.
      let first = sum / Double(m)
      var rest = 0.0
      for i in 0..<m { rest += Double(x[i * c + j]) - first }
      let mean = first + rest / Double(m)
      var squares = 0.0
      for i in 0..<m {
        let d = Double(x[i * c + j]) - mean
        squares += d * d
      }
      let variance = squares / Double(m)
      self.mean.append(mean)
      self.variance.append(variance)
      for i in 0..<m {
        normalized[i * c + j] = (Double(x[i * c + j]) - mean) / (variance + epsilon).squareRoot()
        y[i * c + j] = Double(scale[j]) * normalized[i * c + j] + Double(shift[j])
      }
    }
  }
}

/// One call of the forward and backward kernels with memory of its own.
private struct Kernel {
  var y: [Float]
  var dx: [Float]
  var dscale: [Float]
  var dshift: [Float]
  var bad: Int

  init(
    _ x: [Float], _ m: Int, _ c: Int, epsilon: Double, scale: [Float], shift: [Float], dy: [Float],
    activation: ek_activation = EK_IDENTITY, threads: Int32 = 1
  ) {
    var statistics = [Float](repeating: 0, count: 4 * c)
    var scratch = [Double](repeating: 0, count: ek_batch_norm_scratch(m, c))
    y = Array(repeating: 12345, count: m * c)
    dx = Array(repeating: 0, count: m * c)
    dscale = Array(repeating: 0, count: c)
    dshift = dscale
    bad = -1
    statistics.withUnsafeMutableBufferPointer { s in
      let view = ek_batch_statistics(
        mean_high: s.baseAddress!, mean_low: s.baseAddress! + c, variance: s.baseAddress! + 2 * c,
        inverse_deviation: s.baseAddress! + 3 * c)
      scale.withUnsafeBufferPointer { scale in
        shift.withUnsafeBufferPointer { shift in
          var norm = ek_batch_norm(
            rows: m, features: c, epsilon: epsilon, scale: scale.baseAddress, shift: shift.baseAddress,
            activation: activation, slope: 0.1, addend: nil, frozen: 0)
          var dy = dy
          bad = ek_batch_norm_forward(&norm, x, &y, view, &scratch, threads)
          ek_batch_norm_backward(&norm, x, y, &dy, view, &dscale, &dshift, &dx, &scratch, threads)
        }
      }
    }
  }
}

private struct Numbers {
  var state: UInt64
  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int64(state >> 40) - (1 << 23)) / Float(1 << 23)
  }
  mutating func many(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }
}

private let shapes: [(Int, Int)] = [2, 3, 7, 60, 1024].flatMap { m in [1, 3, 7, 8, 17, 100, 1024].map { (m, $0) } }

@Test(arguments: shapes)
func forwardAndBackwardAgreeWithTheDoubleReference(m: Int, c: Int) {
  var numbers = Numbers(state: UInt64(m * 10_000 + c))
  let (x, dy, scale, shift) = (numbers.many(m * c), numbers.many(m * c), numbers.many(c), numbers.many(c))
  let reference = Reference(x, m, c, epsilon: 1e-5, scale: scale, shift: shift)
  let kernel = Kernel(x, m, c, epsilon: 1e-5, scale: scale, shift: shift, dy: dy)
  #expect(kernel.bad == -1)
  for j in 0..<c {
    let inverse = 1 / (reference.variance[j] + 1e-5).squareRoot()
    var (plain, weighted, size) = (0.0, 0.0, 0.0)
    for i in 0..<m {
      let at = i * c + j
      plain += Double(dy[at])
      weighted += Double(dy[at]) * reference.normalized[at]
      size += abs(Double(dy[at])) * (1 + abs(reference.normalized[at]))
    }
    // Eight terms are added in float before the sum goes on in double.
    let sumBound = 12 * 0x1p-24 * size + 1e-12
    #expect(abs(Double(kernel.dshift[j]) - plain) <= sumBound)
    #expect(abs(Double(kernel.dscale[j]) - weighted) <= sumBound)
    for i in 0..<m {
      let at = i * c + j
      let gx = abs(Double(scale[j]) * reference.normalized[at])
      #expect(abs(Double(kernel.y[at]) - reference.y[at]) <= 8 * 0x1p-24 * (gx + abs(Double(shift[j]))))
      let dx =
        Double(scale[j]) * inverse
        * (Double(dy[at]) - plain / Double(m) - reference.normalized[at] * weighted / Double(m))
      let terms =
        abs(Double(dy[at])) + size / Double(m) * (1 + abs(reference.normalized[at]))
      #expect(abs(Double(kernel.dx[at]) - dx) <= 16 * 0x1p-24 * abs(Double(scale[j])) * inverse * terms)
    }
  }
}

@Test(arguments: [1e2, 1e3, 1e4, 1e5, 1e6])
func normalizedValuesAreExactHoweverLargeTheMeanIs(kappa: Double) {
  let (m, c) = (256, 19)
  var numbers = Numbers(state: 7)
  let x = (0..<m * c).map { _ in Float(kappa + 1.7 * Double(numbers.next())) }
  let (scale, shift, dy) = (numbers.many(c), numbers.many(c), numbers.many(m * c))
  let reference = Reference(x, m, c, epsilon: 1e-5, scale: scale, shift: shift)
  let kernel = Kernel(x, m, c, epsilon: 1e-5, scale: scale, shift: shift, dy: dy)
  for at in 0..<m * c {
    let bound = abs(Double(scale[at % c]) * reference.normalized[at]) + abs(Double(shift[at % c]))
    #expect(abs(Double(kernel.y[at]) - reference.y[at]) <= 8 * 0x1p-24 * bound)
  }
}

@Test(arguments: [Float(100), 1e10, 0, -3.3e-30, 1e30])
func aConstantFeatureGivesExactlyTheShift(constant: Float) {
  let (m, c) = (61, 5)
  let shift: [Float] = [0.1, -2, 3e7, 0.3333333, 0]
  let kernel = Kernel(
    Array(repeating: constant, count: m * c), m, c, epsilon: 1e-5, scale: [1, 2, -3, 1e3, 7], shift: shift,
    dy: Array(repeating: 1, count: m * c))
  for at in 0..<m * c { #expect(kernel.y[at] == shift[at % c]) }
}

@Test(arguments: [Float.nan, .infinity, -.infinity])
func aValueThatIsNotFiniteNamesItsFeatureAndWritesNothing(value: Float) {
  let (m, c) = (40, 21)
  var numbers = Numbers(state: 3)
  var x = numbers.many(m * c)
  x[13 * c + 17] = value
  let ones = [Float](repeating: 1, count: c)
  let kernel = Kernel(x, m, c, epsilon: 1e-5, scale: ones, shift: ones, dy: x)
  #expect(kernel.bad == 17)
  #expect(kernel.y.allSatisfy { $0 == 12345 })
}

@Test(arguments: [(1024, 300), (65536, 17), (200, 1000), (999, 101)])
func anyTeamGivesTheSameBits(m: Int, c: Int) {
  var numbers = Numbers(state: 11)
  let (x, dy, scale, shift) = (numbers.many(m * c), numbers.many(m * c), numbers.many(c), numbers.many(c))
  for activation in [EK_IDENTITY, EK_RELU, EK_GELU] {
    let one = Kernel(x, m, c, epsilon: 1e-5, scale: scale, shift: shift, dy: dy, activation: activation, threads: 1)
    for threads: Int32 in [2, 3] {
      let more = Kernel(
        x, m, c, epsilon: 1e-5, scale: scale, shift: shift, dy: dy, activation: activation, threads: threads)
      #expect(one.y == more.y && one.dx == more.dx && one.dscale == more.dscale && one.dshift == more.dshift)
    }
  }
}

@Test func theInputGradientSumsToZeroAndIsOrthogonalToTheNormalizedInput() {
  let (m, c) = (500, 12)
  var numbers = Numbers(state: 5)
  let (x, dy, scale, shift) = (numbers.many(m * c), numbers.many(m * c), numbers.many(c), numbers.many(c))
  let epsilon = 0.01
  let reference = Reference(x, m, c, epsilon: epsilon, scale: scale, shift: shift)
  let kernel = Kernel(x, m, c, epsilon: epsilon, scale: scale, shift: shift, dy: dy)
  for j in 0..<c {
    let r2 = 1 / (reference.variance[j] + epsilon)
    let column = (0..<m).map { Double(kernel.dx[$0 * c + j]) }
    #expect(abs(column.reduce(0, +)) < 2e-5 * Double(m).squareRoot())
    let along = (0..<m).reduce(0) { $0 + column[$1] * reference.normalized[$1 * c + j] }
    let expected = Double(scale[j]) * r2.squareRoot() * Double(kernel.dscale[j]) * epsilon * r2
    #expect(abs(along - expected) < 1e-4)
  }
}

@Test(arguments: [
  EK_RELU, EK_LEAKY_RELU, EK_ELU, EK_GELU, EK_SILU, EK_SIGMOID, EK_TANH, EK_SOFTPLUS,
])
func aFusedActivationEqualsTheActivationOnItsOwn(activation: ek_activation) {
  let (m, c) = (33, 21)
  var numbers = Numbers(state: 9)
  let (x, dy, scale, shift) = (numbers.many(m * c), numbers.many(m * c), numbers.many(c), numbers.many(c))
  let fused = Kernel(x, m, c, epsilon: 1e-5, scale: scale, shift: shift, dy: dy, activation: activation)
  let plain = Kernel(x, m, c, epsilon: 1e-5, scale: scale, shift: shift, dy: dy)
  var y = [Float](repeating: 0, count: m * c)
  var dz = y
  ek_activation_forward(plain.y, m * c, activation, 0.1, &y, 1)
  ek_activation_backward(plain.y, y, dy, m * c, activation, 0.1, &dz, 1)
  let backward = Kernel(x, m, c, epsilon: 1e-5, scale: scale, shift: shift, dy: dz)
  #expect(fused.y == y)
  for at in 0..<m * c { #expect(abs(fused.dx[at] - backward.dx[at]) <= 1e-6 * (1 + abs(backward.dx[at]))) }
}

@Test func activationsAgreeWithTheirFormulae() {
  let x: [Float] = (-400...400).map { Float($0) / 20 }
  func check(_ activation: ek_activation, _ function: (Double) -> Double) {
    var y = [Float](repeating: 0, count: x.count)
    ek_activation_forward(x, x.count, activation, 0.1, &y, 1)
    var dx = y
    ek_activation_backward(x, y, [Float](repeating: 1, count: x.count), x.count, activation, 0.1, &dx, 1)
    for (index, value) in x.map({ Double($0) }).enumerated() {
      let expected = function(value)
      #expect(abs(Double(y[index]) - expected) <= 4e-7 * abs(expected) + 1e-37, "\(activation) at \(value)")
      guard abs(value) > 1e-3 else { continue }
      let slope = (function(value + 1e-5) - function(value - 1e-5)) / 2e-5
      #expect(abs(Double(dx[index]) - slope) <= 2e-6, "the derivative of \(activation) at \(value)")
    }
  }
  check(EK_RELU) { max(0, $0) }
  check(EK_LEAKY_RELU) { $0 > 0 ? $0 : Double(Float(0.1)) * $0 }
  check(EK_ELU) { $0 > 0 ? $0 : Double(Float(0.1)) * expm1($0) }
  check(EK_GELU) { $0 * 0.5 * erfc(-$0 / 2.0.squareRoot()) }
  check(EK_SILU) { $0 / (1 + exp(-$0)) }
  check(EK_SIGMOID) { 1 / (1 + exp(-$0)) }
  check(EK_TANH) { tanh($0) }
  check(EK_SOFTPLUS) { log1p(exp($0)) }
}
