/// Whether a target is a class or a number, and why.
struct TargetKind {
  /// The classes in the order of the outputs; empty for a regression.
  let labels: [String]
  /// What to say of a choice that could have gone the other way; nil if there was none.
  let reason: String?

  /// So many whole numbers at most, so far from one another at most, may be classes.
  private static let (mostCodes, widestCodes) = (10, 10.0)
  /// From so many values on, which become rarer from 0 or 1 on, they are counts.
  private static let fewestCounts = 5

  init(labels: [String], reason: String? = nil) { (self.labels, self.reason) = (labels, reason) }

  /// The kind of a target that is a number in every row.
  ///
  /// Two whole numbers are classes. So are up to ten that lie at most ten apart, no more than the root of the number of rows, unless they
  /// are counts: five values or more from 0 or 1 on, none more frequent than the one before, and the last half as frequent as the first
  /// at most. All others are a regression.
  /// - Parameter counts: The rows of each value.
  init(counts: [Double: Int], task: TableOptions.Task?) {
    let values = counts.keys.sorted()
    let classes = values.map { TableEncoding.label($0) }
    switch task {
    case .classification: self.init(labels: classes)
    case .regression: self.init(labels: [])
    case nil:
      let others = "--task \(TableOptions.Task.classification) makes them classes"
      let rows = counts.values.reduce(0, +)
      guard values.allSatisfy({ $0 == $0.rounded() }) else {
        self.init(labels: [])
        return
      }
      guard values.count > 2 else {
        self.init(labels: classes, reason: "as it is \(classes.joined(separator: " or "))")
        return
      }
      guard values.count <= min(Self.mostCodes, Int(Double(rows).squareRoot())) else {
        self.init(labels: [], reason: "as it is \(values.count) different whole numbers in \(rows) rows; \(others)")
        return
      }
      guard values.last! - values[0] <= Self.widestCodes else {
        self.init(labels: [], reason: "as its whole numbers reach from \(classes[0]) to \(classes.last!); \(others)")
        return
      }
      let becomeRarer =
        zip(values, values.dropFirst()).allSatisfy { counts[$0]! >= counts[$1]! }
        && counts[values[0]]! >= 2 * counts[values.last!]!
      guard values.count < Self.fewestCounts || !(values[0] == 0 || values[0] == 1) || !becomeRarer else {
        self.init(
          labels: [],
          reason:
            "as it seems to count: from \(classes[0]) to \(classes.last!), each rarer than the one before; \(others)")
        return
      }
      self.init(
        labels: classes,
        reason: "as it is \(values.count) whole numbers; --task \(TableOptions.Task.regression) makes it a number")
    }
  }
}

extension Table {
  /// What the target in `column` is; every row has one.
  /// - Throws: `EvenkeelError` with code `data` that names cells of a target that is not quite numbers.
  func targetKind(
    _ column: Int, task: TableOptions.Task?, _ warnings: inout TableWarnings
  ) throws -> TargetKind {
    var (values, numbers): ([Double: Int], Int) = ([:], 0)
    var firstTexts: [String] = []
    for row in 0..<rowCount {
      if let value = try number(row: row, column: column) {
        values[value, default: 0] += 1
        numbers += 1
      } else if firstTexts.count < 2 {
        firstTexts.append("\"\(cell(row: row, column: column))\" in \(location(row))")
      }
    }
    guard !firstTexts.isEmpty else {
      let kind = TargetKind(counts: values, task: task)
      if task == .classification, 2 * values.values.count(where: { $0 == 1 }) > values.count {
        for label in kind.labels.prefix(2) { warnings.add(.rareClasses, label) }
      }
      return kind
    }
    guard task != .regression else {
      throw EvenkeelError.data(
        "\(file): the target \(names[column]) of a regression must be numbers; got \(firstTexts.joined(separator: ", ")). Leave these cells empty: a row without its target is left out."
      )
    }
    let counts = Dictionary((0..<rowCount).map { (cell(row: $0, column: column), 1) }, uniquingKeysWith: +)
    let rare = counts.values.count { $0 == 1 }
    let isMostlyNumbers = 2 * numbers > rowCount
    if 2 * rare > counts.count {
      guard !isMostlyNumbers || task == .classification else {
        throw EvenkeelError.data(
          "\(file): the target \(names[column]) is not quite numbers: \(firstTexts.joined(separator: ", ")). As classes, \(rare) of \(counts.count) would have one row. Correct these cells, or leave them empty: a row without its target is left out."
        )
      }
      for text in firstTexts { warnings.add(.rareClasses, text) }
    } else if isMostlyNumbers, task == nil, TargetKind(counts: values, task: nil).labels.isEmpty {
      for text in firstTexts { warnings.add(.targetOfClasses, text) }
    }
    return TargetKind(labels: counts.keys.sorted())
  }
}
