import Evenkeel
import EvenkeelLab
import EvenkeelReference
import Testing

/// A network in which the norm gets a feature that is 0 whatever comes in.
private func model(_ norm: BatchNorm) throws -> Model {
  let network = Network(input: [3]) {
    Dense(5)
    norm
    Tanh()
    Dense(2)
  }
  var model = try Model(network, seed: 1)
  var weight = model.parameters.first { $0.name == "0.weight" }!.values
  for input in 0..<3 { weight.values[2 * 3 + input] = 0 }
  try model.setParameter("0.weight", to: weight)
  return model
}

private func examples(_ count: Int) throws -> Dataset {
  var numbers = Numbers(8)
  return try Dataset(
    numbers.many(3 * count), shape: [3],
    targets: .classes((0..<Int32(count)).map { $0 % 2 }, labels: ["a", "b"]))
}

@Test func productsOfTheHessianAreFiniteWhereAUnitIsConstant() throws {
  let model = try model(BatchNorm(epsilon: 0))
  let surface = try LossSurface(model, examples: try examples(32), loss: .softmaxCrossEntropy)
  let hessian = try Hessian(of: surface)
  let engine = try surface.gradient(at: surface.point)
  #expect(zip(hessian.gradient, engine.gradient).allSatisfy { abs($0 - $1) <= 1e-6 })
  let product = try hessian.times([Float](repeating: 1, count: surface.count))
  #expect(product.allSatisfy { $0.isFinite })
}
