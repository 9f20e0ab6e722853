import Glibc

/// How a column of dates becomes features: year, month, day of the week (Monday is 1), sine and cosine of the day of the year, and days
/// since the first date of the training rows.
package struct DateEncoding: Hashable, Codable, Sendable {
  let order: DateOrder
  /// Days from 1970 to the first date.
  package let first: Double
  /// The mean of each feature, which stands for a missing date.
  package let means: [Double]
  /// Whether one more feature says that the date is missing.
  package let hasIndicator: Bool

  static let featureCount = 6

  /// What a feature is called after the column.
  static let names = ["year", "month", "weekday", "day of year sin", "day of year cos", "days"]

  /// - Parameter dates: Those of the training rows, nil where one is missing.
  init(_ dates: some Collection<CalendarDate?>, order: DateOrder) {
    let first = dates.lazy.compactMap { $0?.days }.min() ?? 0
    var sums = [Double](repeating: 0, count: Self.featureCount)
    var known = 0
    for case let date? in dates {
      known += 1
      for (index, value) in Self.features(date, since: first).enumerated() { sums[index] += value }
    }
    (self.order, self.first, hasIndicator) = (order, first, known < dates.count)
    means = sums.map { $0 / Double(max(1, known)) }
  }

  /// The features of `date`, the means if it is missing.
  func features(_ date: CalendarDate?) -> [Double] { date.map { Self.features($0, since: first) } ?? means }

  private static func features(_ date: CalendarDate, since first: Double) -> [Double] {
    [
      Double(date.year), Double(date.month), Double(date.weekday), sin(date.angle), cos(date.angle), date.days - first,
    ]
  }
}

extension Table {
  /// The order of the dates in a column, if every cell with something in it is one.
  /// - Parameter given: The order that it must be, if known.
  /// - Throws: `EvenkeelError` with code `data` that names a cell that may be several dates.
  func dateOrder(column: Int, given: DateOrder? = nil) throws -> DateOrder? {
    var orders = given.map { [$0] } ?? DateOrder.allCases
    var firstOpen: Int?
    forEachDifferent(in: column, rows: RowNumbers(0..<rowCount)) { row, _ in
      guard !orders.isEmpty, let text = text(row: row, column: column) else { return }
      orders.removeAll { CalendarDate(text, order: $0) == nil }
      if firstOpen == nil, !CalendarDate.isOrderless(text) { firstOpen = row }
    }
    guard !orders.isEmpty else { return nil }
    guard orders.count > 1, let firstOpen else { return orders.first }
    throw EvenkeelError.data(
      "\(file), \(location(firstOpen)), column \(names[column]): \"\(cell(row: firstOpen, column: column))\" may be several dates; --column '\(names[column])=date:\(orders[0])' or \(orders.dropFirst().map { "date:\($0)" }.joined(separator: " or ")) decides."
    )
  }
}
