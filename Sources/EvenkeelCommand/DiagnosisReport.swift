import Evenkeel

/// Prints a diagnosis, as tables for a person or as one JSON object a line.
struct DiagnosisReport {
  let json: Bool

  func show(_ diagnosis: Diagnosis) throws {
    if !diagnosis.norms.isEmpty {
      if json {
        for norm in diagnosis.norms { try emit(object(norm)) }
      } else {
        try showNorms(diagnosis.norms)
      }
    }
    if let comparison = diagnosis.comparison { try show(comparison) }
    try show(diagnosis.findings)
  }

  private func showNorms(_ norms: [NormHealth]) throws {
    try emit(
      "\n" + columns([("batch norm", 14), ("γ", 18), ("β", 18), ("μ", 20), ("σ²", 20), ("batches", 9)]))
    for norm in norms {
      try emit(
        columns([
          (norm.layer, 14), (range(norm.scale), 18), (range(norm.shift), 18), (range(norm.mean), 20),
          (range(norm.variance), 20), (String(norm.batchCount), 9),
        ]))
    }
    guard let batchSize = norms[0].measured?.batchSize else { return }
    try emit(
      "\n"
        + columns([
          ("on the data", 14), ("mean off by", 18), ("at most", 18), ("variance ratio", 20), ("ReLU open", 20),
          ("noise of μ, σ² in batches of \(batchSize)", 9),
        ]))
    for norm in norms {
      guard let measured = norm.measured else { continue }
      try emit(
        columns([
          (norm.layer, 14), ("\(short(measured.shift.meanShift)) σ", 18),
          ("\(short(measured.shift.largestMeanShift)) σ", 18),
          ("\(short(measured.shift.lowestVarianceRatio)) … \(short(measured.shift.highestVarianceRatio))", 20),
          (measured.openShare.map { "\(fixed(100 * $0, 1)) %" } ?? "", 20),
          ("\(short(measured.meanError)) σ, \(fixed(100 * measured.varianceError, 1)) %", 9),
        ]))
    }
  }

  private func show(_ comparison: StatisticsComparison) throws {
    let kinds = [
      ("running", comparison.running), ("batch", comparison.batch), ("recalibrated", comparison.recalibrated),
    ]
    if !json { try emit("\n" + columns([("statistics", 23), ("the model's quality with them", 20)])) }
    for (kind, quality) in kinds {
      let size = kind == "batch" ? comparison.batchSize : nil
      if json {
        try emit(
          jsonObject([
            ("statistics", jsonText(kind)), ("batchSize", size.map(String.init)), ("loss", jsonNumber(quality.loss)),
            ("accuracy", jsonNumber(quality.accuracy)), ("RMSE", jsonNumber(quality.rootMeanSquaredError)),
            ("count", "\(quality.count)"),
          ]))
      } else {
        try emit(columns([(size.map { "of batches of \($0)" } ?? kind, 23), (describe(quality), 20)]))
      }
    }
  }

  /// The findings; those of one kind together, their remedy once.
  func show(_ findings: [Finding]) throws {
    if json {
      for finding in findings { try emit(object(finding)) }
      return
    }
    guard !findings.isEmpty else { return try emit("\nNo findings.") }
    var kinds: [Finding.Kind] = []
    for finding in findings where !kinds.contains(finding.kind) { kinds.append(finding.kind) }
    for kind in kinds {
      let same = findings.filter { $0.kind == kind }
      try emit("")
      for (layers, finding) in Self.grouped(same) {
        try emit(columns([(finding.severity.rawValue, 9), (layers, 14)]) + finding.cause + which(finding))
      }
      var remedies: [String] = []
      for finding in same where !remedies.contains(finding.remedy) { remedies.append(finding.remedy) }
      for remedy in remedies { try emit(columns([("", 9), ("→", 2)]) + remedy) }
    }
  }

  /// Findings with the layers of which the same is true, in order.
  static func grouped(_ findings: [Finding]) -> [(layers: String, Finding)] {
    var groups: [(layers: [String], finding: Finding)] = []
    for finding in findings {
      if let index = groups.firstIndex(where: {
        $0.finding.kind == finding.kind && $0.finding.severity == finding.severity && $0.finding.cause == finding.cause
          && $0.finding.features == finding.features
      }) {
        groups[index].layers.append(finding.layer)
      } else {
        groups.append(([finding.layer], finding))
      }
    }
    return groups.map { (($0.layers.count > 1 ? "layers " : "layer ") + $0.layers.joined(separator: ", "), $0.finding) }
  }

  /// Which features, if they are few.
  private func which(_ finding: Finding) -> String {
    guard (1...8).contains(finding.features.count) else { return "" }
    return " (\(finding.features.map(String.init).joined(separator: ", ")))"
  }

  private func object(_ norm: NormHealth) -> String {
    func number(_ value: Float?) -> String? { jsonNumber(value.map(Double.init)) }
    let measured = norm.measured
    return jsonObject([
      ("batchNorm", jsonText(norm.layer)), ("features", "\(norm.features)"), ("batches", "\(norm.batchCount)"),
      ("lowestScale", number(norm.scale?.lowerBound)), ("highestScale", number(norm.scale?.upperBound)),
      ("lowestShift", number(norm.shift?.lowerBound)), ("highestShift", number(norm.shift?.upperBound)),
      ("lowestMean", number(norm.mean.lowerBound)), ("highestMean", number(norm.mean.upperBound)),
      ("lowestVariance", number(norm.variance.lowerBound)), ("highestVariance", number(norm.variance.upperBound)),
      ("meanShift", jsonNumber(measured?.shift.meanShift)),
      ("largestShift", jsonNumber(measured?.shift.largestMeanShift)),
      ("lowestVarianceRatio", jsonNumber(measured?.shift.lowestVarianceRatio)),
      ("highestVarianceRatio", jsonNumber(measured?.shift.highestVarianceRatio)),
      ("openShare", jsonNumber(measured?.openShare)), ("batchSize", measured.map { "\($0.batchSize)" }),
      ("meanError", jsonNumber(measured?.meanError)), ("varianceError", jsonNumber(measured?.varianceError)),
    ])
  }

  private func object(_ finding: Finding) -> String {
    jsonObject([
      ("finding", jsonText(finding.kind.rawValue)), ("severity", jsonText(finding.severity.rawValue)),
      ("layer", jsonText(finding.layer)),
      ("features", "[\(finding.features.map(String.init).joined(separator: ","))]"),
      ("numbers", jsonObject(finding.numbers.sorted { $0.key < $1.key }.map { ($0.key, jsonNumber($0.value)) })),
      ("cause", jsonText(finding.cause)), ("remedy", jsonText(finding.remedy)),
    ])
  }

  private func range(_ values: ClosedRange<Float>?) -> String {
    values.map { "\(short(Double($0.lowerBound))) … \(short(Double($0.upperBound)))" } ?? "fixed"
  }

  private func short(_ value: Double) -> String {
    abs(value) >= 1e5 || (value != 0 && abs(value) < 1e-3) ? scientific(value) : fixed(value, 3)
  }

  private func scientific(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    var (mantissa, exponent) = (value, 0)
    while abs(mantissa) >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while abs(mantissa) < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    return "\(fixed(mantissa, 1))e\(exponent)"
  }
}
