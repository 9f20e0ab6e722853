/// Models whose predictions are averaged: the probabilities of classes, or values. A value, like `Model`.
///
/// Members were trained on different rows of the same data, as by the folds of a cross-validation. Each has its own scaling, and of a
/// table its own encoding, so they take a table as a data set each.
///
/// ```swift
/// let ensemble = try ModelEnsemble([model, other])
/// let probabilities = try ensemble.predictInDouble([test, test])
/// try ensemble.write(to: "ensemble.safetensors")
/// ```
public struct ModelEnsemble: Sendable {
  /// One or more.
  public let members: [Model]
  /// What the averages mean; nil for one model before training. A threshold here is that of the averages.
  public internal(set) var output: OutputDescription?

  /// The mean of these models.
  /// - Throws: `EvenkeelError` with code `usage` if there is no model, or if they do not predict the same.
  public init(_ members: [Model]) throws {
    guard let first = members.first else {
      throw EvenkeelError.usage("There is no model to average.")
    }
    self.members = members
    output = first.output
    guard members.count > 1 else { return }
    output?.temperature = nil
    output?.threshold = nil
    guard let output,
      members.allSatisfy({
        $0.output?.loss == output.loss && $0.output?.classLabels == output.classLabels
          && $0.output?.targetNames == output.targetNames && $0.outputCount == first.outputCount
          && $0.readsRows(of: first)
      })
    else {
      throw EvenkeelError.usage(
        "Only trained models that predict the same of the same data can be averaged.")
    }
  }

  /// The number of values that are predicted for an example.
  package var outputCount: Int { members[0].outputCount }

  /// How each member encodes a table.
  var encodings: [TableEncoding?] { members.map(\.encoding) }

  /// The table that the members were trained on; together they learn from all its rows.
  private var table: TrainingTable? {
    members[0].table.map { members.count == 1 ? $0 : TrainingTable(rows: $0.rows, trained: $0.rows.count) }
  }

  /// Chooses from which averaged probability on the second of two classes is predicted; nil for the more probable class.
  package mutating func setThreshold(_ threshold: Double?) { output?.threshold = threshold }

  /// The mean of what the members predict, as `Model.predictInDouble`.
  /// - Parameters:
  ///   - datasets: The same examples as each member takes them.
  ///   - threads: The most threads; nil for as many as pay. The result does not depend on it.
  public func predictInDouble(_ datasets: [Dataset], threads: Int? = nil) throws -> [Double] {
    try predictInDouble(datasets, Model.InferenceRun(threads: threads))
  }

  /// The same by ranks that share the examples; nil for this process alone.
  package func predictInDouble(
    _ datasets: [Dataset], threads: Int? = nil, among communicator: (any Communicator)?
  ) throws -> [Double] {
    try predictInDouble(datasets, Model.InferenceRun(threads: threads, communicator: communicator))
  }

  private func predictInDouble(_ datasets: [Dataset], _ options: Model.InferenceRun) throws -> [Double] {
    precondition(
      datasets.count == members.count, "One data set for each of \(members.count) members.")
    var mean = try members[0].predictInDouble(datasets[0], options)
    guard members.count > 1 else { return mean }
    for (member, dataset) in zip(members, datasets).dropFirst() {
      let values = try member.predictInDouble(dataset, options)
      for index in mean.indices { mean[index] += values[index] }
    }
    for index in mean.indices { mean[index] /= Double(members.count) }
    return mean
  }

  /// How good the averages are, as `Model.evaluation`.
  /// - Parameters:
  ///   - datasets: The same examples as each member takes them.
  ///   - threshold: From which averaged probability on a class is predicted; nil for the stored one, or the most probable class.
  ///   - threads: The most threads; nil for as many as pay. The result does not depend on it.
  public func evaluation(
    of datasets: [Dataset], threshold: DecisionThreshold? = nil, threads: Int? = nil
  ) throws -> Evaluation {
    try evaluation(of: datasets, threshold: threshold, threads: threads, among: nil)
  }

  /// The same by ranks that share the examples; nil for this process alone.
  package func evaluation(
    of datasets: [Dataset], threshold: DecisionThreshold? = nil, threads: Int? = nil,
    among communicator: (any Communicator)?
  ) throws -> Evaluation {
    var evaluator = try makeEvaluator(threshold)
    try add(datasets, to: &evaluator, Model.InferenceRun(threads: threads, communicator: communicator))
    return try evaluator.evaluation()
  }

  /// The same of a table that comes in parts, and warnings about it. Only outputs and targets are kept of it.
  package func evaluation(
    of parts: TableParts, threshold: DecisionThreshold? = nil, among communicator: (any Communicator)? = nil
  ) throws -> (evaluation: Evaluation, warnings: [String]) {
    var evaluator = try makeEvaluator(threshold)
    let empty = evaluator
    let sharing = PartSharing<Evaluator>(
      among: communicator, write: { $0.write(to: &$1) }, read: { empty.reading(&$0) })
    let warnings = try parts.forEach(sharedBy: sharing) { part in
      var own = empty
      try add(part.datasets, to: &own, Model.InferenceRun(threads: 1))
      return own
    } then: {
      evaluator.add($0)
    }
    return (try evaluator.evaluation(), warnings)
  }

  private func makeEvaluator(_ threshold: DecisionThreshold?) throws -> Evaluator {
    try Evaluator(output, width: outputCount, keepsPredictions: true, threshold: threshold, table: table)
  }

  private func add(_ datasets: [Dataset], to evaluator: inout Evaluator, _ options: Model.InferenceRun) throws {
    guard members.count > 1 else {
      return try evaluator.add(datasets[0]) { try members[0].run(datasets[0], options, $0) }
    }
    try evaluator.add(try predictInDouble(datasets, options), for: datasets[0])
  }
}

extension Model {
  /// Whether both take the same examples of the same data: of a table, only what becomes of its columns may differ.
  fileprivate func readsRows(of other: Model) -> Bool {
    guard let encoding, let own = other.encoding, encoding.hasNamedColumns else {
      return TableEncoding.agree(self.encoding, other.encoding) && images == other.images
        && network.input == other.network.input
    }
    return own.hasNamedColumns && encoding.readsRows(of: own)
  }
}

extension OutputDescription {
  /// How good predictions are that are there already.
  /// - Parameters:
  ///   - predictions: As `Model.predictInDouble` gives them.
  ///   - dataset: What they are for; of it only targets and weights matter.
  package func evaluation(of predictions: [Double], for dataset: Dataset) throws -> Evaluation {
    let width = predictions.count / max(dataset.count, 1)
    var evaluator = try Evaluator(self, width: width, keepsPredictions: true)
    try evaluator.add(predictions, for: dataset)
    return try evaluator.evaluation()
  }
}
