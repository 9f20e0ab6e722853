import Evenkeel
import EvenkeelReference
import Testing

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
