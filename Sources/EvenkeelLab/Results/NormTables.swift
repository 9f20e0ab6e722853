import Evenkeel

extension Diagnosis {
  /// The norms' parameters and averages, what the data shows of them, and what each kind of statistics is worth.
  var tables: [NumberTable] {
    guard !norms.isEmpty else { return [] }
    var tables = [
      NumberTable(
        "Batch norms, from the least to the greatest over their features",
        columns: ["Layer", "γ", "β", "Running μ", "Running σ²", "Batches"],
        rows: norms.map { norm in
          [
            .text(norm.layer), .text(Self.range(norm.scale)), .text(Self.range(norm.shift)),
            .text(Self.range(norm.mean)), .text(Self.range(norm.variance)), .number(Double(norm.batchCount)),
          ]
        })
    ]
    let measured = norms.compactMap { norm in norm.measured.map { (norm.layer, $0) } }
    if let size = measured.first?.1.batchSize {
      tables.append(
        NumberTable(
          "The same on the data; noise of statistics in batches of \(size)",
          columns: [
            "Layer", "Mean off by (σ)", "At most (σ)", "Variance ratio", "ReLU open (%)", "Noise of μ (σ)",
            "Noise of σ² (%)",
          ],
          rows: measured.map { layer, measured in
            let shift = measured.shift
            return [
              .text(layer), .text(Self.text(shift.meanShift)), .text(Self.text(shift.largestMeanShift)),
              .text("\(Self.text(shift.lowestVarianceRatio)) … \(Self.text(shift.highestVarianceRatio))"),
              .text(measured.openShare.map { NumberText.page.fixed(100 * $0, decimals: 1) } ?? ""),
              .text(Self.text(measured.meanError)),
              .text(NumberText.page.fixed(100 * measured.varianceError, decimals: 1)),
            ]
          }))
    }
    if let comparison {
      let kinds = [
        ("running", comparison.running), ("of batches of \(comparison.batchSize)", comparison.batch),
        ("recalibrated", comparison.recalibrated),
      ]
      let isOfClasses = comparison.running.accuracy != nil
      tables.append(
        NumberTable(
          "With which statistics the model predicts",
          columns: ["Statistics", "Loss", isOfClasses ? "Accuracy (%)" : "RMSE"],
          rows: kinds.map { name, quality in
            let score = quality.accuracy.map { 100 * $0 } ?? quality.rootMeanSquaredError
            return [.text(name), .number(quality.loss), score.map { .number($0) } ?? .text("")]
          }))
    }
    return tables
  }

  /// The findings, those of several layers once.
  var remarks: [ModelReport.Remark] {
    Finding.grouped(findings).map { layers, finding in
      let tone: ModelReport.Remark.Tone =
        switch finding.severity {
        case .note: .note
        case .warning: .warning
        case .illness: .illness
        }
      return ModelReport.Remark(
        tone, layers.prefix(1).uppercased() + layers.dropFirst() + ": " + finding.cause, remedy: finding.remedy)
    }
  }

  private static func text(_ value: Double) -> String { NumberText.page.inColumn(value, decimals: 3) }

  private static func range(_ values: ClosedRange<Float>?) -> String {
    values.map { "\(text(Double($0.lowerBound))) … \(text(Double($0.upperBound)))" } ?? "fixed"
  }
}
