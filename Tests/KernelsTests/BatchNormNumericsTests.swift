import Evenkeel
import EvenkeelReference
import Kernels
import Testing

/// Where σ is far below √ε the output is (x − μ)/√ε, not of deviation 1: ε bounds what normalization may enlarge.
@Test(arguments: [1e-3, 1e-5])
func featuresOfTinyDeviationAreNotBlownUp(epsilon: Double) {
  let (m, c) = (64, 5)
  var numbers = Numbers(2)
  let small = BatchNormProblem(m, c, epsilon: epsilon, x: numbers.many(m * c).map { 1e-6 * $0 })
  small.expectAgreement("σ 1e-6")
  #expect(small.call.statistics[3 * c..<4 * c].allSatisfy { abs(Double($0) * epsilon.squareRoot() - 1) < 1e-6 })
  BatchNormProblem(m, c, epsilon: epsilon, x: numbers.many(m * c).map { 1000 + 1e-3 * $0 }).expectAgreement(
    "σ 1e-3 around 1000")
}

@Test(arguments: [Float(1e18), 1e9, 1e-18, 1e-38, 0x1p-132, 0x1p-146])
func anyMagnitudeOfTheInputIsNormalized(magnitude: Float) {
  var numbers = Numbers(4)
  let x = numbers.many(50 * 7).map { magnitude * $0 }
  for epsilon in [1e-5, 0] {
    // With ε = 0 a variance below the floats' range has a root that is in it.
    if epsilon == 0, magnitude < 1e-18 { continue }
    BatchNormProblem(50, 7, epsilon: epsilon, x: x).expectAgreement("|x| about \(magnitude), ε = \(epsilon)")
  }
}

@Test func sumsOfTenMillionRowsKeepTheirDigits() {
  let m = 10_000_000
  var numbers = Numbers(1)
  let x = numbers.many(m).map { 100 + $0 }
  let ones = [Float](repeating: 1, count: m)
  let call = BatchNormCall(x, m, 1, scale: [1], shift: [0], dy: ones, threads: 2)
  let mean = x.reduce(0) { $0 + Double($1) } / Double(m)
  let variance = x.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(m)
  #expect(abs(Double(call.statistics[0]) + Double(call.statistics[1]) - mean) <= Double(m) * 0x1p-53 * mean)
  #expect(abs(Double(call.statistics[2]) - variance) <= 2 * Bounded.u * variance)
  #expect(call.dshift == [10_000_000])
  // Σ x̂ = 0: eight terms of size below 2 are added in Float before they go on in Double.
  #expect(abs(call.dscale[0]) <= 8 * 2 * 0x1p-24 * Float(m))
  for at in stride(from: 0, to: m, by: 9973) {
    let expected = (Double(x[at]) - mean) / (variance + 1e-5).squareRoot()
    #expect(abs(Double(call.y[at]) - expected) <= 8 * Bounded.u * abs(expected))
  }
  let constant = BatchNormCall(
    [Float](repeating: 0.1, count: m), m, 1, scale: [3], shift: [0.7], dy: ones, threads: 2)
  #expect(constant.y.allSatisfy { $0 == 0.7 })
  var sum: Float = 0
  ek_column_sums(ones, m, 1, 1, &sum)
  #expect(sum == 10_000_000)
}

@Test func emptyInputsWriteNothing() {
  for (m, c) in [(0, 5), (5, 0), (0, 0)] {
    var statistics = [Float](repeating: 7, count: 32)
    var scratch = [Double](repeating: 7, count: 256)
    var y = [Float](repeating: 7, count: 16)
    statistics.withUnsafeMutableBufferPointer { s in
      let view = ek_batch_statistics(
        mean_high: s.baseAddress!, mean_low: s.baseAddress! + 8, variance: s.baseAddress! + 16,
        inverse_deviation: s.baseAddress! + 24)
      let x = [Float](repeating: 1, count: 16)
      var dy = x
      var norm = ek_batch_norm(
        rows: m, features: c, epsilon: 1e-5, scale: nil, shift: nil, activation: EK_RELU, slope: 0, addend: nil,
        past_cache: 0)
      #expect(ek_batch_norm_forward(&norm, x, &y, view, &scratch, 2) == -1)
      ek_batch_norm_apply(&norm, x, &y, view)
      ek_batch_norm_backward(&norm, 0, x, x, &dy, view, nil, nil, &y, &scratch, 2)
    }
    #expect(statistics.allSatisfy { $0 == 7 } && y.allSatisfy { $0 == 7 })
  }
}

/// With ε = 0 what does not vary is normalized to 0: β comes out, and no gradient goes back.
@Test func constantFeaturesGiveTheShiftAndTakeNoGradient() {
  let (m, c) = (40, 19)
  var numbers = Numbers(3)
  let x = numbers.many(m * c).enumerated().map { $0 % c == 4 ? 0.1 : $0 % c == 17 ? -3e7 : $1 }
  let problem = BatchNormProblem(m, c, epsilon: 0, x: x)
  problem.expectAgreement("two constant features")
  for at in x.indices where [4, 17].contains(at % c) {
    #expect(problem.call.y[at] == problem.shift[at % c] && problem.call.dx[at] == 0)
  }
}
