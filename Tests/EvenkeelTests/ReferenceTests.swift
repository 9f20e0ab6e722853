import Evenkeel
import Testing

/// The reference is checked by itself: its gradients against central differences of its own loss, in Double.
private func expectGradientsToBeSlopes(_ model: Model, rows: Int, _ loss: ReferenceLoss, _ targets: [Double]) throws {
  var numbers = Numbers(rows)
  let network = try ReferenceNetwork(model)
  for norm in network.norms.values {
    for feature in norm.runningMean.indices {
      norm.runningMean[feature] = Bounded(Double(numbers.next()))
      norm.runningVariance[feature] = Bounded(1.5 + Double(numbers.next()))
    }
  }
  let x = Matrix(rows, model.network.input.count, numbers.many(rows * model.network.input.count))
  for name in network.parameters.keys.sorted() {
    network.parameters[name] = network.parameters[name]!.map { _ in Bounded(Double(numbers.next())) }
  }
  for dropout in network.dropouts { dropout.mask = (0..<rows * 64).map { _ in numbers.next() > -0.4 } }
  _ = network.step(x, loss, targets)
  let (start, gradients) = (network.parameters, network.gradients)
  // The loss has some 15 digits, so a difference over 2e-6 has an error of some 1e-9; the third derivative adds less.
  let h = 1e-6
  for name in start.keys.sorted() {
    let direction = start[name]!.map { _ in Double(numbers.next()) }
    func lossAt(_ distance: Double) -> Double {
      network.parameters[name] = zip(start[name]!, direction).map { Bounded($0.value + distance * $1) }
      return loss.evaluate(network.forward(x, training: true), targets).mean.value
    }
    let slope = (lossAt(h) - lossAt(-h)) / (2 * h)
    network.parameters[name] = start[name]
    let expected = zip(gradients[name]!, direction).reduce(0) { $0 + $1.0.value * $1.1 }
    let size = zip(gradients[name]!, direction).reduce(0) { $0 + abs($1.0.value * $1.1) }
    #expect(abs(slope - expected) <= 1e-8 * (1 + size), "\(name): \(slope) instead of \(expected)")
  }
}

@Test(arguments: LayerCase.all)
func theReferencesGradientsAreTheSlopesOfItsLoss(layerCase: LayerCase) throws {
  for (rows, units) in [(3, 4), (9, 5)] {
    let model = try Model(layerCase.network(inputs: 6, units: units, outputs: 3))
    let targets = (0..<rows * 3).map { $0 % 3 == $0 / 3 % 3 ? 1.0 : 0 }
    try expectGradientsToBeSlopes(model, rows: rows, .softmax(smoothing: 0), targets)
  }
}

@Test(arguments: [
  ReferenceLoss.softmax(smoothing: 0), .softmax(smoothing: 0.1), .sigmoid, .squared, .huber(delta: 0.3),
])
func theReferencesLossesAndDropoutHaveTheirSlopesAsGradients(loss: ReferenceLoss) throws {
  let model = try Model(
    Network(input: [4]) {
      Dense(6)
      Dropout(0.3)
      BatchNorm()
      Dense(3)
    })
  var targets = [Double](repeating: 0, count: 21)
  for row in 0..<7 { for output in 0..<3 where loss.takesValues || output == row % 3 { targets[row * 3 + output] = 1 } }
  if loss.takesValues { targets = targets.indices.map { Double($0) / 21 } }
  try expectGradientsToBeSlopes(model, rows: 7, loss, targets)
}

/// Formulae are easily wrong in the same way twice: a few values from tables.
@Test func theReferencesFunctionsHaveTheirKnownValues() {
  func check(_ layer: any Layer, _ x: Double, _ y: Double) {
    #expect(abs(ReferenceFunction(layer)!.value(x) - y) < 5e-10, "\(type(of: layer).kind)(\(x))")
  }
  check(ReLU(), -1, 0)
  check(LeakyReLU(slope: 0.5), -1, -0.5)
  check(ELU(alpha: 1), -1, -0.6321205588)
  // 1.5 Φ(1.5) with Φ(1.5) = 0.9331927987 (Abramowitz and Stegun, table 26.1).
  check(GELU(), 1.5, 1.3997891981)
  check(SiLU(), 1, 0.7310585786)
  check(Sigmoid(), 2, 0.8807970780)
  check(Tanh(), 0.5, 0.4621171573)
  check(Softplus(), 0, 0.6931471806)
  check(Mish(), 1, 0.8650983883)
  check(Mish(), -0.5, -0.2207437747)
}

extension ReferenceLoss {
  var takesValues: Bool { if case .softmax = self { false } else { true } }
}
