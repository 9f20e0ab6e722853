import Evenkeel
import EvenkeelTestSupport
import Testing

/// `calibration.json`: temperatures by SciPy, calibration errors by NumPy, thresholds by scikit-learn's scores.
private struct Golden: Decodable {
  struct Case: Decodable {
    let classes: Int
    let weights: String
    let temperature: Double
    let logLoss, calibrationError: [Double]
    let f1, balancedAccuracy: Double?
  }
  let cases: [Case]
}

private let golden = Fixture.json("calibration.json", as: Golden.self).cases
private let rows = 240

/// The examples of the script: their features are the logits.
private func examples(_ classes: Int, _ weights: String) throws -> Dataset {
  var logits: [Float] = []
  var truth: [Int32] = []
  for row in 0..<rows {
    var own: [Float] = []
    for column in 0..<classes {
      let whole: Int = (row * 37 + column * 61 + row * row * 5) % 23 - 11
      own.append(Float(whole) / 4)
    }
    let top: Int = own.indices.max { own[$0] < own[$1] }!
    let isRight: Bool = row % 7 < 4 && row % 11 > 1
    truth.append(Int32(isRight ? top : (row * 7 + row / 5) % classes))
    logits += own
  }
  let labels: [String] = (0..<classes).map { "\($0)" }
  let dataset = try Dataset(logits, shape: [classes], targets: .classes(truth, labels: labels))
  guard weights != "none" else { return dataset }
  let counts: [Float] = (0..<rows).map { Float($0 * 17 % 5) / 2 }
  return try dataset.with(weights: counts)
}

/// A model whose outputs are its inputs; with one output, the second less the first.
private func identity(_ classes: Int, on data: Dataset, loss: Loss = .softmaxCrossEntropy) throws -> Model {
  let outputs = loss == .softmaxCrossEntropy ? classes : 1
  var model = try Model(Network(input: [classes]) { Dense(outputs, bias: .present) })
  try Trainer(loss: loss, optimizer: .gradientDescent(learningRate: 1e-9), threads: 1).fit(&model, to: data, epochs: 1)
  var weights = [Float](repeating: 0, count: outputs * classes)
  for index in 0..<outputs { weights[index * classes + index] = 1 }
  if outputs == 1 { weights = [-1, 1] }
  try model.setParameter("0.weight", to: Tensor(weights, shape: [outputs, classes]))
  try model.setParameter("0.bias", to: Tensor([Float](repeating: 0, count: outputs), shape: [outputs]))
  model.scaling = nil
  return model
}

private func isClose(_ value: Double?, _ expected: Double?, _ tolerance: Double = 1e-6) -> Bool {
  guard let value, let expected else { return value == nil && expected == nil }
  return abs(value - expected) <= tolerance * max(1, abs(expected))
}

@Test(arguments: golden.indices) func aTemperatureMinimizesTheLogLoss(index: Int) throws {
  let expected = golden[index]
  let data = try examples(expected.classes, expected.weights)
  var model = try identity(expected.classes, on: data)
  let before = try model.evaluation(of: data)
  #expect(isClose(before.value(of: .logLoss), expected.logLoss[0]))
  #expect(isClose(before.value(of: .calibrationError), expected.calibrationError[0]))
  let fitted = try model.calibrate(on: data)
  #expect(fitted.isGain && fitted.temperature == model.output?.temperature)
  #expect(isClose(fitted.temperature, expected.temperature), "\(fitted.temperature), not \(expected.temperature)")
  let after = try model.evaluation(of: data)
  #expect(isClose(after.value(of: .logLoss), expected.logLoss[1]) && isClose(after.quality.loss, expected.logLoss[1]))
  #expect(isClose(after.value(of: .calibrationError), expected.calibrationError[1]))
  #expect(after.classes!.confusion == before.classes!.confusion)
  let bins = after.classes!.reliability
  let right: Double = bins.reduce(0) { $0 + $1.weight * $1.accuracy }
  #expect(isClose(right / total(data), after.value(of: .accuracy)))
  #expect(bins.allSatisfy { $0.lower < $0.confidence && $0.confidence <= $0.upper })
}

private func total(_ data: Dataset) -> Double { data.weights?.reduce(0) { $0 + Double($1) } ?? Double(data.count) }

@Test(arguments: golden.indices.filter { golden[$0].classes == 2 })
func aThresholdIsTheBestOfAll(index: Int) throws {
  let expected = golden[index]
  let data = try examples(2, expected.weights)
  for (goal, best) in [(DecisionThreshold.Goal.f1, expected.f1!), (.balancedAccuracy, expected.balancedAccuracy!)] {
    var model = try identity(2, on: data)
    let (threshold, value) = try model.chooseThreshold(for: goal, on: data)
    #expect(isClose(value, best, 1e-12) && model.output?.threshold == threshold, "\(value), not \(best)")
    // It is what evaluations and predictions use from then on.
    let evaluation = try model.evaluation(of: data)
    #expect(isClose(evaluation.value(of: Metric(rawValue: goal.rawValue)!), best, 1e-12))
    #expect(try model.evaluate(data).accuracy == evaluation.value(of: .accuracy))
    let read = try withTemporaryPath { path in
      try model.write(to: path)
      return try Model(contentsOf: path)
    }
    #expect(read.output == model.output)
  }
}

@Test func aTemperatureOfOneOutputIsThatOfTwo() throws {
  let data = try examples(2, "none")
  var (two, one) = (try identity(2, on: data), try identity(2, on: data, loss: .sigmoidCrossEntropy))
  let fitted = (try two.calibrate(on: data), try one.calibrate(on: data))
  #expect(isClose(fitted.0.temperature, fitted.1.temperature, 1e-9) && fitted.1.count == rows)
  let (of, other) = (try two.predict(data).values, try one.predict(data).values)
  #expect((0..<rows).allSatisfy { abs(of[2 * $0 + 1] - other[$0]) < 1e-6 })
}

@Test func aTemperatureIsKeptOnlyWhereItGainsAndUntilFurtherTraining() throws {
  let data = try examples(3, "none")
  var model = try identity(3, on: data)
  try model.calibrate(on: data)
  // At that temperature there is nothing left to gain.
  let weights = model.parameters[0].values
  let factor = Float(1 / model.output!.temperature!)
  try model.setParameter("0.weight", to: Tensor(weights.values.map { $0 * factor }, shape: weights.shape))
  let again = try model.calibrate(on: data)
  #expect(!again.isGain && isClose(again.temperature, 1) && model.output?.temperature == nil)
  // Nor where no example is wrong: the temperature would be the least.
  var inputs: [Float] = []
  for row in 0..<40 { inputs += row % 2 == 0 ? [1, 0, 0] : [0, 1, 0] }
  let classes: [Int32] = (0..<40).map { Int32($0 % 2) }
  let right = try Dataset(inputs, shape: [3], targets: .classes(classes, labels: ["0", "1", "2"]))
  #expect(try !model.calibrate(on: right).isGain && model.output?.temperature == nil)
  try model.calibrate(on: right, always: true)
  #expect(isClose(model.output?.temperature, 1.0 / 20))
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.1), threads: 1)
    .fit(&model, to: data, epochs: 1)
  #expect(model.output?.temperature == nil)
}

@Test func valuesHaveNeitherTemperatureNorThreshold() throws {
  let data = try Dataset([1, 2, 3, 5], shape: [1], targets: .values([1, 2, 3, 4], names: ["y"]))
  var model = try Model(Network(input: [1]) { Dense(1) })
  try Trainer(loss: .meanSquaredError, optimizer: .gradientDescent(learningRate: 0.1), threads: 1)
    .fit(&model, to: data, epochs: 1)
  expectError("the model predicts values", code: .usage) { try model.calibrate(on: data) }
  expectError("the model predicts values", code: .usage) { try model.chooseThreshold(for: .f1, on: data) }
}
