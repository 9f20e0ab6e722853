import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

/// A preset with weights, γ, β and running statistics from the fixed sequence.
private func fixedModel(_ preset: String) throws -> Model {
  var model = try Model(try Network(preset: preset))
  var offset = 0
  for (name, role, values) in model.parameters where role == .weight {
    let count = values.shape.count
    let size = (6 / Float(count / values.shape.dimensions[0])).squareRoot()
    try model.setParameter(
      name, to: Tensor((0..<count).map { (2 * number(offset + $0) - 1) * size }, shape: values.shape))
    offset += count
  }
  for (index, name) in model.runningStatistics.map(\.name).sorted().enumerated() {
    let features = model.runningStatistics.first { $0.name == name }!.statistics.mean.count
    func values(_ part: Int, from least: Float) -> Tensor {
      Tensor((0..<features).map { number(2_000_003 + 10_000 * index + 2_000 * part + $0) + least }, shape: [features])
    }
    try model.setParameter(name + ".weight", to: values(0, from: 0.5))
    try model.setParameter(name + ".bias", to: values(1, from: -0.5))
    try model.setBuffer(name + ".running_mean", to: values(2, from: -0.5))
    try model.setBuffer(name + ".running_var", to: values(3, from: 0.5))
  }
  return model
}

private func rows(_ count: Int, for model: Model) -> Tensor {
  Tensor(
    (0..<count * model.network.input.count).map { number(1_000_003 + $0) },
    shape: Shape([count] + model.network.input.dimensions))
}

/// What forward hooks of PyTorch saw.
private struct GoldenActivations: Decodable {
  let rows: Int
  let mode: NormalizationMode
  /// By the module's path: mean, deviation and some values of its output.
  let layers: [String: [Double]]

  private struct File: Decodable {
    let networks: [String: [GoldenActivations]]
  }

  static let all = Fixture.json("activations.json", as: File.self).networks
}

@Test(arguments: ["mlp", "lenet", "resnet20"])
func activationsAreWhatPyTorchsHooksSee(preset: String) throws {
  let model = try fixedModel(preset)
  for golden in GoldenActivations.all[preset]! {
    let activations = try model.activations(of: rows(golden.rows, for: model), mode: golden.mode)
    #expect(Set(activations.map(\.path)) == Set(golden.layers.keys))
    #expect(activations.count == golden.layers.count)
    for activation in activations {
      let (values, expected) = (activation.values.values, golden.layers[activation.path]!)
      let count = Double(values.count)
      let mean = values.reduce(0) { $0 + Double($1) } / count
      let deviation = (values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count).squareRoot()
      let step = max(1, values.count / 8)
      let samples = stride(from: 0, to: values.count, by: step).prefix(8).map { Double(values[$0]) }
      for (ours, theirs) in zip([mean, deviation] + samples, expected) {
        #expect(
          abs(ours - theirs) < 1e-5 * (expected[1] + abs(theirs)) + 1e-6,
          "\(golden.mode), \(golden.rows) rows, layer \(activation.path)")
      }
    }
  }
}

/// A norm in the middle of convolutions, one after a dense layer, and a block with a projection.
private func smallNetwork() -> Network {
  Network(input: [6, 6, 1]) {
    Convolution(4, kernel: 3)
    BatchNorm(epsilon: 1e-3)
    ReLU()
    Residual(shortcut: .projection) {
      Convolution(6, kernel: 3, stride: 2)
      BatchNorm()
    }
    ReLU()
    Flatten()
    Dense(5)
    BatchNorm(scale: false)
    Tanh()
    Dense(3)
  }
}

@Test(arguments: [NormalizationMode.running, .own])
func activationsAreThoseOfTheReference(mode: NormalizationMode) throws {
  let network = smallNetwork()
  var model = try Model(network, seed: 3)
  for (name, statistics) in model.runningStatistics {
    let count = statistics.mean.count
    try model.setBuffer(name + ".running_mean", to: Tensor((0..<count).map { number($0) - 0.5 }, shape: [count]))
    try model.setBuffer(name + ".running_var", to: Tensor((0..<count).map { number($0 + 50) + 0.5 }, shape: [count]))
  }
  let rows = rows(4, for: model)
  let activations = try model.activations(of: rows, mode: mode)
  for end in 1...network.layers.count {
    // The first layers are a network of their own.
    var first = try Model(Network(input: network.input, layers: LayerList(Array(network.layers.prefix(end)))))
    let names = Set(model.parameters.map(\.name))
    for (name, _, values) in first.parameters {
      try first.setParameter(
        name,
        to: names.contains(name)
          ? model.parameters.first { $0.name == name }!.values
          : Tensor(values.values.map { _ in 0 }, shape: values.shape))
    }
    for (name, statistics) in model.runningStatistics where first.runningStatistics.contains(where: { $0.name == name })
    {
      let shape = Shape([statistics.mean.count])
      try first.setBuffer(name + ".running_mean", to: Tensor(statistics.mean, shape: shape))
      try first.setBuffer(name + ".running_var", to: Tensor(statistics.variance, shape: shape))
    }
    let reference = try ReferenceNetwork(first).forward(
      Matrix(4, network.input.count, rows.values), training: mode == .own)
    let activation = try #require(activations.first { $0.path == String(end - 1) })
    expect(activation.values.values, near: reference.values, "layer \(end - 1) \(mode)")
  }
}

@Test func aNormTellsWhatItGotAndWhatItDid() throws {
  let model = try fixedModel("lenet")
  let rows = rows(2, for: model)
  for mode in NormalizationMode.allCases {
    let activations = try model.activations(of: rows, mode: mode)
    for (before, activation) in zip(activations, activations.dropFirst()) {
      guard let norm = activation.norm else { continue }
      #expect(norm.mode == mode)
      #expect(norm.input == before.values)
      let channels = norm.running.mean.count
      for channel in 0..<channels {
        let x = stride(from: channel, to: norm.input.values.count, by: channels).map { Double(norm.input.values[$0]) }
        let y = stride(from: channel, to: norm.input.values.count, by: channels).map { activation.values.values[$0] }
        let mean = x.reduce(0, +) / Double(x.count)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        let own = try #require(norm.own)
        #expect(abs(own.mean(channel) - mean) < 1e-6 * (1 + abs(mean)))
        #expect(abs(own.variance(channel) - variance) < 1e-5 * (variance + 1e-6))
        let (center, spread) =
          mode == .own ? (mean, variance) : (Double(norm.running.mean[channel]), Double(norm.running.variance[channel]))
        for (x, y) in zip(x, y) {
          let hat = (x - center) / (spread + norm.epsilon).squareRoot()
          let expected = mode == .none ? x : Double(norm.scale![channel]) * hat + Double(norm.shift![channel])
          #expect(abs(Double(y) - expected) < 1e-4 * (1 + abs(expected)))
        }
      }
    }
  }
}

@Test func aChannelOfOneValueHasNoStatisticsOfItsOwn() throws {
  let model = try fixedModel("mlp")
  let one = rows(1, for: model)
  let own = try model.activations(of: one, mode: .own)
  let running = try model.activations(of: one)
  for (own, running) in zip(own, running) {
    #expect(own.values == running.values)
    guard let norm = own.norm else { continue }
    #expect(norm.own == nil)
    #expect(norm.mode == .running)
  }
}

@Test(arguments: ["mlp", "lenet", "resnet20"])
func theLastActivationsAreThePrediction(preset: String) throws {
  let model = try fixedModel(preset)
  let rows = rows(3, for: model)
  let predicted = try model.predictInDouble(Dataset(rows.values, shape: model.network.input))
  for (ours, theirs) in zip(model.predictions(of: try model.activations(of: rows)), predicted) {
    #expect(abs(ours - theirs) < 1e-4 * (1 + abs(theirs)))
  }
}

@Test func ownStatisticsKnowNoRenormalization() throws {
  let renormalized = Network(input: [4]) {
    Dense(3)
    BatchNorm(renormalization: Renormalization())
  }
  let plain = Network(input: [4]) {
    Dense(3)
    BatchNorm()
  }
  let rows = Tensor((0..<20).map { number($0) }, shape: [5, 4])
  let values = try [renormalized, plain].map { try Model($0, seed: 1).activations(of: rows, mode: .own).map(\.values) }
  #expect(values[0] == values[1])
}

@Test func activationsOfTheWrongRowsAreAnError() throws {
  let model = try fixedModel("mlp")
  expectError("Expected rows of 784 values") {
    _ = try model.activations(of: Tensor([0, 0, 0], shape: [1, 3]))
  }
  expectError("nan") {
    _ = try model.activations(of: Tensor(Array(repeating: .nan, count: 784), shape: [1, 784]))
  }
}
