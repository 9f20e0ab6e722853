import Evenkeel
import EvenkeelReference
import Kernels
import Testing

let kernelActivations: [(ek_activation, any Layer)] = [
  (EK_RELU, ReLU()), (EK_LEAKY_RELU, LeakyReLU(slope: 0.1)), (EK_ELU, ELU(alpha: 0.1)), (EK_GELU, GELU()),
  (EK_SILU, SiLU()), (EK_SIGMOID, Sigmoid()), (EK_TANH, Tanh()), (EK_SOFTPLUS, Softplus()), (EK_MISH, Mish()),
]

private let shapes: [(Int, Int)] = [2, 3, 7, 60, 1024].flatMap { m in [1, 3, 7, 8, 17, 100, 1024].map { (m, $0) } }

@Test(arguments: shapes)
func theKernelsAgreeWithTheReferenceWithEveryActivationAndOption(m: Int, c: Int) {
  var numbers = Numbers(m * 10_000 + c)
  let (x, dy, scale, shift) = (numbers.many(m * c), numbers.many(m * c), numbers.many(c), numbers.many(c))
  let given = (mean: numbers.many(c), variance: numbers.many(c).map { abs($0) })
  var cases: [(ek_activation, (any Layer)?)] = [(EK_IDENTITY, nil)]
  // The largest shape is slow and new to no loop of the others.
  if m * c <= 1024 * 100 { cases += kernelActivations.map { ($0, $1) } }
  for (activation, layer) in cases {
    for (scale, shift) in [(scale, shift), (nil, shift), (scale, nil), (nil, nil)] as [([Float]?, [Float]?)] {
      for given in [nil, given] {
        // Each option with each activation where that is quick.
        if m * c > 7 * 1024, activation != EK_IDENTITY, scale == nil || shift == nil || given != nil { continue }
        let call = BatchNormCall(x, m, c, scale: scale, shift: shift, dy: dy, activation: activation, given: given)
        let reference = BatchNormReference(
          x, m, c, scale: scale, shift: shift, dy: dy, function: layer.flatMap { ReferenceFunction($0) }, given: given)
        let what = "\(m)×\(c) \(layer.map { "\($0)" } ?? "identity")\(given == nil ? "" : ", frozen")"
        #expect(call.bad == -1)
        expect(call.y, near: reference.y, "y of \(what)")
        expect(call.dx, near: reference.dx, "dx of \(what)")
        if let dscale = reference.dscale { expect(call.dscale, near: dscale, "dγ of \(what)") }
        if let dshift = reference.dshift { expect(call.dshift, near: dshift, "dβ of \(what)") }
      }
    }
  }
}

/// The bound that the project states: |y − y_ref| ≤ 8 u (|γ x̂| + |β|), whatever κ = |μ|/σ is.
@Test(arguments: [0, 1e2, 1e3, 1e4, 1e5, 1e6])
func normalizedValuesAreExactHoweverLargeTheMeanIs(kappa: Double) {
  let (m, c) = (256, 19)
  var numbers = Numbers(7)
  let x = (0..<m * c).map { _ in Float(kappa + 1.7 * Double(numbers.next())) }
  let (scale, shift, dy) = (numbers.many(c), numbers.many(c), numbers.many(m * c))
  let reference = BatchNormReference(x, m, c, scale: scale, shift: shift, dy: dy)
  let call = BatchNormCall(x, m, c, scale: scale, shift: shift, dy: dy)
  for at in 0..<m * c {
    let bound = abs(Double(scale[at % c]) * reference.norm.normalized.values[at].value) + abs(Double(shift[at % c]))
    #expect(abs(Double(call.y[at]) - reference.y[at].value) <= 8 * Bounded.u * bound)
  }
  expect(call.dx, near: reference.dx, "dx at κ = \(kappa)")
}

@Test(arguments: [Float(100), 1e10, 0, -3.3e-30, 1e30])
func aConstantFeatureGivesExactlyTheShift(constant: Float) {
  let (m, c) = (61, 5)
  let shift: [Float] = [0.1, -2, 3e7, 0.3333333, 0]
  let call = BatchNormCall(
    Array(repeating: constant, count: m * c), m, c, scale: [1, 2, -3, 1e3, 7], shift: shift,
    dy: Array(repeating: 1, count: m * c))
  for at in 0..<m * c { #expect(call.y[at] == shift[at % c]) }
}

@Test(arguments: [Float.nan, .infinity, -.infinity])
func aValueThatIsNotFiniteNamesItsFeatureAndWritesNothing(value: Float) {
  let (m, c) = (40, 21)
  var numbers = Numbers(3)
  var x = numbers.many(m * c)
  x[13 * c + 17] = value
  let ones = [Float](repeating: 1, count: c)
  let call = BatchNormCall(x, m, c, scale: ones, shift: ones, dy: x)
  #expect(call.bad == 17)
  #expect(call.y.allSatisfy { $0 == 12345 })
}

@Test(arguments: [(1024, 300), (65536, 17), (200, 1000), (999, 101)])
func anyTeamGivesTheSameBits(m: Int, c: Int) {
  var numbers = Numbers(11)
  let (x, dy, scale, shift) = (numbers.many(m * c), numbers.many(m * c), numbers.many(c), numbers.many(c))
  for activation in [EK_IDENTITY, EK_RELU, EK_GELU] {
    let one = BatchNormCall(x, m, c, scale: scale, shift: shift, dy: dy, activation: activation, threads: 1)
    for threads: Int32 in [2, 3] {
      let more = BatchNormCall(x, m, c, scale: scale, shift: shift, dy: dy, activation: activation, threads: threads)
      #expect(one.y == more.y && one.dx == more.dx && one.dscale == more.dscale && one.dshift == more.dshift)
    }
  }
}

@Test(arguments: kernelActivations.map(\.0))
func aFusedActivationEqualsTheActivationOnItsOwn(activation: ek_activation) {
  let (m, c) = (33, 21)
  var numbers = Numbers(9)
  let (x, dy, scale, shift) = (numbers.many(m * c), numbers.many(m * c), numbers.many(c), numbers.many(c))
  let fused = BatchNormCall(x, m, c, scale: scale, shift: shift, dy: dy, activation: activation)
  let plain = BatchNormCall(x, m, c, scale: scale, shift: shift, dy: dy)
  var y = [Float](repeating: 0, count: m * c)
  var dz = y
  ek_activation_forward(plain.y, m * c, activation, 0.1, &y)
  ek_activation_backward(plain.y, y, dy, m * c, activation, 0.1, &dz)
  let backward = BatchNormCall(x, m, c, scale: scale, shift: shift, dy: dz)
  #expect(fused.y == y)
  for at in 0..<m * c { #expect(abs(fused.dx[at] - backward.dx[at]) <= 1e-6 * (1 + abs(backward.dx[at]))) }
}

@Test(arguments: [EK_IDENTITY] + kernelActivations.map(\.0))
func resultsMayTakeThePlaceOfWhatTheyAreMadeFrom(activation: ek_activation) {
  for (m, c) in [(5, 3), (33, 21), (700, 40)] {
    var numbers = Numbers(m)
    let (x, dy, scale, shift) = (numbers.many(m * c), numbers.many(m * c), numbers.many(c), numbers.many(c))
    let apart = BatchNormCall(x, m, c, scale: scale, shift: shift, dy: dy, activation: activation, threads: 2)
    let inPlace = BatchNormCall(
      x, m, c, scale: scale, shift: shift, dy: dy, activation: activation, inPlace: true, threads: 2)
    #expect(apart.y == inPlace.y && apart.dx == inPlace.dx)
    #expect(apart.dscale == inPlace.dscale && apart.dshift == inPlace.dshift)
  }
}

@Test(arguments: [EK_IDENTITY] + kernelActivations.map(\.0))
func aNaNPassesThroughEveryFusedActivation(activation: ek_activation) {
  let (m, c) = (9, 21)
  var numbers = Numbers(2)
  var x = numbers.many(m * c)
  let dy = numbers.many(m * c)
  x[4 * c + 19] = .nan
  let call = BatchNormCall(
    x, m, c, scale: nil, shift: nil, dy: dy, activation: activation,
    given: (numbers.many(c), [Float](repeating: 1, count: c)))
  for at in 0..<m * c {
    #expect(call.y[at].isNaN == (at == 4 * c + 19))
    #expect(call.dx[at].isNaN == (at == 4 * c + 19))
  }
  var alone = [Float](repeating: 0, count: m * c)
  ek_activation_forward(x, m * c, activation, 0.1, &alone)
  #expect(alone[4 * c + 19].isNaN)
}

/// Large tensors whose memory begins at a cache line are stored past the cache; others, as Swift's arrays, are not.
@Test func whatIsStoredPastTheCacheIsTheSame() {
  let (m, c) = (33_000, 64)
  let count = m * c
  var numbers = Numbers(21)
  let (x, dy, scale, shift) = (numbers.many(count), numbers.many(count), numbers.many(c), numbers.many(c))
  let expected = BatchNormCall(x, m, c, scale: scale, shift: shift, dy: dy, activation: EK_RELU, threads: 2)
  func aligned(_ values: [Float]) -> UnsafeMutablePointer<Float> {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * max(values.count, 16), alignment: 64)
    let floats = memory.bindMemory(to: Float.self, capacity: values.count)
    floats.initialize(from: values, count: values.count)
    return floats
  }
  let zeros = [Float](repeating: 0, count: count)
  let (source, y, gradient, dx) = (aligned(x), aligned(zeros), aligned(dy), aligned(zeros))
  let (gains, offsets, learned) = (aligned(scale), aligned(shift), aligned([Float](repeating: 0, count: 2 * c)))
  let kept = aligned([Float](repeating: 0, count: 4 * c))
  defer { for memory in [source, y, gradient, dx, gains, offsets, learned, kept] { memory.deallocate() } }
  let view = ek_batch_statistics(
    mean_high: kept, mean_low: kept + c, variance: kept + 2 * c, inverse_deviation: kept + 3 * c)
  var norm = ek_batch_norm(
    rows: m, features: c, epsilon: 1e-5, scale: gains, shift: offsets, activation: EK_RELU, slope: 0, addend: nil,
    past_cache: 0)
  var scratch = [Double](repeating: 0, count: ek_batch_norm_scratch(m, c))
  #expect(ek_batch_norm_forward(&norm, source, y, view, &scratch, 2) == -1)
  ek_batch_norm_backward(&norm, 0, source, y, gradient, view, learned, learned + c, dx, &scratch, 2)
  #expect(expected.y.indices.allSatisfy { expected.y[$0] == y[$0] })
  #expect(expected.dx.indices.allSatisfy { expected.dx[$0] == dx[$0] })
}
