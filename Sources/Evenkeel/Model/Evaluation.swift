/// What a model predicts for examples beside what is true of them, and how good that is. Examples count by their weights; those
/// without weight are left out.
///
/// A class that only the data has is one that the model gives the probability 0: its examples count as wrong.
public struct Evaluation: Sendable {
  /// Loss and scores as training computes them.
  public let quality: Quality
  /// Of a classifier; nil for a regression.
  public let classes: ClassPredictions?
  /// Of a regression; nil for a classifier.
  public let values: ValuePredictions?
  /// The table that the model was trained on, if it is the one that was evaluated, all its rows.
  package let trainingTable: TrainingTable?

  /// The value of `metric`; nil where it is of another kind of target, or not defined, as an area under a curve without examples
  /// on both sides.
  public func value(of metric: Metric) -> Double? {
    classes?.value(of: metric) ?? values?.value(of: metric)
  }
}

extension Model {
  /// Predicts every example of `dataset` with running statistics and compares with its target.
  /// - Parameter threshold: From which probability on a class is predicted; nil for the most probable class.
  /// - Throws: As `evaluate`.
  public func evaluation(
    of dataset: Dataset, threshold: DecisionThreshold? = nil, threads: Int? = nil
  ) throws -> Evaluation {
    var evaluator = try Evaluator(self, keepsPredictions: true, threshold: threshold)
    try evaluator.add(dataset, InferenceRun(threads: threads))
    return try evaluator.evaluation()
  }

  /// The same of a table that comes in parts, and warnings about it. Only outputs and targets are kept of it.
  package func evaluation(
    of parts: TableParts, threshold: DecisionThreshold? = nil
  ) throws -> (evaluation: Evaluation, warnings: [String]) {
    var evaluator = try Evaluator(self, keepsPredictions: true, threshold: threshold)
    let warnings = try parts.forEach { part in
      var own = try Evaluator(self, keepsPredictions: true, threshold: threshold)
      try own.add(part.dataset, InferenceRun(threads: 1))
      return own
    } then: {
      evaluator.add($0)
    }
    return (try evaluator.evaluation(), warnings)
  }
}

/// The probability from which on one of two classes is predicted.
public struct DecisionThreshold: Hashable, Sendable {
  /// The class's place among the model's.
  let index: Int
  let probability: Double

  /// - Parameter name: The class; the second one if nil.
  /// - Throws: `EvenkeelError` with code `usage` for another number of classes, a class that is none of them, or a probability
  ///   out of range.
  public init(_ probability: Double, of name: String? = nil, among classes: [String]) throws {
    guard (0...1).contains(probability) else {
      throw EvenkeelError.usage("The threshold is \(probability); expected a probability from 0 to 1.")
    }
    guard classes.count == 2 else {
      let count = classes.isEmpty ? "values" : "\(classes.count) classes"
      throw EvenkeelError.usage("A threshold decides between two classes; the model predicts \(count).")
    }
    guard let index = name.map({ classes.firstIndex(of: $0) }) ?? 1 else {
      throw EvenkeelError.usage("The model has no class \"\(name!)\"; expected \(classes.alternatives).")
    }
    (self.index, self.probability) = (index, probability)
  }
}

extension OutputDescription {
  /// The class that is predicted from a row of interpreted outputs.
  package func choice(of outputs: UnsafeBufferPointer<Double>, threshold: DecisionThreshold? = nil) -> Int {
    if let threshold {
      let isReached = probability(of: threshold.index, in: outputs) >= threshold.probability
      return isReached ? threshold.index : 1 - threshold.index
    }
    guard outputs.count > 1 else { return outputs[0] > 0.5 ? 1 : 0 }
    return outputs.indices.max { outputs[$0] < outputs[$1] }!
  }

  /// The probability of a class in a row of interpreted outputs, of which there may be one for two classes.
  package func probability(of index: Int, in outputs: UnsafeBufferPointer<Double>) -> Double {
    outputs.count > 1 ? outputs[index] : index == 1 ? outputs[0] : 1 - outputs[0]
  }
}
