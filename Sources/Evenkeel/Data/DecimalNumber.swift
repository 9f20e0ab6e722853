/// Most numbers of a table, read from their bytes without a text.
enum DecimalNumber {
  /// Powers of ten that a double holds exactly.
  private static let powers: [Double] = (0...22).map { (0..<$0).reduce(1.0) { power, _ in power * 10 } }

  /// The value of an optional minus and digits with at most one point among them, if no more than 15 digits count; nil for anything
  /// else. It is the nearest double, as the digits and the power of ten are exact and one operation rounds (Clinger 1990).
  static func value(of text: Slice<UnsafeRawBufferPointer>) -> Double? {
    var position = text.startIndex
    let end = text.endIndex
    let bytes = text.base
    guard position < end else { return nil }
    let isNegative = bytes[position] == UInt8(ascii: "-")
    if isNegative { position += 1 }
    guard position < end, bytes[position] &- 48 < 10 else { return nil }
    var (digits, count, decimals, hasPoint) = (0, 0, 0, false)
    while position < end {
      let digit = Int(bytes[position]) - 48
      position += 1
      if digit == -2, !hasPoint {
        hasPoint = true
        continue
      }
      guard digit >= 0, digit < 10 else { return nil }
      digits = 10 * digits + digit
      if digits > 0 { count += 1 }
      if hasPoint { decimals += 1 }
      guard count <= 15, decimals <= 22 else { return nil }
    }
    let value = Double(digits) / powers[decimals]
    return isNegative ? -value : value
  }
}
