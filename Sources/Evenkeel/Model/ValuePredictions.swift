/// What a model predicts for examples, and their targets, both in the targets' units. All that is computed of it is as scikit-learn
/// does; of several targets the mean.
public struct ValuePredictions: Sendable {
  /// The names of the targets.
  public let names: [String]
  /// `names.count` values an example.
  private var truth: [Double] = []
  private var predicted: [Double] = []
  private var weights: [Double] = []

  init(names: [String]) { self.names = names }

  /// Predictions that are there already, as a test has them: `names.count` values an example.
  package init(_ names: [String], truth: [Double], predicted: [Double], weights: [Double]? = nil) {
    (self.names, self.truth, self.predicted) = (names, truth, predicted)
    self.weights = weights ?? Array(repeating: 1, count: truth.count / names.count)
  }

  /// - Throws: `EvenkeelError` with code `data` if there is no memory for so many more examples.
  mutating func reserve(_ count: Int, width: Int) throws {
    try Machine.requireMemory(
      (16 * width + 8) * count, for: "Keeping the predictions of \(weights.count + count) examples")
  }

  mutating func add(_ outputs: UnsafeBufferPointer<Double>, target: Targets, at example: Int, weight: Double) {
    guard case .values(let targets, _) = target else { return }
    truth += targets[example * names.count..<(example + 1) * names.count]
    predicted += outputs
    weights.append(weight)
  }

  /// Adds predictions of the same model.
  mutating func add(_ later: ValuePredictions) {
    truth += later.truth
    predicted += later.predicted
    weights += later.weights
  }

  /// All of it, for other ranks.
  func write(to bytes: inout RankBytes) {
    bytes.write(truth)
    bytes.write(predicted)
    bytes.write(weights)
  }

  /// Takes what a rank has written, of the same model.
  mutating func read(_ bytes: inout RankBytes) {
    truth = bytes.read()
    predicted = bytes.read()
    weights = bytes.read()
  }

  /// True and predicted value of one target for each example, and the example's weight.
  package func pairs(of target: Int) -> [(truth: Double, predicted: Double, weight: Double)] {
    weights.indices.map { (truth[$0 * names.count + target], predicted[$0 * names.count + target], weights[$0]) }
  }

  /// As `Evaluation.value`.
  package func value(of metric: Metric) -> Double? {
    switch metric {
    case .rootMeanSquaredError: mean { squaredError($0).squareRoot() }
    case .meanAbsoluteError: mean { target in weightedMean { abs(error($0, target)) } }
    case .medianAbsoluteError: mean(median)
    case .coefficientOfDetermination: coefficientOfDetermination
    default: nil
    }
  }

  /// nil if a target is the same in all examples.
  private var coefficientOfDetermination: Double? {
    let shares = names.indices.compactMap { target -> Double? in
      let mean = weightedMean { truth[$0 * names.count + target] }
      let spread = weightedMean { example in
        let difference = truth[example * names.count + target] - mean
        return difference * difference
      }
      return spread > 0 ? 1 - squaredError(target) / spread : nil
    }
    return shares.count == names.count ? shares.reduce(0, +) / Double(shares.count) : nil
  }

  private func mean(_ value: (Int) -> Double) -> Double {
    names.indices.reduce(0) { $0 + value($1) } / Double(names.count)
  }

  private func error(_ example: Int, _ target: Int) -> Double {
    predicted[example * names.count + target] - truth[example * names.count + target]
  }

  private func squaredError(_ target: Int) -> Double {
    weightedMean { example in
      let error = error(example, target)
      return error * error
    }
  }

  private func weightedMean(_ value: (Int) -> Double) -> Double {
    weights.indices.reduce(0) { $0 + weights[$1] * value($1) } / weights.reduce(0, +)
  }

  /// The least error that half of the weight does not exceed; where it is exactly half, the mean of that error and the next.
  private func median(_ target: Int) -> Double {
    let errors = weights.indices.map { abs(error($0, target)) }
    let order = errors.indices.filter { weights[$0] > 0 }.sorted { errors[$0] < errors[$1] }
    let half = order.reduce(0) { $0 + weights[$1] } / 2
    var sum = 0.0
    for (place, example) in order.enumerated() {
      sum += weights[example]
      guard sum >= half else { continue }
      let isBetween = sum - half <= .ulpOfOne && place + 1 < order.count
      return isBetween ? (errors[example] + errors[order[place + 1]]) / 2 : errors[example]
    }
    return .nan
  }
}
