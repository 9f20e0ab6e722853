import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Testing

/// Two classes that two of six features tell apart; `change` alters an example's values before they are stored.
private func examples(
  _ count: Int, seed: UInt64 = 1, change: (inout [Float]) -> Void = { _ in }
) throws -> Dataset {
  var random = RandomNumbers(RandomKey(seed: seed))
  var values: [Float] = []
  var labels: [Int32] = []
  for _ in 0..<count {
    var row = (0..<6).map { _ in Float(random.normal()) }
    labels.append(row[0] + row[1] > 0 ? 1 : 0)
    change(&row)
    values += row
  }
  return try Dataset(values, shape: [6], targets: .classes(labels, labels: ["a", "b"]))
}

private let network = Network(input: [6]) {
  Dense(8)
  BatchNorm()
  ReLU()
  Dense(8)
  BatchNorm()
  ReLU()
  Dense(2)
}

private func trained(
  _ network: Network = network, batchSize: Int = 64, on data: Dataset? = nil,
  optimizer: Optimizer = .adam(learningRate: 0.01)
) throws -> Model {
  var model = try Model(network, seed: 1)
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: optimizer, batchSize: batchSize, seed: 1, threads: 1)
  try trainer.fit(&model, to: data ?? examples(2_000), epochs: 3)
  return model
}

extension Diagnosis {
  /// Every finding as "severity kind layer".
  fileprivate var list: [String] { findings.map { "\($0.severity) \($0.kind) \($0.layer)" } }

  fileprivate func finding(_ kind: Finding.Kind, _ layer: String) throws -> Finding {
    try #require(findings.first { $0.kind == kind && $0.layer == layer }, "\(list)")
  }
}

@Test func aHealthyModelHasNoFindingsWithoutDataAndWithDataOfItsKind() throws {
  let model = try trained()
  #expect(try model.diagnose().list == [])
  let diagnosis = try model.diagnose(on: examples(2_000, seed: 2))
  #expect(diagnosis.list == [])
  #expect(diagnosis.norms.map(\.layer) == ["1", "4"])
  let comparison = try #require(diagnosis.comparison)
  // 2,000 examples in batches of 64 at most are 32 batches of 62 or 63.
  #expect(comparison.batchSize == 62)
  let quality = try model.evaluate(examples(2_000, seed: 2))
  #expect(comparison.running.accuracy == quality.accuracy && abs(comparison.running.loss - quality.loss) < 1e-6)
  #expect(diagnosis.norms.allSatisfy { $0.measured!.shift.meanShift < 0.3 && $0.measured!.openShare! > 0.2 })
}

@Test func diagnosingChangesNothing() throws {
  let model = try trained()
  let before = (model.parameters.map(\.values), model.runningStatistics.map(\.statistics))
  _ = try model.diagnose(on: examples(300, seed: 2))
  #expect(before.0 == model.parameters.map(\.values) && before.1 == model.runningStatistics.map(\.statistics))
}

@Test func aModelThatWasNeverTrainedIsIllAtEveryNorm() throws {
  #expect(try Model(network).diagnose().list == ["illness neverUpdated 1", "illness neverUpdated 4"])
  let frozen = Network(input: [6]) {
    Dense(8)
    BatchNorm(frozen: true)
    ReLU()
    Dense(2)
  }
  let diagnosis = try trained(frozen).diagnose()
  #expect(diagnosis.list == ["illness neverUpdated 1"])
  #expect(diagnosis.findings[0].cause.contains("frozen"))
}

@Test func featuresThatAreConstantInTheDataAreNamed() throws {
  let normFirst = Network(input: [6]) {
    BatchNorm()
    Dense(8)
    BatchNorm()
    ReLU()
    Dense(2)
  }
  let model = try trained(
    normFirst,
    on: examples(2_000) {
      $0[3] = 7; $0[5] = 0
    })
  let diagnosis = try model.diagnose()
  #expect(diagnosis.list == ["warning constantFeatures 0", "note standardizedInput 0"])
  #expect(diagnosis.findings[0].features == [3, 5])
  #expect(diagnosis.findings[0].cause.hasPrefix("2 of 6 features"))
}

@Test func varianceBelowEpsilonIsNamed() throws {
  var network = Array(network.layers)
  network[1] = BatchNorm(epsilon: 1e3)
  #expect(try trained(Network(input: [6], layers: network)).diagnose().list == ["illness constantFeatures 1"])
  network[1] = BatchNorm(epsilon: 10)
  let dominated = try trained(Network(input: [6], layers: network)).diagnose().finding(.epsilonDominates, "1")
  #expect(dominated.severity == .warning && dominated.features.count > 4)
  #expect(dominated.numbers["epsilon"] == 10 && dominated.numbers["medianVariance"]! < 10)
}

@Test func aScaleOfZeroIsADeadFeatureAndAllOfThemAnIllness() throws {
  var model = try trained()
  var scale = try #require(model.parameters.first { $0.name == "4.weight" }).values
  (scale.values[2], scale.values[6]) = (0, -1e-4)
  try model.setParameter("4.weight", to: scale)
  let some = try model.diagnose()
  #expect(some.list == ["warning deadScale 4"])
  #expect(some.findings[0].features == [2, 6])
  scale.values = scale.values.map { _ in 0 }
  try model.setParameter("4.weight", to: scale)
  #expect(try model.diagnose().list == ["illness deadScale 4"])
}

@Test func aBlockThatStartsFromItsShortcutIsNotDead() throws {
  let residual = Network(input: [6]) {
    Dense(8)
    BatchNorm()
    ReLU()
    Residual {
      Dense(8)
      BatchNorm()
      ReLU()
      Dense(8)
      BatchNorm(initialScale: 0)
    }
    ReLU()
    Dense(2)
  }
  #expect(try Model(residual).diagnose().list.allSatisfy { $0.contains("neverUpdated") })
  var model = try trained(residual)
  #expect(try model.diagnose(on: examples(2_000, seed: 2)).list == [])
  var scale = try #require(model.parameters.first { $0.name == "3.block.4.weight" }).values
  scale.values[0] = 0
  try model.setParameter("3.block.4.weight", to: scale)
  #expect(try model.diagnose().list == ["note deadScale 3.block.4"])
}

@Test func aShiftFarBelowZeroClosesTheReLUAsComputedAndAsCounted() throws {
  var model = try trained()
  var shift = try #require(model.parameters.first { $0.name == "1.bias" }).values
  shift.values[5] = -10
  try model.setParameter("1.bias", to: shift)
  let computed = try model.diagnose()
  #expect(computed.list == ["warning closedActivation 1"])
  #expect(computed.findings[0].features == [5] && computed.findings[0].numbers["measured"] == 0)
  #expect(computed.findings[0].numbers["largestShare"]! < 1e-12)
  let counted = try model.diagnose(on: examples(4_000, seed: 2)).finding(.closedActivation, "1")
  #expect(counted.features == [5] && counted.numbers["measured"] == 1 && counted.numbers["largestShare"] == 0)
  // A leaky activation lets its gradient through.
  var leaky = Array(network.layers)
  leaky[2] = LeakyReLU()
  var open = try trained(Network(input: [6], layers: leaky))
  try open.setParameter("1.bias", to: shift)
  #expect(try open.diagnose().list == [])
}

@Test func theShareThatReLULetsThroughIsThatOfANormalDistribution() throws {
  // x̂ of normal inputs through one dense layer is normal; β = −1 opens for Φ(−1) = 15.87 %.
  let single = Network(input: [6]) {
    Dense(4)
    BatchNorm()
    ReLU()
    Dense(2)
  }
  var model = try trained(single, batchSize: 500)
  try model.setParameter("1.weight", to: Tensor([1, 1, 1, 1], shape: [4]))
  try model.setParameter("1.bias", to: Tensor([-1, -1, -1, -1], shape: [4]))
  let data = try examples(20_000, seed: 3)
  try model.recalibrate(on: data, threads: 1)
  let measured = try #require(try model.diagnose(on: data).norms[0].measured)
  #expect(abs(measured.openShare! - 0.1587) < 0.006)
  #expect(measured.shift.meanShift < 1e-3 && measured.shift.highestVarianceRatio < 1.001)
}

@Test func statisticsOfAnotherDomainAreAnIllnessWhereTheyCostAccuracy() throws {
  let model = try trained()
  let shifted = try examples(3_000, seed: 2) { row in for index in row.indices { row[index] = 3 * row[index] + 4 } }
  let diagnosis = try model.diagnose(on: shifted)
  let finding = try diagnosis.finding(.statisticsDisagree, "1")
  #expect(finding.severity == .illness && diagnosis.findings[0] == finding)
  let comparison = try #require(diagnosis.comparison)
  #expect(comparison.recalibrated.accuracy! > comparison.running.accuracy! + 0.1)
  #expect(abs(comparison.batch.accuracy! - comparison.recalibrated.accuracy!) < 0.05)
  #expect(finding.numbers["runningAccuracy"] == comparison.running.accuracy)
  #expect(finding.numbers["meanShift"]! > 1 && finding.numbers["highestVarianceRatio"]! > 4)
  var recalibrated = model
  try recalibrated.recalibrate(on: shifted, threads: 1)
  #expect(try recalibrated.diagnose(on: shifted).list == [])
  // Without targets nobody knows what it costs.
  let plain = try Dataset((0..<3_000).flatMap { shifted[$0] }, shape: [6])
  let unknown = try model.diagnose(on: plain)
  #expect(unknown.comparison == nil)
  #expect(try unknown.finding(.statisticsDisagree, "1").severity == .warning)
}

@Test func batchStatisticsAtEvaluationAreThoseOfTraining() throws {
  // One batch of all: the loss with batch statistics is what a training step sees before it moves anything.
  let model = try trained()
  let data = try examples(200, seed: 5)
  let comparison = try #require(try model.diagnose(on: data, batchSize: 200, threads: 1).comparison)
  var copy = model
  let still = Trainer(
    loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 1e-12), batchSize: 200, threads: 1)
  let history = try still.fit(&copy, to: data, epochs: 1)
  #expect(abs(comparison.batch.loss - history.epochs[0].trainLoss) < 1e-6)
  #expect(comparison.batch.loss != comparison.running.loss)
}

@Test(arguments: [(4, Finding.Severity.illness), (10, .warning)])
func smallBatchesAreNamedWithTheNoiseOfTheirStatistics(batchSize: Int, severity: Finding.Severity) throws {
  let model = try trained(batchSize: batchSize)
  #expect(model.training?.batchSize == batchSize)
  let computed = try model.diagnose().finding(.smallBatch, "1")
  #expect(computed.severity == severity && computed.numbers["measured"] == 0)
  let m = Double(batchSize)
  #expect(abs(computed.numbers["meanError"]! - 1 / m.squareRoot()) < 1e-12)
  #expect(abs(computed.numbers["varianceError"]! - (2 / (m - 1)).squareRoot()) < 1e-12)
  // The first layer's values are normal and independent: measured and computed agree.
  let measured = try model.diagnose(on: examples(4_000, seed: 2)).finding(.smallBatch, "1")
  #expect(measured.numbers["measured"] == 1)
  #expect(abs(measured.numbers["meanError"]! * m.squareRoot() - 1) < 0.1)
  #expect(abs(measured.numbers["varianceError"]! / (2 / (m - 1)).squareRoot() - 1) < 0.25)
  #expect(try model.diagnose(batchSize: 64).list == [])
  #expect(try network.diagnose(batchSize: batchSize).map(\.kind) == [.smallBatch, .smallBatch])
}

@Test func aPartWithItsOwnStatisticsIsTheBatchOfANorm() throws {
  func trained(_ statistics: BatchStatistics) throws -> Model {
    var model = try Model(network, seed: 1)
    try Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 128, accumulating: 32, statistics: statistics
    ).fit(&model, to: examples(400), epochs: 1)
    return model
  }
  let micro = try trained(.micro)
  #expect(micro.training?.batchSize == 4)
  #expect(try micro.diagnose().finding(.smallBatch, "1").numbers["batchSize"] == 4)
  let whole = try trained(.whole)
  #expect(whole.training?.batchSize == 100)
  #expect(try whole.diagnose().findings.allSatisfy { $0.kind != .smallBatch })
  let ghosts = try network.normalized(by: .ghost(size: 4)).diagnose(batchSize: 128)
  #expect(ghosts.map(\.kind) == [.smallBatch, .smallBatch] && ghosts[0].numbers["batchSize"] == 4)
  #expect(try network.normalized(by: .renorm).diagnose(batchSize: 4).isEmpty)
}

@Test func aBiasBeforeANormIsNotedAndReallyIsRedundant() throws {
  var layers = Array(network.layers)
  layers[3] = Dense(8, bias: .present)
  let biased = Network(input: [6], layers: layers)
  let model = try trained(biased)
  #expect(try model.diagnose().list == ["note biasBeforeNorm 3"])
  #expect(try biased.diagnose().map(\.kind) == [.biasBeforeNorm])
  // Its gradient is only rounding; Adam would magnify that.
  let still = try trained(biased, optimizer: .gradientDescent(learningRate: 0.1))
  #expect(still.parameters.first { $0.name == "3.bias" }!.values.values.allSatisfy { abs($0) < 1e-5 })
  layers[4] = BatchNorm(frozen: true)
  #expect(try Network(input: [6], layers: layers).diagnose(batchSize: 4).map(\.layer) == ["1"])
}

@Test func aNormOnANormIsAWarningThroughChangesOfShapeToo() throws {
  let twice = Network(input: [4, 4, 1]) {
    Convolution(3, kernel: 3)
    BatchNorm()
    Flatten()
    BatchNorm()
    ReLU()
    Dense(2)
  }
  let findings = try twice.diagnose()
  #expect(findings.map(\.kind) == [.duplicatedNorm] && findings[0].layer == "3" && findings[0].severity == .warning)
  #expect(findings[0].cause.contains("norm 1"))
  let apart = Network(input: [6]) {
    BatchNorm()
    ReLU()
    BatchNorm()
    Dense(2)
  }
  #expect(try apart.diagnose().isEmpty)
}

/// A scale whose author took it for a weight.
private struct DecayedGain: Layer, LayerOperation {
  static let kind = "decayedGain"
  func parameters(for input: Shape) throws -> [ParameterDescription] {
    [ParameterDescription(name: "weight", shape: [input.featureCount], role: .weight, start: .constant(1))]
  }
  func forward(_ pass: ForwardPass) {
    let features = pass.inputLength
    for i in 0..<pass.rows * features { pass.output[i] = pass.parameter(0)[i % features] * pass.input[i] }
  }
  func backward(_ pass: BackwardPass) {
    let features = pass.inputLength
    let dy = pass.outputGradient
    for c in 0..<features { pass.parameterGradient(0)[c] = 0 }
    for i in 0..<pass.rows * features { pass.parameterGradient(0)[i % features] += dy[i] * pass.input[i] }
    guard let dx = pass.inputGradient else { return }
    for i in 0..<pass.rows * features { dx[i] = dy[i] * pass.parameter(0)[i % features] }
  }
}

@Test func weightDecayOnAScaleIsAWarningWhereItActed() throws {
  let gained = Network(input: [6]) {
    Dense(8)
    BatchNorm(scale: false)
    DecayedGain()
    ReLU()
    Dense(2)
  }
  #expect(try trained(gained).diagnose().list == ["note decayedScale 2"])
  let decayed = try trained(gained, optimizer: .adamW(learningRate: 0.01, weightDecay: 0.1)).diagnose()
  #expect(decayed.list == ["warning decayedScale 2"])
  #expect(decayed.findings[0].numbers == ["weightDecay": 0.1])
  // γ of a batch norm has another role: the same training leaves it alone.
  #expect(try trained(optimizer: .adamW(learningRate: 0.01, weightDecay: 0.1)).diagnose().list == [])
}

@Test func whatTheTrainingWasIsKeptInTheFile() throws {
  let model = try trained(batchSize: 48, optimizer: .adamW(learningRate: 0.01, weightDecay: 0.02))
  try withTemporaryPath { path in
    try model.write(to: path)
    let read = try Model(contentsOf: path)
    #expect(read.training?.batchSize == 47 && read.training?.weightDecay == 0.02)
    #expect(try read.diagnose() == (try model.diagnose()))
  }
}

@Test func aDiagnosisIsTheSameAfterItWasEncodedAndEncodesTheSameTwice() throws {
  var model = try trained(batchSize: 4)
  var shift = try #require(model.parameters.first { $0.name == "1.bias" }).values
  shift.values[5] = -10
  try model.setParameter("1.bias", to: shift)
  let data = try examples(500, seed: 2) { $0[0] += 5 }
  let diagnosis = try model.diagnose(on: data, threads: 1)
  #expect(try model.diagnose(on: data, threads: 2) == diagnosis)
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  let json = try encoder.encode(diagnosis)
  #expect(try encoder.encode(model.diagnose(on: data, threads: 1)) == json)
  #expect(try JSONDecoder().decode(Diagnosis.self, from: json) == diagnosis)
  for finding in diagnosis.findings {
    for sentence in [finding.cause, finding.remedy] { #expect(sentence.hasSuffix(".") && !sentence.contains("\n")) }
  }
}

@Test func whatCannotBeDiagnosedIsAnErrorThatSaysSo() throws {
  let model = try trained()
  let small = #expect(throws: EvenkeelError.self) { try model.diagnose(batchSize: 1) }
  #expect(small?.code == .usage && small!.message.contains("1"))
  let single = #expect(throws: EvenkeelError.self) { try model.diagnose(on: examples(1)) }
  #expect(single?.code == .data)
  let other = #expect(throws: EvenkeelError.self) {
    try model.diagnose(on: Dataset([Float](repeating: 1, count: 70), shape: [7]))
  }
  #expect(other?.code == .data && other!.message.contains("[7]"))
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
func lenetOnDigitsIsHealthyAndOnInvertedOnesIllUntilRecalibrated() throws {
  let digits = try Dataset.idx(at: dataFolder! + "/mnist")
  var model = try Model(Network(preset: "lenet"), seed: 1)
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.001), batchSize: 128, seed: 1)
  try trainer.fit(&model, to: digits.training.subset(0..<12_000), epochs: 1)
  let test = digits.test.subset(0..<2_000)
  let healthy = try model.diagnose(on: test)
  #expect(healthy.list == [])
  // Faint digits on gray.
  let values = (0..<2_000).flatMap { test[$0].map { 80 + 0.3 * $0 } }
  let faint = try Dataset(values, shape: test.shape, targets: test.targets)
  let ill = try model.diagnose(on: faint)
  #expect(ill.findings.first?.kind == .statisticsDisagree && ill.findings.first?.layer == "1")
  #expect(ill.findings.first?.severity == .illness)
  let comparison = try #require(ill.comparison)
  #expect(comparison.recalibrated.accuracy! > 0.9 && comparison.running.accuracy! < 0.8)
  // What stays closed by wrong statistics is not laid at the door of β.
  #expect(ill.findings.allSatisfy { $0.kind == .statisticsDisagree })
}
