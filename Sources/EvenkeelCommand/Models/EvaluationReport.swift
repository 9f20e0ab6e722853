import Evenkeel

/// An evaluation for people: metrics, a line for each class, and the confusion matrix.
struct EvaluationReport {
  let evaluation: Evaluation

  /// More classes than this make a matrix that no terminal shows.
  private static let mostColumns = 20

  var lines: [String] {
    let quality = evaluation.quality
    var lines = [quality.summary] + quality.targetLines
    let shown = metrics.compactMap { metric, name in
      evaluation.value(of: metric).map { "\(name) \(metric.text($0))" }
    }
    lines.append(shown.joined(separator: ", "))
    guard let classes = evaluation.classes else { return lines }
    lines += ["", row("class", ["precision", "recall", "F1", "examples"])]
    for quality in classes.classQualities {
      let shares = [quality.precision, quality.recall, quality.f1].map { NumberText.plain.fixed($0, decimals: 4) }
      lines.append(row(quality.name, shares + [NumberText.plain.short(quality.weight)]))
    }
    let undefined = metrics.filter { evaluation.value(of: $0.0) == nil && $0.0 != .f1 }.map(\.1)
    if !undefined.isEmpty {
      lines.append("\(undefined.joined(separator: ", ")): not defined, as the data lacks a class.")
    }
    guard classes.labels.count <= Self.mostColumns else { return lines }
    lines += ["", row("class, predicted as", classes.labels)]
    for (label, counts) in zip(classes.labels, classes.confusion) {
      lines.append(row(label, counts.map { NumberText.plain.short($0) }))
    }
    return lines
  }

  /// Those that the summary lacks.
  private var metrics: [(Metric, String)] {
    guard let classes = evaluation.classes else {
      return [(.meanAbsoluteError, "mean absolute error"), (.medianAbsoluteError, "median error")]
    }
    return [
      (.balancedAccuracy, "balanced accuracy"), (.f1, "F1 of \(classes.labels[1])"), (.macroF1, "macro F1"),
      (.rocAUC, "ROC-AUC"), (.averagePrecision, "average precision"), (.logLoss, "log loss"), (.brier, "Brier score"),
      (.calibrationError, "ECE"),
    ]
  }

  /// A class and numbers, in columns as wide as the longest class.
  private func row(_ name: String, _ cells: [String]) -> String {
    let labels = evaluation.classes?.labels ?? []
    let first = max(20, (labels.map(\.count).max() ?? 0) + 1)
    return name.padded(to: first) + cells.map { $0.alignedRight(in: max(10, $0.count + 1)) }.joined()
  }
}

extension Metric {
  /// A value of the metric: shares of right answers in percent, errors with four digits.
  func text(_ value: Double) -> String {
    switch self {
    case .accuracy, .balancedAccuracy: NumberText.plain.percent(value, decimals: 2)
    case .rootMeanSquaredError, .meanAbsoluteError, .medianAbsoluteError:
      NumberText.plain.significant(value, digits: 4)
    default: NumberText.plain.fixed(value, decimals: 4)
    }
  }
}

extension Evaluation {
  /// Says which classes the model cannot predict.
  func warnOfUnknownClasses() {
    guard let unknown = classes?.unknownClassQualities, !unknown.isEmpty else { return }
    let names = unknown.prefix(2).map { "\"\($0.name)\"" }.joined(separator: ", ")
    let total = NumberText.plain.short(unknown.reduce(0) { $0 + $1.weight })
    warn(
      "\(unknown.count) \(unknown.count == 1 ? "class does" : "classes do") not occur in the training data (\(names)\(unknown.count > 2 ? ", …" : "")): \(total) of the examples evaluated count as wrong."
    )
  }
}

/// An evaluation in JSON.
struct EvaluationLine: Encodable {
  let loss: Double
  let accuracy, RMSE: Double?
  let targets: [TargetLine]?
  let count: Int
  /// By the names of `--metric`; what is not defined is left out.
  let metrics: [String: Double]
  let classes: [ClassLine]?
  /// Row: the class; column: what is predicted; both in the order of `classes`.
  let confusion: [[Double]]?
  /// How often predictions of a confidence are right, in bins of equal width; those without examples are left out.
  let reliability: [ReliabilityLine]?

  init(_ evaluation: Evaluation) {
    let quality = evaluation.quality
    (loss, accuracy, RMSE) = (quality.loss, quality.accuracy, quality.rootMeanSquaredError)
    (targets, count) = (TargetLine.lines(quality), quality.count)
    metrics = Dictionary(
      uniqueKeysWithValues: Metric.allCases.compactMap { metric in
        evaluation.value(of: metric).map { (metric.rawValue, $0) }
      })
    classes = evaluation.classes?.classQualities.map(ClassLine.init)
    confusion = evaluation.classes?.confusion
    reliability = evaluation.classes?.reliability.map(ReliabilityLine.init)
  }
}

/// A class in JSON.
struct ClassLine: Encodable {
  let name: String
  let precision, recall, f1, weight: Double

  init(_ quality: ClassQuality) {
    (name, precision, recall) = (quality.name, quality.precision, quality.recall)
    (f1, weight) = (quality.f1, quality.weight)
  }
}

/// A bin of confidences in JSON.
struct ReliabilityLine: Encodable {
  let lower, upper, confidence, accuracy, weight: Double

  init(_ bin: ReliabilityBin) {
    (lower, upper, confidence, accuracy, weight) = (bin.lower, bin.upper, bin.confidence, bin.accuracy, bin.weight)
  }
}
