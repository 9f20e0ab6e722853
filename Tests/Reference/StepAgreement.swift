import Evenkeel
import Testing

/// One step of gradient descent with a learning rate so large that the parameters show the gradients: r g = p − p′.
private let revealingRate = 0x1p20

/// The order in which the first epoch of a run takes its examples.
package func orderOfFirstEpoch(_ count: Int, seed: UInt64 = 0) -> [Int] {
  var order = (0..<Int32(count)).map { $0 }
  var random = RandomNumbers(RandomKey(seed: seed).branch(1).branch(0))
  random.shuffle(&order)
  return order.map { Int($0) }
}

/// Whether forward, loss, gradients and running statistics of a real training step agree with the reference.
/// - Parameters:
///   - warmUp: Steps on other data before it, which give the running statistics something to hold.
///   - parts: The parts in which the batch is taken, normalized by the statistics of the whole.
///   - weights: What the examples count; nil for 1 each.
package func expectStepToAgree(
  _ network: Network, rows: Int, loss: ReferenceLoss = .softmax(smoothing: 0), warmUp: Int = 0,
  weights: [Float]? = nil, parts: Int = 1, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var numbers = Numbers(rows)
  var model = try Model(network)
  for parameter in model.parameters {
    let count = parameter.values.values.count
    // Rows of weights with a norm near 1, scales near 1.
    let size = parameter.role == .weight ? Float((3 / Double(parameter.values.shape.featureCount)).squareRoot()) : 0.5
    let middle: Float = parameter.role == .scale ? 1 : 0
    try model.setParameter(
      parameter.name,
      to: Tensor(numbers.many(count).map { middle + size * $0 }, shape: parameter.values.shape))
  }
  let width = network.input.count
  let outputs = try network.placed().outputCount
  let inputs = numbers.many(rows * width)

  if warmUp > 0 {
    let targets = Targets.made(for: loss, rows: rows, outputs: outputs, &numbers).real
    let other = try Dataset(numbers.many(rows * width).map { 0.8 * $0 + 0.1 }, shape: network.input, targets: targets)
    try Trainer(loss: loss.real, optimizer: .gradientDescent(learningRate: 0.01), batchSize: rows).fit(
      &model, to: other, epochs: warmUp)
  }
  // What a trained model predicts are probabilities.
  if warmUp == 0 {
    let raw = try model.predict(Dataset(inputs, shape: network.input))
    expect(
      raw.values, near: try ReferenceNetwork(model).predict(Matrix(rows, width, inputs)).values,
      "\(what): prediction", sourceLocation: sourceLocation)
  }

  let targets = Targets.made(for: loss, rows: rows, outputs: outputs, &numbers)
  let before = model
  let history = try Trainer(
    loss: loss.real, optimizer: .gradientDescent(learningRate: revealingRate), batchSize: rows, accumulating: parts,
    statistics: .whole
  ).fit(&model, to: Dataset(inputs, shape: network.input, targets: targets.real).with(weights: weights), epochs: 1)

  let reference = try ReferenceNetwork(before, fitted: model)
  let order = orderOfFirstEpoch(rows)
  func ordered<Value>(_ values: [Value]) -> [Value] {
    let width = values.count / rows
    return order.flatMap { values[$0 * width..<($0 + 1) * width] }
  }
  let expectedLoss = reference.step(
    Matrix(rows, width, ordered(model.scaling!.scaled(inputs))), loss, ordered(targets.values),
    weights: weights.map { ordered($0.map { Double($0) }) })
  reference.commit()
  expect(
    [history.epochs[0].trainLoss], near: [expectedLoss], "\(what): the loss", sourceLocation: sourceLocation)
  for ((name, _, old), (_, _, new)) in zip(before.parameters, model.parameters) {
    // The update rounds r g and the new parameter.
    let shown = zip(old.values, new.values).map { (Double($0) - Double($1)) / revealingRate }
    let bounds = zip(zip(reference.gradients[name]!, shown), old.values).map { pair, old in
      Bounded(
        pair.0.value, error: pair.0.error + 2 * Bounded.u * (abs(pair.1) + abs(Double(old)) / revealingRate))
    }
    expect(shown, near: bounds, "\(what): the gradient of \(name)", sourceLocation: sourceLocation)
  }
  for (name, statistics) in model.runningStatistics {
    expect(
      statistics.mean, near: reference.norms[name]!.runningMean, "\(what): running means of \(name)",
      sourceLocation: sourceLocation)
    expect(
      statistics.variance, near: reference.norms[name]!.runningVariance, "\(what): running variances of \(name)",
      sourceLocation: sourceLocation)
    #expect(statistics.batchCount == reference.norms[name]!.batchCount, sourceLocation: sourceLocation)
  }
}
