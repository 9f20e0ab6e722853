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
  ///
  /// ```swift
  /// let evaluation = try model.evaluation(of: test)
  /// print(evaluation.value(of: .accuracy) ?? 0, evaluation.value(of: .rocAUC) ?? 0)
  /// ```
  /// - Parameters:
  ///   - dataset: Examples with targets, encoded as the model was trained.
  ///   - threshold: From which probability on a class is predicted; nil for the model's own, or the most probable class.
  ///   - threads: The most threads; nil for as many as pay. The result does not depend on it.
  /// - Throws: As `evaluate`.
  public func evaluation(
    of dataset: Dataset, threshold: DecisionThreshold? = nil, threads: Int? = nil
  ) throws -> Evaluation {
    try ModelEnsemble([self]).evaluation(of: [dataset], threshold: threshold, threads: threads)
  }
}

extension OutputDescription {
  /// The class that is predicted from a row of interpreted outputs.
  package func choice(of outputs: UnsafeBufferPointer<Double>, threshold: DecisionThreshold? = nil) -> Int {
    if let threshold = threshold ?? ownThreshold {
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
