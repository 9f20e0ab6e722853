import Evenkeel
import EvenkeelTestSupport
import Testing

/// 90 rows with a category that only some folds see, a weight, and a target of the classes no and yes.
private let table: String = {
  var text = "x,kind,w,class\n"
  for row in 0..<90 {
    let whole: Int = row * 37 % 50
    let kind: String = row == 7 ? "odd" : row % 2 == 0 ? "u" : "v"
    let label: String = whole + row % 13 < 30 ? "no" : "yes"
    text += "\(Double(whole) / 10),\(kind),\(row % 3),\(label)\n"
  }
  return text
}()

private func members(_ path: String, target: String? = nil) throws -> [Model] {
  try (1...3).map { number in
    let parts = try Dataset.read(path, target: target, weight: "w", fold: Fold(number, of: 3))
    var model = try Model(
      Network.multilayer(input: parts.training.shape.count, hidden: [4], outputs: target == nil ? 2 : 1),
      seed: UInt64(number))
    try Trainer(
      loss: target == nil ? .softmaxCrossEntropy : .meanSquaredError, optimizer: .adam(learningRate: 0.01),
      batchSize: 20, threads: 1
    ).fit(&model, to: parts.training, epochs: 5)
    return model
  }
}

private func datasets(_ path: String, _ ensemble: ModelEnsemble) throws -> [Dataset] {
  try ensemble.members.map { try Dataset.readForUse(path, by: $0, targets: true).dataset }
}

@Test func anEnsemblePredictsTheMeanOfItsMembersAlsoWhenReadAgain() throws {
  try withTemporaryPath(".csv", containing: table) { path in
    for target in [nil, "x"] {
      let models = try members(path, target: target)
      #expect(Set(models.map(\.network.input.count)).count == 2, "one fold has not seen every category")
      var ensemble = try ModelEnsemble(models)
      if target == nil { ensemble.setThreshold(0.4) }
      let data = try datasets(path, ensemble)
      let each = try zip(models, data).map { try $0.predictInDouble($1) }
      let mean = try ensemble.predictInDouble(data)
      for place in mean.indices {
        let sum: Double = each.reduce(0) { $0 + $1[place] }
        #expect(abs(mean[place] - sum / 3) < 1e-9 * max(1, abs(sum)))
      }
      try withTemporaryPath { file in
        try ensemble.write(to: file)
        let read = try ModelEnsemble(contentsOf: file)
        #expect(try read.output == ensemble.output && read.predictInDouble(data) == mean)
        expectError("it holds models whose predictions are averaged") { _ = try Model(contentsOf: file) }
        // In parts it is the same.
        guard case .parts(let parts) = try Dataset.openForUse(path, by: read, targets: true) else {
          Issue.record("a table comes in parts")
          return
        }
        let (evaluation, _) = try read.evaluation(of: parts)
        #expect(try evaluation.quality == ensemble.evaluation(of: data).quality)
      }
    }
  }
}

@Test func anEnsembleIsJudgedByItsMeanProbabilities() throws {
  try withTemporaryPath(".csv", containing: table) { path in
    let ensemble = try ModelEnsemble(members(path))
    let data = try datasets(path, ensemble)
    let mean = try ensemble.predictInDouble(data)
    guard case .classes(let truth, let labels) = data[0].targets else { return }
    let probabilities: [[Double]] = (0..<90).map { [mean[2 * $0], mean[2 * $0 + 1]] }
    let expected = ClassPredictions(
      labels, truth: truth.map { Int($0) }, probabilities: probabilities,
      weights: data[0].weights?.map { Double($0) })
    let evaluation = try ensemble.evaluation(of: data)
    for metric in Metric.allCases where metric.isOfClasses {
      let (found, right) = (evaluation.value(of: metric), expected.value(of: metric))
      #expect(abs(found! - right!) < 1e-5, "\(metric): \(found!), not \(right!)")
    }
    #expect(abs(evaluation.quality.loss - expected.value(of: .logLoss)!) < 1e-6)
    let alone = try ensemble.members[0].output!.evaluation(of: mean, for: data[0].withoutFeatures)
    #expect(alone.quality == evaluation.quality)
  }
}

@Test func anEnsembleOfOneIsTheModel() throws {
  try withTemporaryPath(".csv", containing: table) { path in
    let model = try members(path)[0]
    let data = try Dataset.readForUse(path, by: model, targets: true).dataset
    try withTemporaryPath { file in
      try model.write(to: file)
      let read = try ModelEnsemble(contentsOf: file)
      #expect(try read.members.count == 1 && read.predictInDouble([data]) == model.predictInDouble(data))
      try read.write(to: file)
      #expect(try Model(contentsOf: file).output == model.output)
    }
  }
}

@Test func modelsThatDoNotPredictTheSameAreNoEnsemble() throws {
  try withTemporaryPath(".csv", containing: table) { path in
    let (classes, values) = (try members(path), try members(path, target: "x"))
    expectError("Only trained models that predict the same", code: .usage) {
      _ = try ModelEnsemble([classes[0], values[0]])
    }
    expectError("There is no model", code: .usage) { _ = try ModelEnsemble([]) }
    let untrained = try Model(Network.multilayer(input: 2, hidden: [4], outputs: 2))
    expectError("Only trained models", code: .usage) { _ = try ModelEnsemble([untrained, untrained]) }
  }
}
