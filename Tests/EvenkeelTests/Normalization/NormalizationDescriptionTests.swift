import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Testing

@Test func aNormThatHasNothingToNormalizeIsRefusedWithTheReason() throws {
  func sentence(_ input: Shape, @LayerBuilder _ layers: () -> [any Layer]) -> String {
    do {
      _ = try Network(input: input, layers).outputShape()
      return "no error"
    } catch { return "\(error)" }
  }
  #expect(
    sentence([12]) { GroupNorm(groups: 5) }.contains(
      "Layer 0: groupNorm: groups is 5; expected a number that divides 12 features"))
  #expect(sentence([12]) { GroupNorm(groups: 0) }.contains("groups is 0"))
  #expect(sentence([12]) { GroupNorm(groups: -3) }.contains("groups is -3"))
  #expect(sentence([12]) { GroupNorm(groups: 12) }.contains("one value each"))
  #expect(sentence([2, 12]) { GroupNorm(groups: 12) } == "no error")
  #expect(sentence([12]) { InstanceNorm() }.contains("instanceNorm: expected more than one position"))
  #expect(sentence([1, 1, 12]) { InstanceNorm() }.contains("a value less its own mean is always 0"))
  #expect(sentence([4, 1]) { LayerNorm() }.contains("layerNorm: expected at least 2 features, got [4, 1]"))
  #expect(sentence([4]) { LayerNorm(epsilon: -1) }.contains("layerNorm: epsilon is -1"))
  #expect(sentence([4]) { RMSNorm(epsilon: .nan) }.contains("rmsNorm: epsilon is nan"))
  #expect(sentence([4]) { RMSNorm(scale: false, initialScale: 2) }.contains("rmsNorm: initialScale is 2"))
}

@Test func normsAreWrittenToNetworkFilesAndRead() throws {
  let text = """
    input: [4, 4, 12]
    layers:
      - convolution: {filters: 16, kernel: 3}
      - groupNorm: 4
      - convolution: {filters: 16, kernel: 3}
      - groupNorm: {groups: 2, epsilon: 1e-3, shift: false}
      - instanceNorm
      - rmsNorm: {epsilon: 1e-6}
      - globalAveragePool
      - layerNorm: {scale: false}
    """
  let network = Network(input: [4, 4, 12]) {
    Convolution(16, kernel: 3)
    GroupNorm(groups: 4)
    Convolution(16, kernel: 3)
    GroupNorm(groups: 2, epsilon: 1e-3, shift: false)
    InstanceNorm()
    RMSNorm(epsilon: 1e-6)
    GlobalAveragePool()
    LayerNorm(scale: false)
  }
  try withTemporaryPath(".yaml", containing: text) {
    let read = try Network(contentsOf: $0)
    #expect(read == network)
  }
  #expect(try JSONDecoder().decode(Network.self, from: JSONEncoder().encode(network)) == network)
  for (layer, part) in [
    ("layerNorm: {groups: 2}", "\"groups\" is not an option"), ("rmsNorm: {shift: true}", "\"shift\""),
    ("groupNorm", "needs options"), ("instanceNorm: {affine: true}", "\"affine\""),
  ] {
    let error = #expect(throws: EvenkeelError.self) {
      try withTemporaryPath(".yaml", containing: "input: [4, 4, 12]\nlayers: [\(layer)]\n") {
        try Network(contentsOf: $0)
      }
    }
    #expect(error!.code == .usage && error!.message.contains(part), "\(error!.message)")
  }
}

/// Adding a constant to a feature is undone only by batch and instance norm.
@Test func aBiasIsLeftOutInFrontOfTheNormsThatUndoIt() throws {
  for (norm, hasBias) in [
    (BatchNorm(), false), (InstanceNorm(), false), (LayerNorm(), true), (GroupNorm(groups: 2), true), (RMSNorm(), true),
  ] as [(any Layer, Bool)] {
    let model = try Model(
      Network(input: [4, 3]) {
        Convolution1D(6, kernel: 3)
        [norm]
        Residual(shortcut: .projection) {
          Convolution1D(8, kernel: 1)
          [norm]
        }
      })
    let names = model.parameters.map(\.name)
    #expect(names.contains("0.bias") == hasBias, "\(norm)")
    #expect(names.contains("2.block.0.bias") == hasBias, "\(norm)")
    #expect(names.contains("2.shortcut.0.bias") == hasBias, "\(norm)")
    #expect(names.contains("2.shortcut.1.weight"), "\(norm)")
  }
}

@Test func everyNormOfAPresetIsExchangedAndComesBack() throws {
  let kinds: [(String, String, any Layer.Type)] = [
    ("layer", "layerNorm", LayerNorm.self), ("group", "groupNorm", GroupNorm.self),
    ("group:4", "groupNorm", GroupNorm.self), ("instance", "instanceNorm", InstanceNorm.self),
    ("rms", "rmsNorm", RMSNorm.self),
  ]
  for name in ["resnet20", "vgg11", "mlp"] {
    let preset = try Network(preset: name)
    let normCount = try preset.placed().layers.count { $0.layer is BatchNorm }
    for (text, kind, _) in kinds where text != "instance" || name == "resnet20" {
      let other = try preset.normalized(by: Normalization(named: text))
      let leaves = try other.placed().layers
      #expect(leaves.count { type(of: $0.layer).kind == kind } == normCount, "\(name) \(text)")
      #expect(!leaves.contains { $0.layer is BatchNorm })
      #expect(try other.normalized(by: .batch) == preset, "\(name) \(text)")
      #expect(other.withoutNormalization() == preset.withoutNormalization(), "\(name) \(text)")
      if text == "group" {
        let sizes = leaves.compactMap { leaf in (leaf.layer as? GroupNorm).map { leaf.input.featureCount / $0.groups } }
        #expect(sizes.allSatisfy { $0 >= 2 })
      }
    }
  }
  for (text, norm) in [
    ("ghost:16", BatchNorm(ghostBatch: 16)), ("renorm", BatchNorm(renormalization: Renormalization())),
  ] {
    let preset = try Network(preset: "resnet20")
    let other = try preset.normalized(by: .group(groups: nil)).normalized(by: Normalization(named: text))
    let norms = try other.placed().layers.compactMap { $0.layer as? BatchNorm }
    #expect(norms.count == 21 && norms.allSatisfy { $0 == norm }, "\(text)")
    #expect(try other.normalized(by: .batch) == preset)
  }
  let start = Network(input: [8]) {
    Dense(8)
    BatchNorm(shift: false, initialScale: 0.5)
  }
  #expect(try start.normalized(by: .layer).layers[1] as? LayerNorm == LayerNorm(shift: false, initialScale: 0.5))
}

@Test func aNormalizationIsItsName() throws {
  for form in Normalization.names {
    let name = form.replacing("N", with: "16")
    let normalization = try Normalization(named: name)
    #expect(normalization.name == name)
    let stored = try JSONEncoder().encode([normalization])
    #expect(String(decoding: stored, as: UTF8.self) == "[\"\(name)\"]")
    #expect(try JSONDecoder().decode([Normalization].self, from: stored) == [normalization])
  }
  for text in ["", "batch:3", "ghost", "ghost:", "group:x", "None"] {
    let error = #expect(throws: EvenkeelError.self) { try Normalization(named: text) }
    #expect(error!.message.contains("batch, ghost:N,") && error!.message.contains(" or none."))
  }
}

@Test func foldingLeavesNormsThatDependOnTheExample() throws {
  let network = Network(input: [4, 4, 3]) {
    Convolution(6, kernel: 3)
    BatchNorm()
    ReLU()
    Residual(shortcut: .projection) {
      Convolution(8, kernel: 3)
      GroupNorm(groups: 2)
    }
    ReLU()
    InstanceNorm()
    Flatten()
    Dense(5)
    LayerNorm()
    Dense(3)
    BatchNorm()
  }
  let data = try Dataset(
    wave(24 * 48, 0.9, 1), shape: [4, 4, 3], targets: .classes((0..<24).map { $0 % 3 }, labels: ["a", "b", "c"]))
  var model = try Model(network, seed: 1)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.02), batchSize: 8).fit(
    &model, to: data, epochs: 3)
  let folded = try model.folded()
  let kinds = try folded.network.placed().layers.map { type(of: $0.layer).kind }
  #expect(!kinds.contains("batchNorm"))
  #expect(kinds.count { $0 == "groupNorm" } == 2 && kinds.contains("layerNorm") && kinds.contains("instanceNorm"))
  for (before, after) in zip(try model.predict(data).values, try folded.predict(data).values) {
    #expect(abs(before - after) <= 1e-5)
  }
}

@Test func aBlockWhoseShortcutWouldTakeAnotherNormIsNotFolded() throws {
  let model = try Model(
    Network(input: [4]) {
      Residual(shortcut: .projection) {
        Dense(6)
        LayerNorm()
        Dense(6)
        BatchNorm()
      }
    })
  let error = #expect(throws: EvenkeelError.self) { try model.folded() }
  #expect(error!.code == .usage && error!.message.contains("Layer 0 (residual) cannot be folded"))
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"), arguments: ["layer", "group", "rms"])
func aNetworkWithNormsOfAnExampleLearnsMNISTFromBatchesOfFour(normalization: String) throws {
  let digits = try Dataset.idx(at: dataFolder! + "/mnist")
  let network = try Network.multilayer(input: 784, hidden: [64, 64], outputs: 10, activation: .relu)
    .normalized(by: Normalization(named: normalization))
  var model = try Model(network, seed: 1)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: 0.005), batchSize: 4, seed: 1).fit(
    &model, to: digits.training.subset(0..<12_000), epochs: 1)
  #expect(try model.evaluate(digits.test).accuracy! >= 0.93)
}
