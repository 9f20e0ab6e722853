import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Synchronization
import Testing

/// y = w x per feature: a layer as a user of the library writes one.
private struct Gain: Layer {
  static let kind = "gain"
  var start: Float = 1

  func parameters(for input: Shape) throws -> [ParameterDescription] {
    [ParameterDescription(name: "weight", shape: [input.featureCount], role: .weight, start: .constant(start))]
  }

  func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    GainOperation(features: site.input.featureCount, scratchCount: site.maximumRows * site.input.count)
  }
}

/// Keeps its input in scratch, so that output and input may be one buffer.
private struct GainOperation: LayerOperation {
  static let commits = Mutex(0)
  let features: Int
  let scratchCount: Int
  var backwardReads: BackwardReads { [] }
  var worksInPlace: Bool { true }
  var backwardWorksInPlace: Bool { true }

  func forward(_ pass: Pass) {
    for index in 0..<pass.rows * pass.inputLength {
      pass.scratch[index] = pass.input[index]
      pass.output[index] = pass.parameter(0)[index % features] * pass.scratch[index]
    }
  }

  func backward(_ pass: Pass) {
    let gradient = pass.outputGradient!
    for feature in 0..<features {
      var sum: Float = 0
      for index in stride(from: feature, to: pass.rows * pass.inputLength, by: features) {
        sum += gradient[index] * pass.scratch[index]
      }
      pass.parameterGradient(0)[feature] = sum
    }
    guard let inputGradient = pass.inputGradient else { return }
    for index in 0..<pass.rows * pass.inputLength {
      inputGradient[index] = gradient[index] * pass.parameter(0)[index % features]
    }
  }

  func commit(_ pass: Pass) { Self.commits.withLock { $0 += 1 } }
}

/// A layer that no file may name.
private struct Unregistered: Layer, LayerOperation {
  static let kind = "unregistered"
  func forward(_ pass: Pass) {}
  func backward(_ pass: Pass) {}
}

private let gains: [Float] = [2, -0.5, 4, 1]
private let rate = 0x1p10
private let data = try! Dataset(
  wave(90, 1.3, 1), shape: [3], targets: .classes((0..<30).map { Int32($0 % 3) }, labels: ["a", "b", "c"]))

/// The gradients that one step of gradient descent shows.
private func gradients(_ model: Model) throws -> [String: [Double]] {
  var after = model
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: rate), batchSize: 30).fit(
    &after, to: data, epochs: 1)
  return Dictionary(
    uniqueKeysWithValues: zip(model.parameters, after.parameters).map { old, new in
      (old.name, zip(old.values.values, new.values.values).map { (Double($0) - Double($1)) / rate })
    })
}

@Test func aLayerOfOnesOwnTakesPartInForwardAndBackward() throws {
  let (first, last) = (wave(12, 1, 1), wave(12, 2, 1))
  func model(@LayerBuilder _ layers: () -> [any Layer]) throws -> Model {
    try Model(
      Network(input: [3]) {
        Dense(4)
        layers()
        Dense(3)
      })
  }
  var with = try model { Residual { Gain() } }
  try with.setParameter("0.weight", to: Tensor(first, shape: [4, 3]))
  try with.setParameter("1.block.0.weight", to: Tensor(gains, shape: [4]))
  try with.setParameter("2.weight", to: Tensor(last, shape: [3, 4]))
  // The same function without it: its gain, and the residual's 1, go into the columns of the last weights.
  var without = try model {}
  try without.setParameter("0.weight", to: Tensor(first, shape: [4, 3]))
  try without.setParameter("1.weight", to: Tensor((0..<12).map { last[$0] * (1 + gains[$0 % 4]) }, shape: [3, 4]))
  let (one, other) = (try gradients(with), try gradients(without))
  // Thirty terms of size 1/30 and their neighbors' roundings, then p − r g with p of size 1.
  let bound = 100 * Bounded.u
  func compare(_ actual: [Double], _ expected: [Double], _ what: String) {
    expect(actual, near: expected.map { Bounded($0, error: bound) }, what)
  }
  compare(one["0.weight"]!, other["0.weight"]!, "before it")
  compare(one["2.weight"]!, (0..<12).map { other["1.weight"]![$0] * Double(1 + gains[$0 % 4]) }, "behind it")
  var own = [Double](repeating: 0, count: 4)
  for index in 0..<12 { own[index % 4] += other["1.weight"]![index] * Double(last[index]) }
  compare(one["1.block.0.weight"]!, own, "its own")
}

@Test func aLayerOfOnesOwnIsStoredAndReadByItsKind() throws {
  LayerRegistry.register(Gain.self)
  let network = Network(input: [3]) {
    Gain(start: 2)
    Dense(4)
    BatchNorm()
    Gain()
    Dense(3)
  }
  var model = try Model(network)
  #expect(model.parameters[0].values.values == [2, 2, 2])
  let before = GainOperation.commits.withLock { $0 }
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(weightDecay: 0.1), batchSize: 10).fit(
    &model, to: data, epochs: 2)
  #expect(GainOperation.commits.withLock { $0 } - before >= 12)
  try withTemporaryPath { path in
    try model.write(to: path)
    let read = try Model(contentsOf: path)
    #expect(read.network == network)
    #expect(read.parameters.map(\.values) == model.parameters.map(\.values))
    #expect(try read.predict(data) == model.predict(data))
  }
  let text =
    "input: [3]\nlayers:\n  - gain: {start: 2}\n  - dense: 4\n  - batchNorm: {}\n  - gain: {start: 1}\n  - dense: 3\n"
  #expect(try withTemporaryPath(".yaml", containing: text) { try Network(contentsOf: $0) } == network)
}

@Test func aLayerThatWasNotRegisteredIsNamed() throws {
  let model = try Model(
    Network(input: [3]) {
      Unregistered()
      Dense(2)
    })
  try withTemporaryPath { path in
    try model.write(to: path)
    let error = #expect(throws: EvenkeelError.self) { try Model(contentsOf: path) }
    #expect(error?.code == .data && error?.message.contains("\"unregistered\" is not a layer") == true)
  }
}
