import Evenkeel

/// Prints a diagnosis: tables for people, or one JSON object per line.
struct DiagnosisReport {
  let json: Bool

  func show(_ diagnosis: Diagnosis) throws {
    if !diagnosis.norms.isEmpty {
      if json {
        for norm in diagnosis.norms { try emitJSON(NormLine(norm)) }
      } else {
        try showNorms(diagnosis.norms)
      }
    }
    if let comparison = diagnosis.comparison { try show(comparison) }
    try show(diagnosis.findings)
  }

  private func showNorms(_ norms: [NormHealth]) throws {
    let row = { (cells: [String], last: String) in
      zip(cells, [14, 18, 18, 20, 20]).map { $0.padded(to: $1) }.joined() + last.padded(to: 9)
    }
    try emit("\n" + row(["batch norm", "γ", "β", "μ", "σ²"], "batches"))
    for norm in norms {
      try emit(
        row(
          [norm.layer, range(norm.scale), range(norm.shift), range(norm.mean), range(norm.variance)],
          String(norm.batchCount)))
    }
    guard let batchSize = norms[0].measured?.batchSize else { return }
    try emit(
      "\n"
        + row(
          ["on the data", "mean off by", "at most", "variance ratio", "ReLU open"],
          "noise of μ, σ² in batches of \(batchSize)"))
    for norm in norms {
      guard let measured = norm.measured else { continue }
      let shift = measured.shift
      let percent = { NumberText.plain.percent($0, decimals: 1) }
      try emit(
        row(
          [
            norm.layer, "\(number(shift.meanShift)) σ", "\(number(shift.largestMeanShift)) σ",
            "\(number(shift.lowestVarianceRatio)) … \(number(shift.highestVarianceRatio))",
            measured.openShare.map(percent) ?? "",
          ], "\(number(measured.meanError)) σ, \(percent(measured.varianceError))"))
    }
  }

  private func number(_ value: Double) -> String { NumberText.plain.inColumn(value, decimals: 3) }

  private func range(_ values: ClosedRange<Float>?) -> String {
    values.map { "\(number(Double($0.lowerBound))) … \(number(Double($0.upperBound)))" } ?? "fixed"
  }

  private func show(_ comparison: StatisticsComparison) throws {
    let kinds = [
      ("running", comparison.running), ("batch", comparison.batch), ("recalibrated", comparison.recalibrated),
    ]
    if !json { try emit("\n" + "statistics".padded(to: 23) + "the model's quality with them".padded(to: 20)) }
    for (kind, quality) in kinds {
      let size = kind == "batch" ? comparison.batchSize : nil
      if json {
        try emitJSON(ComparisonLine(statistics: kind, batchSize: size, quality))
      } else {
        try emit((size.map { "of batches of \($0)" } ?? kind).padded(to: 23) + quality.summary.padded(to: 20))
      }
    }
  }

  /// The findings; those of one kind together, their remedy once.
  func show(_ findings: [Finding]) throws {
    if json {
      for finding in findings { try emitJSON(FindingLine(finding)) }
      return
    }
    guard !findings.isEmpty else { return try emit("\nNo findings.") }
    var kinds: [Finding.Kind] = []
    for finding in findings where !kinds.contains(finding.kind) { kinds.append(finding.kind) }
    for kind in kinds {
      let same = findings.filter { $0.kind == kind }
      try emit("")
      for (layers, finding) in Finding.grouped(same) {
        try emit(finding.severity.rawValue.padded(to: 9) + layers.padded(to: 14) + finding.cause + which(finding))
      }
      var remedies: [String] = []
      for finding in same where !remedies.contains(finding.remedy) { remedies.append(finding.remedy) }
      for remedy in remedies { try emit("".padded(to: 9) + "→ " + remedy) }
    }
  }

  /// Which features, if they are few.
  private func which(_ finding: Finding) -> String {
    guard (1...8).contains(finding.features.count) else { return "" }
    return " (\(finding.features.map(String.init).joined(separator: ", ")))"
  }
}
