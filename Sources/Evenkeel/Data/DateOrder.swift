/// The order of year, month and day in dates that are written with numbers.
public enum DateOrder: String, CaseIterable, Codable, Sendable {
  /// Year, month, day: `2024-01-31`.
  case ymd
  /// Day, month, year: `31.01.2024`.
  case dmy
  /// Month, day, year: `1/31/2024`.
  case mdy
}
