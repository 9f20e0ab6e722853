import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Glibc
import Testing

/// What `Tests/Fixtures/make_embeddings.py` made with the `tabm` package.
private struct Golden: Decodable {
  struct Run: Decodable {
    let before, losses, after: [Double]
  }
  let classes, values: Run
}

/// The fixture's table: the second feature has few values, so that some of its quantiles are the same.
private func table(_ targets: Evenkeel.Targets) throws -> Dataset {
  let columns = [
    wave(48, 0.7, 1), wave(48, 1.3, 1.4).map { $0.rounded(.toNearestOrEven) }, wave(48, 1.9, 2, 3),
  ]
  return try Dataset((0..<48).flatMap { row in columns.map { $0[row] } }, shape: [3], targets: targets)
}

private func ensemble(outputs: Int) throws -> Model {
  var model = try Model(
    Network(input: [3]) {
      PiecewiseLinear(bins: 6, width: 5)
      Ensemble(members: 4)
      Dense(8, bias: .present)
      ReLU()
      Dense(8, bias: .present)
      ReLU()
      MemberDense(outputs)
    })
  for (index, parameter) in model.parameters.enumerated() {
    let size = parameter.name == "1.weight" ? 1 : 0.5
    let values = wave(parameter.values.values.count, 1.1 + 0.2 * Double(index), size)
    try model.setParameter(parameter.name, to: Tensor(values, shape: parameter.values.shape))
  }
  return model
}

private func expectClose(_ actual: [Double], _ expected: [Double], _ what: String) {
  #expect(actual.count == expected.count, "\(what)")
  let worst = zip(actual, expected).map { abs($0 - $1) }.max()!
  #expect(worst < 1e-5, "\(what): \(worst) apart")
}

private func trainer(_ loss: Loss, rate: Double) -> Trainer {
  Trainer(loss: loss, optimizer: .gradientDescent(learningRate: rate), batchSize: 48)
}

@Test func anEnsembleOfClassifiersTrainsAsTheTabMPackage() throws {
  let golden = Fixture.json("embeddings.json", as: Golden.self).classes
  let data = try table(.classes((0..<48).map { $0 % 3 }, labels: ["a", "b", "c"]))
  var model = try ensemble(outputs: 3)
  // The first training sets scaling and edges.
  try trainer(.softmaxCrossEntropy, rate: 1e-30).fit(&model, to: data, epochs: 1)
  try expectClose(model.predictInDouble(data), golden.before, "predictions before")
  let history = try trainer(.softmaxCrossEntropy, rate: 0.1).fit(&model, to: data, epochs: 10)
  expectClose(history.epochs.map(\.trainLoss), golden.losses, "losses")
  try expectClose(model.predictInDouble(data), golden.after, "predictions after")
}

@Test func anEnsembleOfRegressionsTrainsAsTheTabMPackage() throws {
  let golden = Fixture.json("embeddings.json", as: Golden.self).values
  let targets = wave(48, 2.3, 1).map { Double($0) }
  let mean = targets.reduce(0, +) / 48
  let deviation = (targets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 48).squareRoot()
  func predictions(_ model: Model) throws -> [Double] {
    try model.predictInDouble(table(.values(targets, names: ["y"]))).map { ($0 - mean) / deviation }
  }
  let data = try table(.values(targets, names: ["y"]))
  var model = try ensemble(outputs: 1)
  try trainer(.meanSquaredError, rate: 1e-30).fit(&model, to: data, epochs: 1)
  try expectClose(predictions(model), golden.before, "predictions before")
  let history = try trainer(.meanSquaredError, rate: 0.1).fit(&model, to: data, epochs: 10)
  expectClose(history.epochs.map(\.trainLoss), golden.losses, "losses")
  try expectClose(predictions(model), golden.after, "predictions after")
}

/// 300 rows in two classes.
private func examples(_ seed: Int = 1, features: Int = 3) throws -> Dataset {
  var numbers = Numbers(seed)
  let values = numbers.many(300 * features)
  return try Dataset(
    values, shape: [features],
    targets: .classes(
      (0..<300).map { values[$0 * features] * values[$0 * features + 1] > 0.1 ? 1 : 0 }, labels: ["no", "yes"]))
}

private func trained(_ network: Network, loss: Loss = .softmaxCrossEntropy) throws -> Model {
  var model = try Model(network, seed: 3)
  try Trainer(loss: loss, optimizer: .adam(learningRate: 0.01), batchSize: 50).fit(&model, to: examples(), epochs: 3)
  return model
}

/// Members that share a batch norm, or have one each.
private func network(outputs: Int = 2, normsAreShared: Bool = true) -> Network {
  Network(input: [3]) {
    PiecewiseLinear(bins: 8, width: 4, features: [0, 1])
    Ensemble(members: 3)
    Dense(6)
    if !normsAreShared { Reshape([18]) }
    BatchNorm()
    if !normsAreShared { Reshape([3, 6]) }
    ReLU()
    MemberDense(outputs)
  }
}

@Test func theProbabilityOfYesIsTheMeanOfTheMembers() throws {
  let model = try trained(network(outputs: 1), loss: .sigmoidCrossEntropy)
  let data = try examples(2)
  var means = [Double](repeating: 0, count: data.count)
  for member in 0..<3 {
    // The same network with one member is that member.
    var one = try trained(
      Network(input: [3]) {
        PiecewiseLinear(bins: 8, width: 4, features: [0, 1])
        Ensemble(members: 1)
        Dense(6)
        BatchNorm()
        ReLU()
        MemberDense(1)
      }, loss: .sigmoidCrossEntropy)
    for (own, parameter) in zip(one.parameters, model.parameters) {
      let values = parameter.values.values
      let part = own.values.values.count
      let isShared = part == values.count
      try one.setParameter(
        own.name,
        to: Tensor(
          isShared ? values : Array(values[member * part..<(member + 1) * part]), shape: own.values.shape))
    }
    one.state.copyBuffers(of: one.state.layout.network.layers[3], from: "3", in: model.state)
    for (row, value) in try one.predictInDouble(data).enumerated() { means[row] += value / 3 }
  }
  let worst = zip(try model.predictInDouble(data), means).map { abs($0 - $1) }.max()!
  #expect(worst < 1e-6)
}

@Test func aRowIsPredictedAsWithinAnyBatch() throws {
  let model = try trained(network(normsAreShared: false))
  let data = try examples(2)
  let all = try model.predict(data).values
  for row in [0, 7, 299] {
    let alone = try model.predict(data[row])
    #expect(zip(alone, all[2 * row..<2 * row + 2]).allSatisfy { abs($0 - $1) < 1e-6 }, "row \(row)")
  }
}

@Test func normsThatMembersShareAreFolded() throws {
  let model = try trained(network())
  let folded = try model.folded()
  #expect(folded.network.layers.map { type(of: $0).kind }.contains("batchNorm") == false)
  let data = try examples(2)
  let worst = zip(try model.predict(data).values, try folded.predict(data).values).map { abs($0 - $1) }.max()!
  #expect(worst < 1e-5)
  expectError("does not directly follow a dense or convolution layer", code: .usage) {
    _ = try trained(network(normsAreShared: false)).folded()
  }
}

@Test func theDoctorAndRecalibrationWorkOnEnsembles() throws {
  for isShared in [true, false] {
    var model = try trained(network(normsAreShared: isShared))
    let diagnosis = try model.diagnose(on: examples(2))
    let comparison = try #require(diagnosis.comparison)
    #expect(abs(comparison.running.loss - (try model.evaluate(examples(2)).loss)) < 1e-6)
    let findings = diagnosis.findings.filter { $0.kind != .statisticsDisagree }.map { "\($0.kind) \($0.layer)" }
    // Each member's norm takes the mean of what it sees, and with it the bias that they share.
    #expect(findings == (isShared ? [] : ["biasBeforeNorm 2"]), "\(findings)")
    let before = try model.evaluate(examples()).loss
    try model.recalibrate(on: examples())
    // Averages over three epochs are near the exact ones.
    #expect(abs(try model.evaluate(examples()).loss - before) < 0.1)
    #expect(try model.diagnose(on: examples()).findings.allSatisfy { $0.kind != .statisticsDisagree })
  }
}

@Test func edgesAreTheDifferentQuantilesOfTheFirstTraining() throws {
  let values: [Float] = (0..<41).flatMap { (row: Int) -> [Float] in
    [Float(row), Float(row % 2), 5, row == 0 ? -1000 : Float(row / 20)]
  }
  let targets = Evenkeel.Targets.values((0..<41).map { Double($0) }, names: ["y"])
  let data = try Dataset(values, shape: [4], targets: targets)
  var model = try Model(
    Network(input: [4]) {
      PiecewiseLinear(bins: 4, width: 2)
      Dense(1)
    })
  let trainer = Trainer(loss: .meanSquaredError, optimizer: .gradientDescent(learningRate: 0.01), batchSize: 41)
  try trainer.fit(&model, to: data, epochs: 1)
  func edges() -> [[Float]] {
    let start = model.state.buffers(of: "0").values(0)
    return (0..<4).map { feature in (0..<5).map { start[feature * 5 + $0] } }
  }
  let scaled = model.scaling!.scaled(values)
  func at(_ row: Int, _ feature: Int) -> Float { scaled[row * 4 + feature] }
  let last: [Float] = [at(0, 3), at(1, 3), at(20, 3), at(40, 3), at(40, 3)]
  let binary: [Float] = [at(0, 1), at(1, 1), at(1, 1), at(1, 1), at(1, 1)]
  let even: [Float] = [at(0, 0), at(10, 0), at(20, 0), at(30, 0), at(40, 0)]
  let expected: [[Float]] = [even, binary, [0, 0, 0, 0, 0], last]
  // The median of the second feature is 0, its other quantiles 0 or 1; those of the last are −1000, 0, 1, 1 and 2.
  for (feature, edges) in edges().enumerated() {
    #expect(zip(edges, expected[feature]).allSatisfy { abs($0 - $1) < 1e-5 }, "\(feature): \(edges)")
  }
  let before = edges()
  let other = try Dataset(values.map { $0 / 2 }, shape: [4], targets: targets)
  try trainer.fit(&model, to: other, epochs: 1)
  #expect(edges() == before)
}
