import Glibc

/// What a classifier predicts for examples, and their classes. All that is computed of it is as scikit-learn does.
public struct ClassPredictions: Sendable {
  /// The classes: the model's in the order of its outputs, then those that only the data has, whose probability is 0.
  public private(set) var labels: [String]
  /// How many of `labels` the model knows.
  let known: Int
  /// The class of each example.
  private(set) var truth: [Int32] = []
  private var chosen: [Int32] = []
  /// `known` values an example.
  private(set) var probabilities: [Double] = []
  private(set) var weights: [Double] = []

  /// - Parameter known: The model's classes.
  init(known: [String]) { (labels, self.known) = (known, known.count) }

  /// Predictions that are there already, as a test has them.
  package init(
    _ labels: [String], truth: [Int], probabilities: [[Double]], weights: [Double]? = nil
  ) {
    self.init(known: labels)
    for (row, values) in probabilities.enumerated() {
      let weight = weights?[row] ?? 1
      guard weight > 0 else { continue }
      self.truth.append(Int32(truth[row]))
      chosen.append(Int32(values.indices.max { values[$0] < values[$1] }!))
      self.probabilities += values
      self.weights.append(weight)
    }
  }

  /// - Throws: `EvenkeelError` with code `data` if there is no memory for so many more examples.
  mutating func reserve(_ count: Int) throws {
    try Machine.requireMemory(
      (8 * known + 16) * count, for: "Keeping the predictions of \(truth.count + count) examples")
  }

  /// The place in `labels` of each example's class; adds classes that are new.
  mutating func places(of targets: Targets) -> [Int32] {
    guard case .classes(let indices, let names) = targets else { return [] }
    var places: [Int32: Int32] = [:]
    return indices.map { index in
      if let place = places[index] { return place }
      let place = place(of: index < 0 ? "(unknown)" : names[Int(index)])
      places[index] = place
      return place
    }
  }

  /// The place of a class in `labels`, to which it is added if it is new.
  private mutating func place(of label: String) -> Int32 {
    if let place = labels.firstIndex(of: label) { return Int32(place) }
    labels.append(label)
    return Int32(labels.count - 1)
  }

  mutating func add(
    _ outputs: UnsafeBufferPointer<Double>, of output: OutputDescription, choice: Int, truth: Int32, weight: Double
  ) {
    self.truth.append(truth)
    chosen.append(Int32(choice))
    for index in 0..<known { probabilities.append(output.probability(of: index, in: outputs)) }
    weights.append(weight)
  }

  /// As `Evaluation.value`.
  package func value(of metric: Metric) -> Double? {
    switch metric {
    case .accuracy: accuracy
    case .balancedAccuracy: balancedAccuracy
    case .f1: known == 2 ? classQualities[1].f1 : nil
    case .macroF1: macroF1
    case .rocAUC: meanOverClasses(areaUnderROC)
    case .averagePrecision: meanOverClasses(averagePrecision)
    case .logLoss: logLoss
    case .brier: brier
    case .calibrationError: calibrationError
    case .rootMeanSquaredError, .meanAbsoluteError, .medianAbsoluteError, .coefficientOfDetermination: nil
    }
  }

  /// Adds predictions of the same model.
  mutating func add(_ later: ClassPredictions) {
    let places = later.labels.map { place(of: $0) }
    truth += later.truth.map { places[Int($0)] }
    chosen += later.chosen
    probabilities += later.probabilities
    weights += later.weights
  }

  /// All of it, for other ranks.
  func write(to bytes: inout RankBytes) {
    bytes.write(labels)
    bytes.write(truth)
    bytes.write(chosen)
    bytes.write(probabilities)
    bytes.write(weights)
  }

  /// Takes what a rank has written, of the same model.
  mutating func read(_ bytes: inout RankBytes) {
    labels = bytes.read()
    truth = bytes.read()
    chosen = bytes.read()
    probabilities = bytes.read()
    weights = bytes.read()
  }

  private var isBinary: Bool { labels.count == 2 }
  private var totalWeight: Double { weights.reduce(0, +) }

  private func probability(_ example: Int, _ label: Int) -> Double {
    label < known ? probabilities[example * known + label] : 0
  }

  /// How much weight has each class (row) that is predicted as each (column), both in the order of `labels`.
  public var confusion: [[Double]] {
    var matrix = [[Double]](repeating: [Double](repeating: 0, count: labels.count), count: labels.count)
    for example in truth.indices { matrix[Int(truth[example])][Int(chosen[example])] += weights[example] }
    return matrix
  }

  /// How well each class is found, in the order of `labels`.
  public var classQualities: [ClassQuality] {
    let matrix = confusion
    return labels.indices.map { index in
      ClassQuality(
        name: labels[index], weight: matrix[index].reduce(0, +),
        predictedWeight: matrix.reduce(0) { $0 + $1[index] }, foundWeight: matrix[index][index])
    }
  }

  /// Those of the classes that only the data has.
  package var unknownClassQualities: [ClassQuality] { Array(classQualities.dropFirst(known)) }

  private var accuracy: Double {
    truth.indices.reduce(0) { $0 + (truth[$1] == chosen[$1] ? weights[$1] : 0) } / totalWeight
  }

  private var balancedAccuracy: Double {
    let recalls = classQualities.compactMap { $0.weight > 0 ? $0.recall : nil }
    return recalls.reduce(0, +) / Double(recalls.count)
  }

  private var macroF1: Double {
    let scores = classQualities.compactMap { $0.weight + $0.predictedWeight > 0 ? $0.f1 : nil }
    return scores.reduce(0, +) / Double(scores.count)
  }

  private var logLoss: Double {
    let least = Double.ulpOfOne
    return truth.indices.reduce(0) { sum, example in
      let probability = min(max(probability(example, Int(truth[example])), least), 1 - least)
      return sum - weights[example] * log(probability)
    } / totalWeight
  }

  private var brier: Double {
    let sum = truth.indices.reduce(0) { sum, example in
      let own = labels.indices.reduce(0) { own, label in
        let error = probability(example, label) - (Int(truth[example]) == label ? 1 : 0)
        return own + error * error
      }
      return sum + weights[example] * own
    }
    return sum / totalWeight * (isBinary ? 0.5 : 1)
  }

  /// Of the second of two classes; else the mean over classes, nil if one has none.
  private func meanOverClasses(_ value: (Int) -> Double?) -> Double? {
    if isBinary { return value(1) }
    let values = labels.indices.compactMap(value)
    return values.count == labels.count ? values.reduce(0, +) / Double(values.count) : nil
  }

  /// The examples in groups of equal probability of `label`, falling: after each group, how much weight of the class and of the
  /// rest has at least that probability. nil if either has no weight.
  func curve(of label: Int) -> [(score: Double, hits: Double, misses: Double)]? {
    let scores = truth.indices.map { probability($0, label) }
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    var points: [(score: Double, hits: Double, misses: Double)] = []
    var (hits, misses) = (0.0, 0.0)
    for (place, example) in order.enumerated() {
      if Int(truth[example]) == label { hits += weights[example] } else { misses += weights[example] }
      if place + 1 == order.count || scores[order[place + 1]] != scores[example] {
        points.append((scores[example], hits, misses))
      }
    }
    return hits > 0 && misses > 0 ? points : nil
  }

  private func areaUnderROC(of label: Int) -> Double? {
    guard let curve = curve(of: label), let last = curve.last else { return nil }
    var (area, before) = (0.0, (hits: 0.0, misses: 0.0))
    for point in curve {
      area += (point.misses - before.misses) * (point.hits + before.hits) / 2
      before = (point.hits, point.misses)
    }
    return area / (last.hits * last.misses)
  }

  private func averagePrecision(of label: Int) -> Double? {
    guard let curve = curve(of: label), let last = curve.last else { return nil }
    var (sum, before) = (0.0, 0.0)
    for point in curve {
      sum += (point.hits - before) / last.hits * point.hits / (point.hits + point.misses)
      before = point.hits
    }
    return sum
  }
}

/// How well one class is found.
public struct ClassQuality: Hashable, Sendable {
  /// The class's name.
  public let name: String
  /// Σ w over the examples of this class: their number, where each counts 1.
  public let weight: Double
  /// Σ w over the examples for which it is predicted.
  public let predictedWeight: Double
  /// Σ w over those that are both.
  public let foundWeight: Double

  /// The share of the predictions of this class that are right; 0 if there is none.
  public var precision: Double { predictedWeight > 0 ? foundWeight / predictedWeight : 0 }
  /// The share of this class's examples that are found; 0 if there is none.
  public var recall: Double { weight > 0 ? foundWeight / weight : 0 }
  /// The harmonic mean of both; 0 if both are.
  public var f1: Double {
    let total = weight + predictedWeight
    return total > 0 ? 2 * foundWeight / total : 0
  }
}
