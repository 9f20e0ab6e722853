/// The probability from which on one of two classes is predicted.
public struct DecisionThreshold: Hashable, Sendable {
  /// The class's place among the model's.
  let index: Int
  let probability: Double

  /// From `probability` on, the class `name` is predicted, otherwise the other one.
  /// - Parameters:
  ///   - probability: From 0 to 1.
  ///   - name: The class; the second one if nil.
  ///   - classes: The two classes of a model.
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

  fileprivate init(ofSecond probability: Double) { (index, self.probability) = (1, probability) }

  /// What a threshold is chosen for.
  public enum Goal: String, CaseIterable, Sendable {
    /// F1 of the second class.
    case f1
    /// The mean of both classes' recalls.
    case balancedAccuracy = "balanced-accuracy"
  }
}

extension OutputDescription {
  /// The threshold that was chosen for the model; nil for the more probable class.
  var ownThreshold: DecisionThreshold? { threshold.map { DecisionThreshold(ofSecond: $0) } }
}

extension Model {
  /// Chooses on `validation` from which probability on the second of two classes is predicted, and keeps it.
  ///
  /// ```swift
  /// let (threshold, f1) = try model.chooseThreshold(for: .f1, on: validation)
  /// ```
  /// - Returns: The threshold, and the goal's value there.
  /// - Throws: `EvenkeelError`: `usage` for another number of classes, `data` if a class does not occur; as `evaluate`.
  @discardableResult
  public mutating func chooseThreshold(
    for goal: DecisionThreshold.Goal, on validation: Dataset, threads: Int? = nil
  ) throws -> (threshold: Double, value: Double) {
    let evaluation = try evaluation(of: validation, threads: threads)
    let chosen = try evaluation.bestThreshold(for: goal)
    output?.threshold = chosen.threshold
    return chosen
  }
}

extension Evaluation {
  /// The threshold of the second of two classes that is best for `goal`.
  /// - Throws: As `Model.chooseThreshold`.
  package func bestThreshold(for goal: DecisionThreshold.Goal) throws -> (threshold: Double, value: Double) {
    guard let classes, classes.known == 2 else {
      let count = classes.map { "\($0.known) classes" } ?? "values"
      throw EvenkeelError.usage("A threshold decides between two classes; the model predicts \(count).")
    }
    guard let best = classes.bestThreshold(for: goal) else {
      throw EvenkeelError.data("A threshold cannot be chosen where one of two classes does not occur.")
    }
    return best
  }
}

extension ClassPredictions {
  /// The threshold of the second class that is best for `goal`, halfway between two probabilities that occur; of several that are
  /// equally good the one nearest to 0.5. nil if a class does not occur.
  package func bestThreshold(for goal: DecisionThreshold.Goal) -> (threshold: Double, value: Double)? {
    guard let curve = curve(of: 1), let all = curve.last else { return nil }
    var best: (threshold: Double, value: Double)?
    for (place, point) in curve.enumerated() {
      let next = place + 1 < curve.count ? curve[place + 1].score : 0
      let threshold = (point.score + next) / 2
      let value =
        switch goal {
        case .f1: 2 * point.hits / (point.hits + point.misses + all.hits)
        case .balancedAccuracy: (point.hits / all.hits + (all.misses - point.misses) / all.misses) / 2
        }
      let isBetter = best.map {
        value > $0.value || value == $0.value && abs(threshold - 0.5) < abs($0.threshold - 0.5)
      }
      if isBetter ?? true { best = (threshold, value) }
    }
    return best
  }
}
