import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Kernels
import Testing

@Test func theInputGradientSumsToZeroAndItsPartAlongTheNormalizedInputIsEpsilons() {
  for epsilon in [0, 1e-5, 0.01, 1] {
    let p = BatchNormProblem(500, 12, epsilon: epsilon)
    for feature in 0..<p.c {
      let r = p.reference.norm.inverse[feature].value
      let normalized = { p.reference.norm.normalized.values[$0].value }
      let bound = { p.reference.dx[$0].error }
      #expect(abs(p.sum(feature) { Double(p.call.dx[$0]) }) <= p.sum(feature, bound))
      let along = p.sum(feature) { Double(p.call.dx[$0]) * normalized($0) }
      let dscale = p.sum(feature) { Double(p.dy[$0]) * normalized($0) }
      let expected = Double(p.scale[feature]) * r * dscale * epsilon * r * r
      #expect(abs(along - expected) <= p.sum(feature) { abs(normalized($0)) * bound($0) })
    }
  }
}

/// ‖dx‖² = γ² r² (‖dy‖² − (Σdy)²/m − (Σdy x̂)²/m) at ε = 0: the equality behind Theorem 4.1 of Santurkar et al. 2018.
@Test func normalizationTakesTwoDirectionsOutOfTheGradient() {
  let p = BatchNormProblem(64, 21, epsilon: 0)
  for feature in 0..<p.c {
    let gain = Double(p.scale[feature]) * p.reference.norm.inverse[feature].value
    let dy = { Double(p.dy[$0]) }
    let plain = p.sum(feature, dy)
    let weighted = p.sum(feature) { dy($0) * p.reference.norm.normalized.values[$0].value }
    let all = p.sum(feature) { dy($0) * dy($0) }
    let left = p.sum(feature) { Double(p.call.dx[$0]) * Double(p.call.dx[$0]) }
    let expected = gain * gain * (all - (plain * plain + weighted * weighted) / Double(p.m))
    #expect(abs(left - expected) <= p.sum(feature) { 2 * abs(Double(p.call.dx[$0])) * p.reference.dx[$0].error })
  }
}

@Test func givenStatisticsPassTheGradientStraightThrough() {
  let (m, c) = (20, 19)
  var numbers = Numbers(8)
  let (x, dy, scale) = (numbers.many(m * c), numbers.many(m * c), numbers.many(c))
  let given = (mean: numbers.many(c), variance: numbers.many(c).map { abs($0) })
  let call = BatchNormCall(x, m, c, scale: scale, shift: nil, dy: dy, given: given)
  for at in 0..<m * c {
    let expected = Double(scale[at % c]) / (Double(given.variance[at % c]) + 1e-5).squareRoot() * Double(dy[at])
    #expect(abs(Double(call.dx[at]) - expected) <= 4 * Bounded.u * abs(expected))
  }
}

@Test func outputsAreAsPyTorchsAndSoAreGradients() {
  let (m, c) = (6, 5)
  let call = BatchNormCall(
    wave(m * c, 0.7, 2, 3), m, c, scale: wave(c, 1.3, 1.5), shift: wave(c, 1.7, 0.5), dy: wave(m * c, 1.9, 1))
  // The stored numbers have nine digits; sums of six terms of size 1 and the scaling by γ/σ < 2 round.
  func compare(_ values: [Float], _ name: String) {
    expect(values, near: OtherPrograms.all.step[name]!.map { Bounded($0, error: 32 * Bounded.u * (1 + abs($0))) }, name)
  }
  compare(call.y, "y")
  compare(call.dx, "dx")
  compare(call.dscale, "dscale")
  compare(call.dshift, "dshift")
}

@Test func theOrderOfTheBatchChangesNothingButTheOrder() {
  let p = BatchNormProblem(61, 21)
  func reversed(_ values: [Float]) -> [Float] { (0..<p.m).reversed().flatMap { values[$0 * p.c..<($0 + 1) * p.c] } }
  let other = BatchNormCall(reversed(p.x), p.m, p.c, scale: p.scale, shift: p.shift, dy: reversed(p.dy))
  expect(reversed(other.y), near: p.reference.y, "y")
  expect(reversed(other.dx), near: p.reference.dx, "dx")
  expect(other.dscale, near: p.reference.dscale!, "dγ")
  expect(other.dshift, near: p.reference.dshift!, "dβ")
}

@Test(arguments: [Float(64), -4096])
func aShiftOfTheInputChangesNothing(shift: Float) {
  let p = BatchNormProblem(60, 21)
  // Numbers of few digits, so that the shifted ones are exact.
  let x = p.x.map { ($0 * 1024).rounded() / 1024 }
  let reference = BatchNormReference(x, p.m, p.c, scale: p.scale, shift: p.shift, dy: p.dy)
  let moved = BatchNormCall(x.map { $0 + shift }, p.m, p.c, scale: p.scale, shift: p.shift, dy: p.dy)
  expect(moved.y, near: reference.y, "y")
  expect(moved.dx, near: reference.dx, "dx")
}
