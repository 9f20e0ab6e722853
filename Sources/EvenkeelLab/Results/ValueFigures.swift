import Evenkeel
import Glibc

extension ValuePredictions {
  /// As many dots as a page shows.
  private static let mostDots = 1_000

  /// Predicted values against true ones.
  func agreementFigure(of target: Int) -> Figure {
    let pairs = pairs(of: target)
    let pitch = (pairs.count + Self.mostDots - 1) / Self.mostDots
    let shown = stride(from: 0, to: pairs.count, by: max(1, pitch)).map {
      Dots.Place(x: pairs[$0].truth, y: pairs[$0].predicted)
    }
    return Figure(
      "Predicted and true: \(names[target])",
      caption: (pitch > 1 ? "\(shown.count) of \(pairs.count) examples, evenly spaced. " : "")
        + "On the dotted line the prediction is right.",
      alternative:
        "Predicted over true values of \(names[target]), \(shown.count) dots; R² and errors are in the table of metrics.",
      x: Axis("True"), y: Axis("Predicted"), plot: .dots(Dots(side: .with, places: shown, hasDiagonal: true)))
  }

  /// How often errors of each size occur.
  func errorFigure(of target: Int) -> Figure? {
    let errors = weightedErrors(of: target)
    let ends = Self.quantiles([0.005, 0.25, 0.75, 0.995], of: errors)
    guard ends[3] > ends[0] else { return nil }
    let total = errors.reduce(0) { $0 + $1.weight }
    // Freedman and Diaconis 1981, within what a page shows.
    let ideal = 2 * (ends[2] - ends[1]) / pow(Double(errors.count), 1 / 3.0)
    let count = ideal > 0 ? min(max(Int(((ends[3] - ends[0]) / ideal).rounded(.up)), 8), 40) : 20
    let width = (ends[3] - ends[0]) / Double(count)
    var shares = [Double](repeating: 0, count: count)
    for (error, weight) in errors {
      let place = ((error - ends[0]) / width).rounded(.down)
      shares[min(max(place.isFinite ? Int(max(-1, min(place, 1e6))) : 0, 0), count - 1)] += 100 * weight / total
    }
    let points = shares.indices.flatMap { bin in
      [0.0, 1].map { end in
        Curve.Point(ends[0] + (Double(bin) + end) * width, shares[bin], low: 0, high: shares[bin])
      }
    }
    let peak = shares.indices.max { shares[$0] < shares[$1] }!
    let middle = NumberText.page.significant(ends[0] + (Double(peak) + 0.5) * width)
    return Figure(
      "Errors: \(names[target])",
      caption:
        "Predicted minus true, in \(count) ranges of equal width; the first and the last also hold what lies beyond them.",
      alternative:
        "Histogram of the errors of \(names[target]): most, \(NumberText.page.significant(shares[peak])) %, lie around \(middle).",
      x: Axis("Predicted − true"), y: Axis("Examples", unit: "%"),
      plot: .curves([Curve("", side: .with, points: points)]), references: [.x(0, "")])
  }

  /// Quantiles of the errors, a line for each target.
  var errorTable: NumberTable {
    let shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    return NumberTable(
      "Quantiles of predicted − true",
      columns: ["Target"] + shares.map { $0 == 0.5 ? "Median" : NumberText.page.percent($0, decimals: 0) },
      rows: names.indices.map { target in
        [.text(names[target])] + Self.quantiles(shares, of: weightedErrors(of: target)).map { .number($0) }
      })
  }

  /// Rising.
  private func weightedErrors(of target: Int) -> [(error: Double, weight: Double)] {
    pairs(of: target).map { ($0.predicted - $0.truth, $0.weight) }.sorted { $0.0 < $1.0 }
  }

  /// For each of the rising `shares` the least error that so much of the weight does not exceed.
  private static func quantiles(_ shares: [Double], of errors: [(error: Double, weight: Double)]) -> [Double] {
    let total = errors.reduce(0) { $0 + $1.weight }
    var (place, sum) = (0, errors.first?.weight ?? 0)
    return shares.map { share in
      while place + 1 < errors.count, sum < share * total {
        place += 1
        sum += errors[place].weight
      }
      return errors.isEmpty ? .nan : errors[place].error
    }
  }
}
