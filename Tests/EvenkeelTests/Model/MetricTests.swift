import Evenkeel
import EvenkeelTestSupport
import Testing

/// `metrics.json`: scikit-learn's numbers.
private struct Golden: Decodable {
  struct Classes: Decodable {
    let classes, known: Int
    let weights: String
    let metrics: [String: Double]
    let confusion, precision, recall, f1: [Double]
  }
  struct Values: Decodable {
    let targets, rows: Int
    let weights: String
    let metrics: [String: Double]
  }
  let classes: [Classes]
  let values: [Values]
}

private let golden = Fixture.json("metrics.json", as: Golden.self)
private let rows = 240

private func weights(_ kind: String, _ count: Int = rows) -> [Double]? {
  kind == "none" ? nil : (0..<count).map { Double($0 * 17 % 5) / 2 }
}

/// As the script has them. A class that the model does not know has a column of zeros there.
private func predictions(_ case: Golden.Classes) -> ClassPredictions {
  let probabilities = (0..<rows).map { row in
    let whole = (0..<`case`.known).map { Double(1 + (row * 37 + $0 * 61 + row * row * 5) % 23) }
    let sum = whole.reduce(0, +)
    return whole.map { $0 / sum } + [Double](repeating: 0, count: `case`.classes - `case`.known)
  }
  let truth = (0..<rows).map { row -> Int in
    let own = probabilities[row]
    let isRight = row % 7 < 4 && row % 11 > 1
    return isRight ? own.firstIndex(of: own.max()!)! : (row * 7 + row / 5) % `case`.classes
  }
  return ClassPredictions(
    (0..<`case`.classes).map { "\($0)" }, truth: truth, probabilities: probabilities, weights: weights(`case`.weights))
}

private func expectEqual(_ value: Double?, _ expected: Double, _ what: String) {
  guard let value else {
    Issue.record("\(what) is undefined, not \(expected)")
    return
  }
  #expect(abs(value - expected) <= 1e-12 * max(1, abs(expected)), "\(what): \(value), not \(expected)")
}

@Test(arguments: golden.classes.indices) func metricsOfClassesAreThoseOfScikitLearn(index: Int) {
  let expected = golden.classes[index]
  let predictions = predictions(expected)
  for (name, value) in expected.metrics where name != "f1" || expected.classes == 2 {
    expectEqual(predictions.value(of: Metric(rawValue: name)!), value, name)
  }
  for (one, other) in zip(predictions.confusion.joined(), expected.confusion) { expectEqual(one, other, "confusion") }
  #expect(predictions.classQualities.count == expected.f1.count)
  for (index, quality) in predictions.classQualities.enumerated() {
    expectEqual(quality.precision, expected.precision[index], "precision of \(index)")
    expectEqual(quality.recall, expected.recall[index], "recall of \(index)")
    expectEqual(quality.f1, expected.f1[index], "F1 of \(index)")
  }
}

@Test(arguments: golden.values.indices) func metricsOfValuesAreThoseOfScikitLearn(index: Int) {
  let expected = golden.values[index]
  let places = (0..<expected.rows).flatMap { row in (0..<expected.targets).map { (row, $0) } }
  let truth = places.map { row, target in Double((row * 31 + target * 7) % 41) / 4 }
  let predicted = zip(places, truth).map { place, value in
    value + Double((place.0 * 19 + place.1 * 3) % 29 - 13) / 8
  }
  let predictions = ValuePredictions(
    (0..<expected.targets).map { "\($0)" }, truth: truth, predicted: predicted,
    weights: weights(expected.weights, expected.rows))
  for (name, value) in expected.metrics { expectEqual(predictions.value(of: Metric(rawValue: name)!), value, name) }
}

@Test func anAreaUnderACurveWithoutBothSidesIsUndefined() {
  let predictions = ClassPredictions(["no", "yes"], truth: [1, 1], probabilities: [[0.2, 0.8], [0.6, 0.4]])
  #expect(predictions.value(of: .rocAUC) == nil && predictions.value(of: .averagePrecision) == nil)
  #expect(predictions.value(of: .accuracy) == 0.5 && predictions.value(of: .f1) == 2.0 / 3)
  let same = ValuePredictions(["y"], truth: [3, 3], predicted: [1, 2])
  #expect(same.value(of: .coefficientOfDetermination) == nil && same.value(of: .medianAbsoluteError) == 1.5)
}

/// Rows of two features; the class says on which side of a line they lie.
private func examples(_ count: Int, seed: UInt64, classes: [String] = ["high", "low"]) throws -> Dataset {
  var random = RandomNumbers(RandomKey(seed: seed))
  let inputs = (0..<2 * count).map { _ in Float(random.normal()) }
  let labels = (0..<count).map { Int32(inputs[2 * $0] + inputs[2 * $0 + 1] > 0 ? 0 : 1) }
  return try Dataset(inputs, shape: [2], targets: .classes(labels, labels: classes))
}

private func trained(on data: Dataset, outputs: Int = 2, loss: Loss = .softmaxCrossEntropy) throws -> Model {
  var model = try Model(
    Network(input: [2]) {
      Dense(8)
      BatchNorm()
      ReLU()
      Dense(outputs)
    }, seed: 1)
  try Trainer(loss: loss, optimizer: .adam(learningRate: 0.01), batchSize: 32, threads: 1).fit(
    &model, to: data, epochs: 8)
  return model
}

@Test func anEvaluationAgreesWithQualityAndPredictions() throws {
  for (outputs, loss) in [(2, Loss.softmaxCrossEntropy), (1, .sigmoidCrossEntropy)] {
    let model = try trained(on: examples(300, seed: 1), outputs: outputs, loss: loss)
    let held = try examples(500, seed: 2).with(weights: (0..<500).map { Float($0 % 3) })
    let evaluation = try model.evaluation(of: held)
    #expect(try evaluation.quality == model.evaluate(held))
    expectEqual(evaluation.value(of: .accuracy), evaluation.quality.accuracy!, "accuracy")
    // The loss is that of the float outputs.
    #expect(abs(evaluation.value(of: .logLoss)! - evaluation.quality.loss) < 1e-6)
    #expect(evaluation.value(of: .rocAUC)! > 0.95 && evaluation.value(of: .rootMeanSquaredError) == nil)
    // A threshold of 0 predicts its class always, one of 0.5 the more probable.
    let all = try model.evaluation(of: held, threshold: DecisionThreshold(0, among: ["high", "low"]))
    #expect(all.classes!.classQualities[1].recall == 1 && all.classes!.classQualities[0].recall == 0)
    #expect(all.quality.accuracy == all.value(of: .accuracy) && all.quality.accuracy! < evaluation.quality.accuracy!)
    let half = try model.evaluation(of: held, threshold: DecisionThreshold(0.5, of: "high", among: ["high", "low"]))
    #expect(half.classes!.confusion == evaluation.classes!.confusion)
  }
}

@Test func aClassThatTrainingNeverSawCountsAsWrong() throws {
  let model = try trained(on: examples(300, seed: 1))
  let known = try examples(90, seed: 2)
  guard case .classes(var labels, _) = known.targets else { return }
  for row in 60..<90 { labels[row] = 2 }
  let inputs = (0..<90).flatMap { known[$0] }
  // The names are in another order, and one is new.
  let mixed = try Dataset(
    inputs, shape: [2], targets: .classes(labels.map { [2, 0, 1][Int($0)] }, labels: ["low", "odd", "high"]))
  let (all, some) = (try model.evaluation(of: mixed), try model.evaluate(known.subset(0..<60)))
  expectEqual(all.quality.accuracy, some.accuracy! * 2 / 3, "accuracy")
  #expect(all.quality.count == 90 && abs(all.quality.loss - some.loss) < 1e-6)
  let classes = try #require(all.classes)
  #expect(classes.labels == ["high", "low", "odd"] && classes.classQualities[2].recall == 0)
  #expect(classes.confusion[2].reduce(0, +) == 30 && classes.confusion.map { $0[2] } == [0, 0, 0])
  expectEqual(all.value(of: .accuracy), all.quality.accuracy!, "accuracy")
  let unknown = try Dataset([1, 2], shape: [2], targets: .classes([0], labels: ["odd"]))
  expectError("None of the 1 examples is of a class that occurs in the training data: high or low") {
    _ = try model.evaluate(unknown)
  }
}
