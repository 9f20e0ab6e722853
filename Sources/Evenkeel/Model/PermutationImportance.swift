import Synchronization

/// How much worse a model does when the values of one column of its data are permuted: what it owes to that column (Breiman 2001,
/// "Random forests"; Fisher, Rudin and Dominici 2019, "All models are wrong, but many are useful").
///
/// It is about the model, not about the world: of two columns that say the same, a model may use either, or both a little.
public struct PermutationImportance: Hashable, Sendable {
  /// What a column's permutation makes worse.
  public let metric: Metric
  /// Its value on the data as it is.
  public let value: Double
  /// The number of examples that were permuted.
  public let count: Int
  /// The columns, the most important first.
  public let columns: [ColumnImportance]
}

/// What a model owes to one column.
public struct ColumnImportance: Hashable, Sendable {
  /// The column's name; that of a feature for data that has no columns.
  public let name: String
  /// By how much the metric was worse, once for each permutation; below 0 where it was better.
  public let drops: [Double]

  /// The mean of `drops`.
  public var mean: Double { drops.reduce(0, +) / Double(drops.count) }
}

extension Model {
  /// Permutes each column of `dataset` several times and evaluates the model on what comes of it. All features of a column are
  /// permuted together: those of its categories, of a date, and the one that says that a cell is missing.
  ///
  /// An example of weight w counts as w examples do: it gives its value away so often as well.
  ///
  /// ```swift
  /// let importance = try model.importance(on: test)
  /// for column in importance.columns { print(column.name, column.mean) }
  /// ```
  /// - Parameters:
  ///   - dataset: Examples with targets that the model was not trained on; on those that it was trained on, what it has learned by
  ///     heart counts too.
  ///   - metric: nil: accuracy for classes, R² for values, as in scikit-learn.
  ///   - repeats: The number of permutations of a column.
  ///   - seed: The same seed gives the same permutations, on any number of threads.
  ///   - threads: The most threads; nil for as many as pay.
  ///   - onPass: Called after each of the passes over the data, on any thread.
  /// - Throws: `EvenkeelError`: `usage` for images and sequences, whose features mean nothing alone, for a metric of another kind of
  ///   target and numbers out of range; `data` for a metric that the data does not define, and as `evaluate`.
  public func importance(
    on dataset: Dataset, metric: Metric? = nil, repeats: Int = 10, seed: UInt64 = 0, threads: Int? = nil,
    onPass: (@Sendable (_ done: Int, _ passes: Int) -> Void)? = nil
  ) throws -> PermutationImportance {
    let threads = threads ?? Machine.threads
    try Machine.requireThreads(threads)
    guard (1...10_000).contains(repeats) else {
      throw EvenkeelError.usage("The number of permutations is \(repeats); expected 1 to 10000.")
    }
    guard images == nil, dataset.shape.rank == 1 else {
      throw EvenkeelError.usage(
        "Importance is that of a table's columns; the examples are of shape \(dataset.shape), whose single values mean nothing alone."
      )
    }
    guard let output else { throw EvenkeelError.usage("The model is not trained, so no column matters to it yet.") }
    let metric = metric ?? (output.classLabels.isEmpty ? .coefficientOfDetermination : .accuracy)
    try metric.requireFit(output)
    guard dataset.count > 1 else {
      throw EvenkeelError.data("The data has \(dataset.count) examples; a permutation needs at least 2.")
    }
    let value = try value(of: metric, in: try evaluation(of: dataset, threads: threads))
    let columns = dataset.columnFeatures
    let passes = columns.count * repeats
    let progress = Progress(passes: passes, onPass)
    let key = RandomKey(seed: seed).branch(RandomStream.permutation)
    let values = try concurrentResults(passes, threads: threads) { pass in
      defer { progress.advance() }
      let (column, turn) = (pass / repeats, pass % repeats)
      let donors = dataset.donors(key.branch(column).branch(turn))
      return try self.value(of: metric, on: dataset, taking: columns[column].features, from: donors)
    }
    let importances = columns.indices.map { column in
      let drops = values[column * repeats..<(column + 1) * repeats].map { metric.prefersLess ? $0 - value : value - $0 }
      return ColumnImportance(name: columns[column].name, drops: drops)
    }
    let order = importances.indices.sorted { (importances[$0].mean, $1) > (importances[$1].mean, $0) }
    return PermutationImportance(
      metric: metric, value: value, count: dataset.count, columns: order.map { importances[$0] })
  }

  /// The value of `metric` where every example has the features `positions` of its donor.
  private func value(
    of metric: Metric, on dataset: Dataset, taking positions: Range<Int>, from donors: [Int]
  ) throws -> Double {
    let size = dataset.examplesOfBlock
    let memory = try AlignedFloats(
      count: (size * dataset.examples.rowSize + 3) / MemoryLayout<Float>.stride, for: "A copy of \(size) examples")
    var evaluator = try Evaluator(output, width: outputCount, keepsPredictions: true)
    for start in stride(from: 0, to: dataset.count, by: size) {
      let range = start..<min(start + size, dataset.count)
      let block = try dataset.block(range, taking: positions, from: donors, into: memory)
      try evaluator.add(block) { try run(block, InferenceRun(threads: 1), $0) }
    }
    return try value(of: metric, in: evaluator.evaluation())
  }

  private func value(of metric: Metric, in evaluation: Evaluation) throws -> Double {
    guard let value = evaluation.value(of: metric) else {
      throw EvenkeelError.data(
        "The metric \(metric.rawValue) is not defined on the data: its targets are all the same, or lack a class.")
    }
    return value
  }
}

extension Dataset {
  /// What is permuted together: the columns of a table, or the features of other data.
  package var columnFeatures: [(name: String, features: Range<Int>)] {
    guard let encoding else { return (0..<shape.count).map { ("feature \($0)", $0..<$0 + 1) } }
    var start = 0
    return encoding.columns.map { column in
      defer { start += column.width }
      return (column.name.isEmpty ? "(no name)" : column.name, start..<start + column.width)
    }
  }

  /// For each example the one whose value it gets: a random permutation, or with weights, example j with a probability proportional
  /// to its weight.
  fileprivate func donors(_ key: RandomKey) -> [Int] {
    var random = RandomNumbers(key)
    var order = Array(0..<count)
    random.shuffle(&order)
    guard weights != nil else { return order }
    // The examples in both orders lie around a circle, each as long as its weight: what lies at the middle of an example gives. A
    // random turn makes every place of the circle the same.
    var ends: [Double] = []
    for example in order { ends.append((ends.last ?? 0) + Double(weight(example))) }
    let total = ends.last ?? 0
    var start = random.uniform() * total
    return (0..<count).map { example in
      let middle = start + Double(weight(example)) / 2
      start += Double(weight(example))
      return order[ends.firstAbove(middle < total ? middle : min(middle - total, total.nextDown))]
    }
  }
}

extension [Double] {
  /// The place of the first of the rising numbers that is above `value`, which the last one is.
  fileprivate func firstAbove(_ value: Double) -> Int {
    var (low, high) = (0, count - 1)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] > value { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// Counts passes that several threads make.
private final class Progress: Sendable {
  private let passes: Int
  private let done = Atomic(0)
  private let onPass: (@Sendable (_ done: Int, _ passes: Int) -> Void)?

  init(passes: Int, _ onPass: (@Sendable (_ done: Int, _ passes: Int) -> Void)?) {
    (self.passes, self.onPass) = (passes, onPass)
  }

  func advance() {
    let done = done.wrappingAdd(1, ordering: .relaxed).newValue
    onPass?(done, passes)
  }
}
