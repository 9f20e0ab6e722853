/// A day of the Gregorian calendar, and the time of that day if one is given.
package struct CalendarDate: Hashable {
  let year: Int
  let month: Int
  let day: Int
  /// The share of the day that has passed.
  let time: Double

  /// Days since the first of January 1970, and the time.
  var days: Double { Double(Self.dayNumber(year, month, day)) + time }
  /// 1 for Monday to 7 for Sunday.
  var weekday: Int { (Self.dayNumber(year, month, day) + 3).remainder(7) + 1 }
  /// Where the day lies on the circle of its year.
  var angle: Double {
    let first = Self.dayNumber(year, 1, 1)
    let length = Self.dayNumber(year + 1, 1, 1) - first
    return 2 * .pi * Double(Self.dayNumber(year, month, day) - first) / Double(length)
  }

  /// Days since the first of January 1970. Years start in March, so that the leap day is the last.
  private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month > 2 ? year : year - 1
    let daysOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return 365 * year + year.quotient(4) - year.quotient(100) + year.quotient(400) + daysOfYear - 719_468
  }

  /// Year-month-day, as 2024-03-09.
  package var text: String {
    func padded(_ number: Int, _ digits: Int) -> String {
      String(repeating: "0", count: max(0, digits - String(number).count)) + String(number)
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// The day on which a moment lies, given in days since the first of January 1970.
  package init(days: Double) {
    // Days since the first of March of the year 0, in cycles of 400 years.
    let number = Int(days.rounded(.down)) + 719_468
    let cycle = number.quotient(146_097), day = number - cycle * 146_097
    let yearOfCycle = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
    let dayOfYear = day - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let month = (5 * dayOfYear + 2) / 153
    self.day = dayOfYear - (153 * month + 2) / 5 + 1
    self.month = month < 10 ? month + 3 : month - 9
    year = yearOfCycle + 400 * cycle + (self.month < 3 ? 1 : 0)
    time = days - days.rounded(.down)
  }

  private static let months = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
  ]

  /// Whether texts that `init` accepts name year, month and day unmistakably: the year has four digits and comes first, or the month has a
  /// name.
  static func isOrderless(_ text: String) -> Bool {
    text.utf8.prefix { (48...57).contains($0) }.count == 4
      || text.prefix { $0 != "T" && $0 != ":" }.contains { $0.isLetter }
  }

  /// 2024-01-31, 2024/01/31, 31.01.2024, 31/1/24, 1/31/2024, 31-Jan-2024, Jan 31, 2024, 2024-01, with a time after a space or a T, or
  /// without. Two digits of a year are 1969 to 2068. A zone is not counted. Nil for another text.
  init?(_ text: String, order: DateOrder) {
    guard let first = text.utf8.first, text.utf8.count <= 40, text.utf8.contains(where: { (48...57).contains($0) }),
      (48...57).contains(first) || Self.months.contains(where: { $0.prefix(3) == text.prefix(3).lowercased() })
    else { return nil }
    guard let (date, time) = Self.split(text), let seconds = Self.seconds(time) else { return nil }
    let tokens = date.split { !$0.isLetter && !$0.isNumber }
    let marks = Set(date.filter { !$0.isLetter && !$0.isNumber })
    guard let (year, month, day) = Self.parts(tokens, marks, order), (1...12).contains(month), day >= 1,
      day <= Self.dayNumber(month == 12 ? year + 1 : year, month % 12 + 1, 1) - Self.dayNumber(year, month, 1)
    else { return nil }
    (self.year, self.month, self.day, self.time) = (year, month, day, seconds / 86_400)
  }

  /// Date and time of day, which is empty if there is none.
  private static func split(_ text: String) -> (Substring, Substring)? {
    guard let colon = text.firstIndex(of: ":") else {
      return text.hasSuffix("Z") || text.contains("T") ? nil : (text[...], "")
    }
    guard let start = text[..<colon].lastIndex(where: { $0 == " " || $0 == "T" || $0 == "t" }) else { return nil }
    return (text[..<start], text[text.index(after: start)...])
  }

  /// Seconds since midnight of 12:34, 12:34:56.789, 1:02 PM, with a zone or without.
  private static func seconds(_ text: Substring) -> Double? {
    guard !text.isEmpty else { return 0 }
    var clock = text.prefix { $0.isNumber || $0 == ":" || $0 == "." }
    let rest = text[clock.endIndex...].drop { $0 == " " }.lowercased()
    let half = rest == "am" ? 0 : rest == "pm" ? 12 : nil as Int?
    guard half != nil || rest.isEmpty || rest == "z" || rest == "utc" || isZone(rest) else { return nil }
    if clock.last == "." { clock.removeLast() }
    let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), var hours = Int(parts[0]), let minutes = Int(parts[1]),
      let seconds = parts.count == 3 ? Double(parts[2]) : 0, (0...59).contains(minutes), (0..<61).contains(seconds),
      half == nil ? (0...24).contains(hours) : (1...12).contains(hours)
    else { return nil }
    if let half { hours = hours % 12 + half }
    return Double(hours * 3600 + minutes * 60) + seconds
  }

  private static func isZone(_ text: String) -> Bool {
    guard let sign = text.first, sign == "+" || sign == "-" else { return false }
    let digits = text.dropFirst().filter { $0 != ":" }
    return (digits.count == 2 || digits.count == 4) && digits.allSatisfy { $0.isNumber }
  }

  private static func parts(
    _ tokens: [Substring], _ marks: Set<Character>, _ order: DateOrder
  ) -> (year: Int, month: Int, day: Int)? {
    if tokens.count == 2, marks == ["-"], tokens[0].count == 4, tokens[1].count == 2, let year = Int(tokens[0]),
      let month = Int(tokens[1])
    {
      return (year, month, 1)
    }
    guard tokens.count == 3 else { return nil }
    if let place = tokens.firstIndex(where: { $0.first!.isLetter }) {
      guard marks.isSubset(of: [" ", ",", "-", ".", "/"]), place < 2, let month = month(tokens[place]) else {
        return nil
      }
      let others = [0, 1, 2].filter { $0 != place }.map { tokens[$0] }
      let isYearFirst = others[0].count == 4
      guard let year = year(others[isYearFirst ? 0 : 1]), let day = number(others[isYearFirst ? 1 : 0]) else {
        return nil
      }
      return (year, month, day)
    }
    guard marks.count == 1, let mark = marks.first, mark == "-" || mark == "/" || mark == "." else { return nil }
    let order = tokens[0].count == 4 ? .ymd : order
    // No one writes dots with the month or a short year in front.
    guard mark != "." || tokens[0].count == 4 || order == .dmy else { return nil }
    let places =
      switch order {
      case .ymd: (0, 1, 2)
      case .dmy: (2, 1, 0)
      case .mdy: (2, 0, 1)
      }
    guard let year = year(tokens[places.0]), let month = number(tokens[places.1]), let day = number(tokens[places.2])
    else { return nil }
    return (year, month, day)
  }

  private static func month(_ text: Substring) -> Int? {
    let name = text.lowercased()
    return months.firstIndex { name == $0 || name == $0.prefix(3) || (name == "sept" && $0 == "september") }
      .map { $0 + 1 }
  }

  private static func number(_ text: Substring) -> Int? { text.count <= 2 ? Int(text) : nil }

  private static func year(_ text: Substring) -> Int? {
    guard let year = Int(text), text.count == 4 || text.count == 2, year > 0 || text.count == 2 else { return nil }
    return text.count == 4 ? year : year < 69 ? 2000 + year : 1900 + year
  }
}

extension Int {
  /// The quotient rounded down.
  fileprivate func quotient(_ divisor: Int) -> Int { (self - remainder(divisor)) / divisor }

  /// The remainder from 0 on.
  fileprivate func remainder(_ divisor: Int) -> Int {
    let rest = self % divisor
    return rest < 0 ? rest + divisor : rest
  }
}
