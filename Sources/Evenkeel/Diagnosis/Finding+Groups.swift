extension Finding {
  /// Findings with the layers of which the same is true, in order.
  package static func grouped(_ findings: [Finding]) -> [(layers: String, Finding)] {
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
}
