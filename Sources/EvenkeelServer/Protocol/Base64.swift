/// Bytes as text (RFC 4648).
enum Base64 {
  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encoded(_ bytes: [UInt8]) -> String {
    let count = (bytes.count + 2) / 3 * 4
    return String(unsafeUninitializedCapacity: count) { text in
      var place = 0
      func write(_ bits: Int, _ letters: Int) {
        for index in 0..<4 {
          text[place + index] = index < letters ? Self.letters[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "=")
        }
        place += 4
      }
      let whole = bytes.count / 3 * 3
      for start in stride(from: 0, to: whole, by: 3) {
        write(Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2]), 4)
      }
      let rest = bytes[whole...]
      if let first = rest.first {
        write(Int(first) << 16 | (rest.count > 1 ? Int(rest.last!) << 8 : 0), rest.count + 1)
      }
      return count
    }
  }

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
