/// A number that says how good predictions are, as scikit-learn defines it; the raw value is its name in the command.
public enum Metric: String, CaseIterable, Codable, Sendable {
  /// The share of examples whose predicted class is the right one.
  case accuracy
  /// The mean of the classes' recalls, each class counting the same.
  case balancedAccuracy = "balanced-accuracy"
  /// F1 of the second of two classes: 2 TP / (2 TP + FP + FN).
  case f1
  /// The mean of the F1 of all classes that occur or are predicted.
  case macroF1 = "f1-macro"
  /// The area under the ROC curve: of the second of two classes, or the mean over classes, each against the rest.
  case rocAUC = "roc-auc"
  /// The sum of precision times the step of recall over all thresholds: of the second of two classes, or the mean over classes, each
  /// against the rest.
  case averagePrecision = "average-precision"
  /// The mean of −log of the right class's probability, which is kept from 0 by 2⁻⁵².
  case logLoss = "log-loss"
  /// The mean of Σ (p − t)² over classes, halved for two classes.
  case brier
  /// The expected calibration error: the mean distance of confidence and accuracy over `ClassPredictions.reliability`.
  case calibrationError = "ece"
  /// The root of the mean squared error; of several targets the mean.
  case rootMeanSquaredError = "rmse"
  /// The mean of |y − t|; of several targets the mean.
  case meanAbsoluteError = "mae"
  /// The median of |y − t|; of several targets the mean.
  case medianAbsoluteError = "median-error"
  /// R²: 1 minus the ratio of the squared error to that of always predicting the mean; of several targets the mean.
  case coefficientOfDetermination = "r2"

  /// Whether a smaller value is a better one.
  public var prefersLess: Bool {
    switch self {
    case .logLoss, .brier, .calibrationError, .rootMeanSquaredError, .meanAbsoluteError, .medianAbsoluteError: true
    default: false
    }
  }

  /// Whether it is about classes, not about values.
  public var isOfClasses: Bool {
    switch self {
    case .rootMeanSquaredError, .meanAbsoluteError, .medianAbsoluteError, .coefficientOfDetermination: false
    default: true
    }
  }

  /// Whether `value` is better than `other`.
  package func isBetter(_ value: Double, than other: Double) -> Bool { prefersLess ? value < other : value > other }

  /// - Throws: `EvenkeelError` with code `usage` if `output` has no such metric.
  package func requireFit(_ output: OutputDescription) throws {
    let isOfClasses = !output.classLabels.isEmpty
    let fitting = Self.allCases.filter {
      $0.isOfClasses == isOfClasses && ($0 != .f1 || output.classLabels.count == 2)
    }
    guard !fitting.contains(self) else { return }
    let kind = isOfClasses ? "\(output.classLabels.count) classes" : "values"
    throw EvenkeelError.usage(
      "The metric \(rawValue) does not fit a target of \(kind); expected \(fitting.map(\.rawValue).alternatives).")
  }
}
