import Evenkeel

/// A network in which the norm gets a feature that is 0 whatever comes in.
package func constantFeatureModel(_ norm: BatchNorm) throws -> Model {
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

/// Examples of two classes for it.
package func constantFeatureExamples(_ count: Int) throws -> Dataset {
  var numbers = Numbers(8)
  return try Dataset(
    numbers.many(3 * count), shape: [3],
    targets: .classes((0..<Int32(count)).map { $0 % 2 }, labels: ["a", "b"]))
}
