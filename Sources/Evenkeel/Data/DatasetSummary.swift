extension DatasetSplits {
  /// What was understood of the data: its parts, the target, and what the columns become.
  /// - Parameter name: What the data is called.
  package func summary(of name: String) -> [String] {
    let parts = [(training, "to train on"), (validation, "to validate on"), (test, "to test on")].filter {
      !$0.0.isEmpty
    }
    let unit = training.encoding == nil ? "examples \(training.shape)" : "rows"
    let whole = parts.reduce(0) { $0 + $1.0.count }
    let name = name == "-" ? "standard input" : name
    var lines = ["\(name): \(whole) \(unit), " + parts.map { "\($0.0.count) \($0.1)" }.joined(separator: ", ")]
    lines += training.targets.summary(of: training.encoding?.targetName).map { line in
      line + (targetReason.map { ", " + $0 } ?? "")
    }
    if let encoding = training.encoding { lines.append(encoding.summary) }
    return lines
  }
}

extension Dataset {
  /// What is to be said of a class that few examples have; nil where none is rare, and where classes are many.
  package var remarkOnRareClass: String? {
    guard case .classes(let classes, let labels) = targets, (2...10).contains(labels.count), !classes.isEmpty else {
      return nil
    }
    let counts = classes.reduce(into: [Int](repeating: 0, count: labels.count)) { if $1 >= 0 { $0[Int($1)] += 1 } }
    guard let rarest = counts.indices.min(by: { counts[$0] < counts[$1] }) else { return nil }
    let share = Double(counts[rarest]) / Double(classes.count)
    guard share < Self.shareOfRare else { return nil }
    return
      "the class \(labels[rarest]) has \(NumberText.plain.percent(share, decimals: 1)) of the rows: --class-weight balanced counts all classes alike, --metric balanced-accuracy judges epochs so"
  }

  private static let shareOfRare = 0.05
}

extension Targets {
  /// The task, and how often each class occurs or how far the values reach.
  fileprivate func summary(of name: String?) -> [String] {
    let of = name.map { "\($0): " } ?? "target: "
    switch self {
    case .none: return []
    case .classes(let classes, let labels):
      let counts = classes.reduce(into: [Int](repeating: 0, count: labels.count)) { if $1 >= 0 { $0[Int($1)] += 1 } }
      let common = counts.indices.sorted { (counts[$0], $1) > (counts[$1], $0) }
      let shown = common.prefix(labels.count > 6 ? 4 : 6).map { index in
        "\(labels[index]) \(NumberText.plain.percent(Double(counts[index]) / Double(max(1, classes.count)), decimals: 1))"
      }
      return [
        "\(of)a classification, \(labels.count) \(labels.count == 1 ? "class" : "classes") ("
          + (shown + (shown.count < labels.count ? ["…"] : [])).joined(separator: ", ") + ")"
      ]
    case .values(let values, let names):
      guard names.count == 1, let least = values.min(), let greatest = values.max() else {
        return ["\(of)a regression of \(names.count) values"]
      }
      let ends = [least, greatest].map { NumberText.plain.short($0, digits: 6) }
      return ["\(of)a regression, from \(ends[0]) to \(ends[1])"]
    }
  }
}

extension TableEncoding {
  /// How many columns of each kind there are, and what they become.
  package var summary: String {
    func listed(_ what: String, _ names: [String]) -> String? {
      guard !names.isEmpty else { return nil }
      let shown = names.prefix(4) + (names.count > 4 ? ["…"] : [])
      return "\(names.count) \(what) (\(shown.joined(separator: ", ")))"
    }
    var (numbers, categories, dates): ([String], [String], [String]) = ([], [], [])
    for column in columns {
      let name = column.name.isEmpty ? "(no name)" : column.name
      switch column.kind {
      case .numeric: numbers.append(name)
      case .categorical(let texts), .embedded(let texts): categories.append("\(name) \(texts.count)")
      case .date: dates.append(name)
      }
    }
    let kinds = [
      listed("of numbers", numbers), listed("of categories", categories), listed("of dates", dates),
    ]
    let width = featureNames.count
    return
      "\(columns.count) \(columns.count == 1 ? "column becomes" : "columns become") \(width) \(width == 1 ? "feature" : "features"): "
      + kinds.compactMap(\.self).joined(separator: ", ")
  }
}
