import Evenkeel

extension History {
  /// The first epoch that no other is better than: by the metric that training judged by, else by the validation loss. nil without
  /// validation.
  package func bestEpoch(by metric: Metric?) -> Int? {
    var best: (epoch: Int, score: Double)?
    for record in epochs {
      let judged = metric == nil ? record.validationLoss : record.validationMetric
      guard let score = judged, score.isFinite else { continue }
      if best.map({ metric?.isBetter(score, than: $0.score) ?? (score < $0.score) }) ?? true {
        best = (record.epoch, score)
      }
    }
    return best?.epoch
  }

  /// Loss and scores over the epochs, the best of them marked; none without an epoch.
  package func figures(metric: Metric?) -> [Figure] {
    guard !epochs.isEmpty else { return [] }
    var figures = [
      figure("Loss", Axis("Loss", scale: lossScale), metric, { $0.trainLoss }, { $0.validationLoss })
    ]
    if epochs.contains(where: { $0.trainAccuracy != nil }) {
      figures.append(
        figure(
          "Accuracy", Axis("Accuracy", unit: "%"), metric, { $0.trainAccuracy.map { 100 * $0 } },
          { $0.validationAccuracy.map { 100 * $0 } }))
    }
    if epochs.contains(where: { $0.trainRMSE != nil }) {
      figures.append(figure("RMSE", Axis("RMSE"), metric, { $0.trainRMSE }, { $0.validationRMSE }))
    }
    if let metric, ![.accuracy, .rootMeanSquaredError].contains(metric) {
      figures.append(
        figure(metric.title, Axis(metric.title), metric, { _ in nil }, { $0.validationMetric }))
    }
    return figures
  }

  /// Logarithmic where the loss falls to less than a thirtieth.
  private var lossScale: Axis.Scale {
    let values = epochs.flatMap { [$0.trainLoss, $0.validationLoss].compactMap(\.self) }.filter(\.isFinite)
    guard let least = values.min(), let greatest = values.max(), least > 0 else { return .linear }
    return greatest > 30 * least ? .logarithmic : .linear
  }

  private func figure(
    _ name: String, _ axis: Axis, _ metric: Metric?, _ training: @escaping (EpochRecord) -> Double?,
    _ validation: @escaping (EpochRecord) -> Double?
  ) -> Figure {
    // A dot for each of a few epochs.
    let isMarked = epochs.count <= 12
    let sides: [(String, Side, (EpochRecord) -> Double?)] = [
      ("training", .without, training), ("validation", .with, validation),
    ]
    let curves = sides.compactMap { name, side, value -> Curve? in
      let points = epochs.compactMap { record in value(record).map { Curve.Point(Double(record.epoch), $0) } }
      return points.isEmpty ? nil : Curve(name, side: side, points: points, isMarked: isMarked)
    }
    let best = bestEpoch(by: metric)
    return Figure(
      name,
      caption: curves.contains { $0.name == "training" }
        ? "Training: the mean over an epoch’s batches, each before its step, with what is random in training. Validation: after the epoch, with running statistics."
        : "On the validation data after each epoch.",
      x: Axis("Epoch"), y: axis, plot: .curves(curves),
      references: best.map { [.x(Double($0), "best: epoch \($0)")] } ?? [])
  }
}

extension Metric {
  /// As a word: "balanced accuracy".
  var title: String {
    switch self {
    case .f1: "F1"
    case .macroF1: "macro F1"
    case .rocAUC: "ROC-AUC"
    case .brier: "Brier score"
    case .calibrationError: "expected calibration error"
    case .rootMeanSquaredError: "RMSE"
    case .meanAbsoluteError: "mean absolute error"
    case .coefficientOfDetermination: "R²"
    case .accuracy, .balancedAccuracy, .averagePrecision, .logLoss, .medianAbsoluteError:
      rawValue.replacing("-", with: " ")
    }
  }
}
