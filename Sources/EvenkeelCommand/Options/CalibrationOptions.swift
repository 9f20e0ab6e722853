import ArgumentParser
import Evenkeel

extension DecisionThreshold.Goal: ExpressibleByArgument {}

/// What the validation data makes of a classifier after training.
struct CalibrationOptions: ParsableArguments {
  enum Method: String, ExpressibleByArgument, CaseIterable { case none, temperature }

  @Option(
    help:
      "How a classifier's probabilities are corrected on --validation: temperature divides the outputs by one number, none leaves them. By default temperature, where that lowers the log loss of validation rows that it was not fitted to."
  )
  var calibration: Method?
  @Option(
    help: "What the probability from which on the second of two classes is predicted is chosen for, on --validation.")
  var thresholdFor: DecisionThreshold.Goal?

  /// - Throws: `EvenkeelError` with code `usage` for a choice that needs validation data.
  func requireValidation(_ validation: Dataset) throws {
    guard validation.isEmpty else { return }
    let option = calibration == .temperature ? "--calibration" : thresholdFor != nil ? "--threshold-for" : nil
    if let option { throw EvenkeelError(.usage, "\(option) needs --validation, either a share or DATA.") }
  }

  /// - Throws: `EvenkeelError` with code `usage` for targets that the options are not for.
  func requireFit(_ training: Dataset) throws {
    let classes: Int
    if case .classes(_, let labels) = training.targets { classes = labels.count } else { classes = 0 }
    let count = classes == 0 ? "values" : "\(classes) classes"
    guard calibration != .temperature || classes > 0 else {
      throw EvenkeelError(
        .usage, "--calibration temperature is for probabilities of classes; the targets are \(count).")
    }
    guard thresholdFor == nil || classes == 2 else {
      throw EvenkeelError(.usage, "--threshold-for is for a target of two classes; this one is of \(count).")
    }
  }

  /// Fits what was asked for to `validation`.
  /// - Returns: A line for each thing that was decided.
  func fit(_ model: inout Model, to validation: Dataset, threads: Int) throws -> [String] {
    guard let labels = model.output?.classLabels, !labels.isEmpty, !validation.isEmpty else { return [] }
    var lines: [String] = []
    if calibration != Method.none {
      let fitted = try model.calibrate(on: validation, always: calibration == .temperature, threads: threads)
      lines.append(
        model.output?.temperature == nil
          ? "no temperature: none lowers the log loss of the \(fitted.count) validation rows in cross-fitting"
          : "temperature \(NumberText.plain.significant(fitted.temperature, digits: 3)) from \(fitted.count) validation rows"
      )
    }
    if let thresholdFor {
      let (threshold, value) = try model.chooseThreshold(for: thresholdFor, on: validation, threads: threads)
      let number = { NumberText.plain.fixed($0, decimals: 4) }
      lines.append(
        "threshold \(number(threshold)) of \(labels[1]) for \(thresholdFor.rawValue): \(number(value)) on \(validation.count) validation rows"
      )
    }
    return lines
  }
}
