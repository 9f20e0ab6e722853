import Evenkeel

extension ColumnImportance {
  /// The 95 % interval of the mean over permutations; nil for one permutation, which says nothing about their spread.
  package var interval: ClosedRange<Double>? { Bootstrap.interval(of: drops) }
}

extension PermutationImportance {
  /// More columns than this make a picture that nobody reads to its end.
  private static let mostColumns = 30

  /// The columns with their intervals, the most important first.
  package func figure() -> Figure {
    let shown = columns.prefix(Self.mostColumns)
    let rest = columns.count - shown.count
    let whole = NumberText.page.significant(value, digits: 4)
    return Figure(
      "What each column is worth",
      caption:
        "How much worse the \(metric.title) is, \(whole) on \(NumberText.page.fixed(Double(count), decimals: 0)) examples, where the values of one column are permuted. Dots are means over \(columns.first?.drops.count ?? 0) permutations, whiskers their 95 % intervals."
        + (rest > 0 ? " \(rest) columns that matter less are left out." : ""),
      x: Axis("\(metric.title) is worse by"), y: Axis("Column"),
      plot: .intervals(
        shown.map { column in
          let interval = column.interval
          return Interval(
            column.name, name: "", side: .with, value: column.mean, low: interval?.lowerBound,
            high: interval?.upperBound)
        }),
      references: [.x(0, "")])
  }
}
