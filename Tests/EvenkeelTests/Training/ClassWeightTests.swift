import Evenkeel
import EvenkeelTestSupport
import Testing

/// `metrics.json`: scikit-learn's balanced weights of classes with 6, 3 and 1 examples, that count 1 or `weights`.
private struct Golden: Decodable {
  struct Balanced: Decodable { let none, some: [Double] }
  let balanced: Balanced
}

private let classes: [Int32] = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2]
private let weights: [Float] = [1, 2, 1, 1, 0.5, 1, 3, 1, 1, 2]

private func data(_ labels: [String] = ["a", "b", "c"]) throws -> Dataset {
  try Dataset((0..<10).map { Float($0) }, shape: [1], targets: .classes(classes, labels: labels))
}

@Test func balancedClassWeightsAreThoseOfScikitLearn() throws {
  let golden = Fixture.json("metrics.json", as: Golden.self).balanced
  for (data, expected) in [(try data(), golden.none), (try data().with(weights: weights), golden.some)] {
    let weighted = try #require(try data.weighted(by: .balanced).weights)
    for (example, value) in weighted.enumerated() {
      let factor = Double(value / (data.weights?[example] ?? 1))
      #expect(abs(factor / expected[Int(classes[example])] - 1) < 1e-6)
    }
  }
}

@Test func namedClassesCountByTheirFactor() throws {
  let weighted = try data().with(weights: weights).weighted(by: .factors(["b": 2, "c": 0]))
  #expect(weighted.weights == [1, 2, 1, 1, 0.5, 1, 6, 2, 2, 0])
  for (factors, sentence) in [
    (["d": 1.0], "--class-weight: there is no class \"d\"; expected a, b or c."),
    (["a": -1], "--class-weight: the weight of the class \"a\" is -1.0; expected 0 or more"),
    (["a": 1e300], "--class-weight: rows of the class \"a\" would count 1e+300 each, which is too large for a float"),
    (["b": 1e-300], "--class-weight: rows of the class \"b\" would count 1e-300 each, which is too small for a float"),
    (["a": 0, "b": 0, "c": 0], "--class-weight leaves none of the 10 rows a weight above 0"),
  ] {
    expectError(sentence, code: .usage) { _ = try data().weighted(by: .factors(factors)) }
  }
  let values = try Dataset([1, 2], shape: [1], targets: .values([1, 2], names: ["y"]))
  expectError("--class-weight needs a target of classes", code: .usage) { _ = try values.weighted(by: .balanced) }
}

/// Two classes that overlap, one of which has a tenth of the rows.
private func rare(_ count: Int, seed: UInt64) throws -> Dataset {
  var random = RandomNumbers(RandomKey(seed: seed))
  let classes = (0..<count).map { Int32($0 % 10 == 0 ? 1 : 0) }
  let inputs = classes.map { Float(random.normal() + ($0 == 1 ? 1.5 : 0)) }
  return try Dataset(inputs, shape: [1], targets: .classes(classes, labels: ["no", "yes"]))
}

@Test func aRareClassIsFoundMoreOftenWhereClassesCountTheSame() throws {
  let (training, held) = (try rare(600, seed: 1), try rare(2_000, seed: 2))
  var trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.02), batchSize: 50, threads: 1)
  var recalls: [Double] = []
  for weights in [nil, ClassWeights.balanced] {
    trainer.classWeights = weights
    var model = try Model(Network(input: [1]) { Dense(2) }, seed: 1)
    try trainer.fit(&model, to: training, epochs: 20)
    recalls.append(try model.evaluation(of: held).classes!.classQualities[1].recall)
  }
  // The best rule by Bayes finds 0.24 of them; with equal classes it lies halfway between their means and finds 0.77.
  #expect(abs(recalls[0] - 0.24) < 0.1 && abs(recalls[1] - 0.77) < 0.07, "\(recalls)")
}
