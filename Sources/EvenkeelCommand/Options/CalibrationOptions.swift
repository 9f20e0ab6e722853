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

  /// Fits a temperature to `validation`, if that was asked for or may help.
  /// - Returns: A line that says what was decided; nil where there was nothing to decide.
  func fitTemperature(of model: inout Model, to validation: Dataset, threads: Int) throws -> String? {
    guard model.output?.classLabels.isEmpty == false, !validation.isEmpty,
      calibration != Method.none
    else { return nil }
    let fitted = try model.calibrate(
      on: validation, always: calibration == .temperature, threads: threads)
    return model.output?.temperature == nil
      ? "no temperature: none lowers the log loss of the \(fitted.count) validation rows in cross-fitting"
      : "temperature \(NumberText.plain.significant(fitted.temperature, digits: 3)) from \(fitted.count) validation rows"
  }

  /// Fits what was asked for to `validation`.
  /// - Returns: A line for each thing that was decided.
  func fit(_ model: inout Model, to validation: Dataset, threads: Int) throws -> [String] {
    var lines = [try fitTemperature(of: &model, to: validation, threads: threads)].compactMap(
      \.self)
    if let thresholdFor {
      let (threshold, value) = try model.chooseThreshold(
        for: thresholdFor, on: validation, threads: threads)
      lines.append(
        thresholdFor.line(model.output, threshold, value, on: "\(validation.count) validation rows")
      )
    }
    return lines
  }
}

extension DecisionThreshold.Goal {
  /// What was chosen, for people.
  func line(_ output: OutputDescription?, _ threshold: Double, _ value: Double, on rows: String)
    -> String
  {
    let number = { NumberText.plain.fixed($0, decimals: 4) }
    let label = output?.classLabels.last ?? ""
    return "threshold \(number(threshold)) of \(label) for \(rawValue): \(number(value)) on \(rows)"
  }
}
