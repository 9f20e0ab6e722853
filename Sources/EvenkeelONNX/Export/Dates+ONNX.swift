import Evenkeel

extension ONNXGraphBuilder {
  /// The features of a column of dates, `[N, 6]` doubles, and whether each is missing.
  /// - Parameter seconds: Doubles `[N, 1]`, seconds since the beginning of 1970; NaN where a date is missing.
  mutating func dateFeatures(
    _ seconds: String, _ encoding: DateEncoding, at path: String
  ) -> (features: String, isMissing: String) {
    let isMissing = add("IsNaN", at: path, [seconds])
    let known = add("Where", at: path, [isMissing, double("\(path).zero", 0), seconds])
    let days = add("Div", at: path, [known, double("\(path).day", 86_400)])
    let date = CalendarNodes(days: cast(add("Floor", at: path, [days]), to: .int64, at: path), at: path, &self)
    let passed = add("Mul", at: path, [double("\(path).turn", 2 * .pi), cast(date.dayOfYear, to: .double, at: path)])
    let angle = add("Div", at: path, [passed, cast(date.daysOfYear, to: .double, at: path)])
    // Not every runtime has these functions of doubles.
    let rounded = cast(angle, to: .float, at: path)
    let waves = [add("Sin", at: path, [rounded]), add("Cos", at: path, [rounded])]
    let numbers = ([date.year, date.month, date.weekday] + waves).map { cast($0, to: .double, at: path) }
    let since = add("Sub", at: path, [days, double("\(path).first", encoding.first)])
    let features = add("Concat", at: path, numbers + [since], ["axis": .integer(1)])
    let means = constant(ONNXTensor("\(path).means", [encoding.means.count], doubles: encoding.means))
    return (add("Where", at: path, [isMissing, means, features]), isMissing)
  }
}

/// The day of the Gregorian calendar, of the year 1 or later, as `CalendarDate(days:)` finds it: names of whole numbers.
private struct CalendarNodes {
  let year, month, weekday, dayOfYear, daysOfYear: String

  /// - Parameter days: Since the first of January 1970.
  init(days: String, at path: String, _ graph: inout ONNXGraphBuilder) {
    func number(_ value: Int) -> String { graph.constant(ONNXTensor("\(path).\(value)", [], integers: [value])) }
    func sum(_ left: String, _ right: String) -> String { graph.add("Add", at: path, [left, right]) }
    func difference(_ left: String, _ right: String) -> String { graph.add("Sub", at: path, [left, right]) }
    func product(_ left: String, _ right: Int) -> String { graph.add("Mul", at: path, [left, number(right)]) }
    func quotient(_ left: String, _ right: Int) -> String { graph.add("Div", at: path, [left, number(right)]) }
    /// The days that leap years have added by the end of a year.
    func leapDays(_ year: String) -> String {
      sum(difference(quotient(year, 4), quotient(year, 100)), quotient(year, 400))
    }

    // Years that begin in March, in cycles of 400.
    let all = sum(days, number(719_468))
    let cycle = quotient(all, 146_097)
    let day = difference(all, product(cycle, 146_097))
    let regular = difference(sum(difference(day, quotient(day, 1_460)), quotient(day, 36_524)), quotient(day, 146_096))
    let yearOfCycle = quotient(regular, 365)
    let start = sum(product(yearOfCycle, 365), difference(quotient(yearOfCycle, 4), quotient(yearOfCycle, 100)))
    let dayFromMarch = difference(day, start)
    let monthFromMarch = quotient(sum(product(dayFromMarch, 5), number(2)), 153)
    let isNextYear = graph.add("GreaterOrEqual", at: path, [monthFromMarch, number(10)])
    func chosen(_ next: String, _ same: String) -> String { graph.add("Where", at: path, [isNextYear, next, same]) }
    year = sum(sum(yearOfCycle, product(cycle, 400)), chosen(number(1), number(0)))
    month = sum(monthFromMarch, chosen(number(-9), number(3)))
    weekday = sum(graph.add("Mod", at: path, [sum(all, number(2)), number(7)]), number(1))
    let leapDay = difference(leapDays(year), leapDays(difference(year, number(1))))
    dayOfYear = sum(dayFromMarch, chosen(number(-306), sum(leapDay, number(59))))
    daysOfYear = sum(leapDay, number(365))
  }
}
