/// The order of year, month and day in dates that are written with numbers.
public enum DateOrder: String, CaseIterable, Codable, Sendable {
  case ymd, dmy, mdy
}
