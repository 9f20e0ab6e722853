import FoundationEssentials

/// Values as JSON with keys in order, so that equal values have equal texts; numbers that are not finite are texts.
/// - Throws: What a layer of the user's own throws as it is encoded.
package func json(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

package func fromJSON<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
  let decoder = JSONDecoder()
  decoder.nonConformingFloatDecodingStrategy = .convertFromString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  return try decoder.decode(type, from: Data(text.utf8))
}

/// 128 bits of `bytes` in hexadecimal digits: two FNV-1a sums with different starts, which tells descriptions apart, not
/// forgers.
func digest(_ bytes: some Sequence<UInt8>) -> String {
  var (low, high): (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x6c62_272e_07bb_0142)
  for byte in bytes {
    low = (low ^ UInt64(byte)) &* 0x100_0000_01b3
    high = (high ^ UInt64(byte ^ 0x5a)) &* 0x100_0000_01b3
    high ^= high >> 29
  }
  return hexadecimal(low) + hexadecimal(high)
}

private func hexadecimal(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
