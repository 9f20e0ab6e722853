import Evenkeel
import FoundationEssentials

extension Model {
  /// The example in the body of a request: little-endian floats (`application/octet-stream`), a JSON array of numbers, or, for a model
  /// of a table, a JSON object of cells by the names of their columns.
  /// - Throws: `EvenkeelError` with code `data` that says what was expected and what it got.
  func example(_ body: [UInt8], type: String) throws -> Dataset {
    let count = network.input.count
    if type.hasPrefix("application/octet-stream") {
      guard body.count == 4 * count else {
        throw EvenkeelError.data(
          "The body has \(body.count) bytes; expected \(4 * count), for \(count) little-endian float32 values (\(network.input))."
        )
      }
      let values = body.withUnsafeBytes { bytes in
        (0..<count).map {
          Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
      }
      return try Dataset(values, shape: network.input)
    }
    if let encoding, encoding.hasNamedColumns {
      var warnings: [String] = []
      // A table of JSON objects has one a line.
      let line = body.map { $0 == 10 || $0 == 13 ? 32 : $0 }
      let bytes = try FileBytes(line, name: "the row")
      guard line.first(where: { $0 != 32 && $0 != 9 }) == UInt8(ascii: "{") else {
        throw EvenkeelError.data("The body is no JSON object; expected one of cells by the names of their columns.")
      }
      return try Dataset.csv(bytes, encoding: encoding, targets: false, weights: false, warnings: &warnings)
    }
    let values: [Float]
    do { values = try JSONDecoder().decode([Float].self, from: Data(body)) } catch {
      throw EvenkeelError.data("The body is no JSON array of numbers; expected \(count) (\(network.input)).")
    }
    guard values.count == count else {
      throw EvenkeelError.data("The body has \(values.count) numbers; expected \(count) (\(network.input)).")
    }
    return try Dataset(values, shape: network.input)
  }
}
