import Evenkeel

extension ClassPredictions {
  /// More classes than this make a matrix that no page shows.
  private static let mostClasses = 30

  /// What is predicted for the examples of each class; nil for too many classes.
  var confusionFigure: Figure? {
    guard labels.count <= Self.mostClasses else { return nil }
    // The first class is the uppermost row.
    let values = confusion.reversed().map { row -> [Double?] in
      let total = row.reduce(0, +)
      return row.map { total > 0 ? 100 * $0 / total : nil }
    }
    let places = labels.indices.map(Double.init)
    return Figure(
      "Confusion matrix",
      caption:
        "Of the examples of each class (row), the share for which each class (column) is predicted. The diagonal is what is right.",
      alternative:
        "Confusion matrix of \(labels.count) classes; for \(NumberText.page.percent(value(of: .accuracy) ?? 0, decimals: 1)) of all examples the right one is predicted.",
      x: Axis("Predicted", categories: labels), y: Axis("True class", categories: labels.reversed()),
      plot: .heatMaps(
        [Surface("", side: .with, columns: places, rows: places, values: values)],
        value: Axis("Share of the class", unit: "%", range: 0...100)))
  }

  /// A line for each class, those that are found worst first where there are too many.
  var classTable: NumberTable {
    let most = 50
    let all = classQualities
    let worst = all.indices.sorted { (all[$0].f1, $0) < (all[$1].f1, $1) }.prefix(most)
    let shown = all.count > most ? worst.map { all[$0] } : all
    return NumberTable(
      all.count > most ? "The \(most) classes of \(all.count) with the lowest F1" : "Classes",
      columns: ["Class", "Precision", "Recall", "F1", "Examples"],
      rows: shown.map {
        [.text($0.name), .number($0.precision), .number($0.recall), .number($0.f1), .number($0.weight)]
      })
  }

  /// How often predictions are right that the model is so sure of.
  var reliabilityFigure: Figure {
    let bins = reliability
    return Figure(
      "Reliability",
      caption:
        "Predictions in \(Self.bins) bins by the probability of the most probable class: how often they are right, with 95 % intervals (Wilson). On the dashed line probabilities mean what they say; below it the model is too sure. Expected calibration error \(NumberText.page.percent(value(of: .calibrationError) ?? 0, decimals: 1)).",
      alternative: bins.map { bin in
        "Predictions with a mean probability of \(NumberText.page.percent(bin.confidence, decimals: 0)): \(NumberText.page.percent(bin.accuracy, decimals: 0)) right."
      }.joined(separator: " "),
      x: Axis("Probability of the most probable class", unit: "%", range: 0...100),
      y: Axis("Right", unit: "%", range: 0...100),
      plot: .curves([
        Curve(
          "", side: .with,
          points: bins.map { bin in
            let interval = bin.interval
            return Curve.Point(
              100 * bin.confidence, 100 * bin.accuracy, low: 100 * interval.lowerBound, high: 100 * interval.upperBound)
          }, isMarked: true),
        Curve("", side: .other(3), points: [Curve.Point(0, 0), Curve.Point(100, 100)]),
      ]))
  }

  /// The same in numbers.
  var reliabilityTable: NumberTable {
    NumberTable(
      "Probability of the most probable class", columns: ["From (%)", "To (%)", "Examples", "Mean (%)", "Right (%)"],
      rows: reliability.map { bin in
        [
          .number(100 * bin.lower), .number(100 * bin.upper), .number(bin.weight),
          .number(100 * bin.confidence), .number(100 * bin.accuracy),
        ]
      })
  }
}
