import Evenkeel

extension Quality {
  /// Loss and scores on one line.
  var summary: String { summary(beside: nil) }

  /// Loss and scores on one line, beside those of a guess.
  func summary(beside guess: Guess?) -> String {
    let number = { NumberText.plain.fixed($0, decimals: 4) }
    var text = "loss \(number(loss))"
    if let accuracy { text += ", accuracy \(NumberText.plain.percent(accuracy, decimals: 2))" }
    if let share = guess?.accuracy, let label = guess?.label {
      text += " (always \"\(label)\": \(NumberText.plain.percent(share, decimals: 2)))"
    }
    if let error = rootMeanSquaredError { text += ", RMSE \(number(error))" }
    if rootMeanSquaredError != nil, let error = guess?.rootMeanSquaredError { text += " (the mean: \(number(error)))" }
    if targets.count == 1, let share = targets[0].coefficientOfDetermination { text += ", R² \(number(share))" }
    return text + " on \(count) examples"
  }

  /// A line for each target, if there are several: targets have units of their own, and one may be a thousandth of another.
  var targetLines: [String] {
    guard targets.count > 1 else { return [] }
    return targets.map { target in
      let error = NumberText.plain.significant(target.rootMeanSquaredError, digits: 4)
      let share = target.coefficientOfDetermination.map { NumberText.plain.fixed($0, decimals: 4) }
      return "  \(target.name): RMSE \(error), R² \(share ?? "undefined, as the target is constant")"
    }
  }
}

/// A target of a regression in JSON; R² is null for a constant one.
struct TargetLine: Encodable {
  let name: String
  let RMSE: Double
  let R2: Double

  /// The targets of a regression; nil for a classifier.
  static func lines(_ quality: Quality) -> [TargetLine]? {
    guard !quality.targets.isEmpty else { return nil }
    return quality.targets.map {
      TargetLine(name: $0.name, RMSE: $0.rootMeanSquaredError, R2: $0.coefficientOfDetermination ?? .nan)
    }
  }
}
