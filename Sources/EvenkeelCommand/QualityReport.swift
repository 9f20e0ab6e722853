import Evenkeel
import Glibc

func describe(_ quality: Quality) -> String {
  var text = "loss \(fixed(quality.loss, 4))"
  if let accuracy = quality.accuracy { text += ", accuracy \(fixed(100 * accuracy, 2)) %" }
  if let error = quality.rootMeanSquaredError { text += ", RMSE \(fixed(error, 4))" }
  if quality.targets.count == 1, let share = quality.targets[0].coefficientOfDetermination {
    text += ", R² \(fixed(share, 4))"
  }
  return text + " on \(quality.count) examples"
}

/// A line for each target, where there are several.
func describeTargets(_ quality: Quality) -> [String] {
  guard quality.targets.count > 1 else { return [] }
  return quality.targets.map { target in
    let share = target.coefficientOfDetermination.map { fixed($0, 4) } ?? "none, as the target is constant"
    return "  \(target.name): RMSE \(digits(target.rootMeanSquaredError)), R² \(share)"
  }
}

/// The targets of a regression as a JSON array; nil for a classifier.
func jsonTargets(_ quality: Quality) -> String? {
  guard !quality.targets.isEmpty else { return nil }
  let objects = quality.targets.map { target in
    jsonObject([
      ("name", jsonText(target.name)), ("RMSE", jsonNumber(target.rootMeanSquaredError)),
      ("R2", target.coefficientOfDetermination.map { jsonNumber($0)! } ?? "null"),
    ])
  }
  return "[\(objects.joined(separator: ","))]"
}

/// Four digits that count: targets have units of their own, and one may be a thousandth of another.
private func digits(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return fixed(value, 4) }
  let power = pow(10, 3 - log10(abs(value)).rounded(.down))
  guard power.isFinite, power > 0 else { return "\(value)" }
  let rounded = (value * power).rounded() / power
  return rounded >= 1e6 || rounded < 1e-4 ? "\(rounded)" : fixed(rounded, max(0, Int(log10(power))))
}
