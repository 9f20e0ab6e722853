/// Bytes as text (RFC 4648).
enum Base64 {
  /// nil for what is none.
  static func decoded(_ text: String) -> [UInt8]? {
    var (bytes, bits, count, padding) = ([UInt8](), UInt32(0), 0, 0)
    bytes.reserveCapacity(text.utf8.count / 4 * 3)
    for byte in text.utf8 {
      let value: UInt8
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
      case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
      case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
      case UInt8(ascii: "="):
        padding += 1
        continue
      default: return nil
      }
      guard padding == 0 else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 1
      if count % 4 == 0 {
        bytes += [
          UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits),
        ]
      }
    }
    switch count % 4 {
    case 0: return padding == 0 ? bytes : nil
    case 2: return padding % 4 == 2 || padding == 0 ? bytes + [UInt8(truncatingIfNeeded: bits >> 4)] : nil
    case 3:
      return padding == 1 || padding == 0
        ? bytes + [UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2)] : nil
    default: return nil
    }
  }
}
