import Evenkeel
import Glibc
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
    expect(values, near: pyTorchStep[name]!.map { Bounded($0, error: 32 * Bounded.u * (1 + abs($0))) }, name)
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

/// BN(aW) = BN(W) and ∇_{aW} = ∇_W / a (Ioffe and Szegedy 2015, §3.3); exact for ε = 0 and powers of two.
@Test(arguments: [Float(0.125), 4, 1024])
func theScaleOfTheWeightsChangesNothingButTheirGradient(factor: Float) throws {
  let rate = 0x1p10
  func step(_ factor: Float) throws -> (loss: Double, before: Model, after: Model) {
    var numbers = Numbers(3)
    var model = try Model(
      Network(input: [6]) {
        Dense(17)
        BatchNorm(epsilon: 0)
        ReLU()
        Dense(3)
      })
    try model.setParameter("0.weight", to: Tensor(numbers.many(17 * 6).map { factor * $0 }, shape: [17, 6]))
    try model.setParameter("3.weight", to: Tensor(numbers.many(3 * 17), shape: [3, 17]))
    let before = model
    let history = try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: rate), batchSize: 40
    ).fit(
      &model,
      to: Dataset(
        numbers.many(40 * 6), shape: [6], targets: .classes((0..<40).map { Int32($0 % 3) }, labels: ["a", "b", "c"])),
      epochs: 1)
    return (history.epochs[0].trainLoss, before, model)
  }
  let (plain, scaled) = (try step(1), try step(factor))
  #expect(scaled.loss == plain.loss)
  for (one, other) in zip(plain.after.parameters, scaled.after.parameters) where one.name != "0.weight" {
    #expect(one.values == other.values)
  }
  func gradient(_ run: (loss: Double, before: Model, after: Model), _ index: Int) -> Bounded {
    let (old, new) = (
      Double(run.before.parameters[0].values.values[index]), Double(run.after.parameters[0].values.values[index])
    )
    return Bounded((old - new) / rate, error: 2 * Bounded.u * (abs(old) + abs(new)) / rate)
  }
  for index in 0..<17 * 6 {
    let (one, other) = (gradient(plain, index), gradient(scaled, index))
    let a = Double(factor)
    #expect(abs(one.value - a * other.value) <= one.error + a * other.error)
  }
}

@Test func aBiasBeforeANormChangesNeitherLossNorGets() throws {
  var numbers = Numbers(6)
  let data = try Dataset(
    numbers.many(50 * 6), shape: [6], targets: .classes((0..<50).map { Int32($0 % 3) }, labels: ["a", "b", "c"]))
  func step(bias: Float) throws -> (loss: Double, gradients: [Double]) {
    var model = try Model(
      Network(input: [6]) {
        Dense(17, bias: .present)
        BatchNorm()
        Tanh()
        Dense(3)
      }, seed: 2)
    try model.setParameter("0.bias", to: Tensor([Float](repeating: bias, count: 17), shape: [17]))
    let before = model
    let history = try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0x1p20), batchSize: 50
    ).fit(&model, to: data, epochs: 1)
    let (old, new) = (before.parameters[1], model.parameters[1])
    #expect(old.name == "0.bias")
    return (
      history.epochs[0].trainLoss, zip(old.values.values, new.values.values).map { Double($0 - $1) / 0x1p20 }
    )
  }
  let (plain, shifted) = (try step(bias: 0), try step(bias: 8))
  // z near 8 has a unit in the last place of 2⁻²⁰; the loss changes by no more than that, times some terms of size 1.
  #expect(abs(plain.loss - shifted.loss) <= 8 * 0x1p-20)
  // Fifty gradients of size 1/50 that cancel.
  #expect(plain.gradients.allSatisfy { abs($0) <= 50 * Bounded.u })
}

@Test func anAxisOfOneChangesNothing() throws {
  var numbers = Numbers(9)
  let values = numbers.many(30 * 8)
  let targets = Targets.classes((0..<30).map { Int32($0 % 2) }, labels: ["a", "b"])
  var results: [[[Float]]] = []
  for shape: Shape in [[8], [1, 8], [1, 1, 8]] {
    var model = try Model(
      Network(input: shape) {
        BatchNorm()
        GELU()
        Flatten()
        Dense(2)
      }, seed: 4)
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 15).fit(
      &model, to: Dataset(values, shape: [8], targets: targets), epochs: 3)
    results.append(
      model.parameters.map(\.values.values)
        + model.runningStatistics.flatMap { [$0.statistics.mean, $0.statistics.variance] })
  }
  #expect(results[1] == results[0] && results[2] == results[0])
}
