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

/// A number with three significant digits, as people write it.
func short(_ value: Double) -> String {
  guard value.isFinite else { return "\(value)" }
  if value == 0 { return "0" }
  var (mantissa, exponent) = (abs(value), 0)
  while mantissa >= 9.995 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
  while mantissa < 0.9995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
  let sign = value < 0 ? "−" : ""
  let scaled = Int((mantissa * 100).rounded())
  func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = Substring(text)
    while text.hasSuffix("0") { text = text.dropLast() }
    return String(text.hasSuffix(".") ? text.dropLast() : text)
  }
  guard (-4...5).contains(exponent) else {
    let digits = String(scaled)
    return sign + trimmed("\(digits.prefix(1)).\(digits.dropFirst())") + "e\(exponent)"
  }
  if exponent >= 2 { return sign + String(scaled) + String(repeating: "0", count: exponent - 2) }
  let digits = String(repeating: "0", count: max(0, -exponent)) + String(scaled)
  let point = digits.count - 2 + min(exponent, 0) + max(exponent, 0)
  return sign + trimmed("\(digits.prefix(max(1, point))).\(digits.dropFirst(max(1, point)))")
}
