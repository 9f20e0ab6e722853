import FoundationEssentials

/// A safetensors file: named tensors and text metadata.
///
/// Eight bytes of header length, a JSON header, then the tensors' bytes without a gap.
package struct Safetensors {
  struct Entry {
    let dtype: String
    let shape: Shape
    let range: Range<Int>
  }

  let name: String
  let metadata: [String: String]
  let tensors: [String: Entry]
  private let bytes: FileBytes

  private struct Item: Decodable {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]
  }

  /// One value of the header: a tensor, or the metadata under its reserved key.
  private struct Header: Decodable {
    var metadata: [String: String] = [:]
    var items: [String: Item] = [:]

    struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      for key in container.allKeys {
        if key.stringValue == "__metadata__" {
          metadata = try container.decode([String: String].self, forKey: key)
        } else {
          items[key.stringValue] = try container.decode(Item.self, forKey: key)
        }
      }
    }
  }

  /// - Throws: `EvenkeelError` with code `data` that names the file and the key that is wrong.
  package init(_ bytes: FileBytes) throws {
    self.bytes = bytes
    let name = bytes.name
    self.name = name
    guard bytes.count >= 8 else {
      throw EvenkeelError.data("\(name): expected a safetensors file, got \(bytes.count) bytes.")
    }
    let length = UInt64(littleEndian: bytes.bytes.loadUnaligned(as: UInt64.self))
    guard length <= 100_000_000, Int(length) <= bytes.count - 8 else {
      throw EvenkeelError.data(
        "\(name): expected a safetensors file; its header would have \(length) bytes, the file has \(bytes.count - 8) for it."
      )
    }
    // What a parser makes of it.
    try Machine.requireMemory(32 * Int(length), for: "\(name): its header of \(length) bytes, read,")
    let text = bytes.bytes[8..<8 + Int(length)]
    // No header nests deeper than three; a deep one would only exhaust the stack of a parser.
    var depth = 0
    for byte in text {
      if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { depth += 1 }
      if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { depth -= 1 }
      // Brackets inside strings count too; the model's own description nests in metadata.
      guard depth < 400 else { throw EvenkeelError.data("\(name): the header nests too deeply.") }
    }
    let header: Header
    do { header = try JSONDecoder().decode(Header.self, from: Data(text)) } catch {
      throw EvenkeelError.data("\(name): the header is not a safetensors header.")
    }
    metadata = header.metadata
    let dataStart = 8 + Int(length)
    let dataCount = bytes.count - dataStart
    var entries: [String: Entry] = [:]
    for (key, item) in header.items {
      guard let count = Shape.checkedCount(item.shape), item.data_offsets.count == 2, item.data_offsets[0] >= 0,
        item.data_offsets[0] <= item.data_offsets[1], item.data_offsets[1] <= dataCount
      else { throw EvenkeelError.data("\(name): \(key): its offsets or shape are outside of the file.") }
      guard let size = Self.sizes[item.dtype] else {
        throw EvenkeelError.data("\(name): \(key): the type \(item.dtype) is not known.")
      }
      let (expected, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, expected == item.data_offsets[1] - item.data_offsets[0] else {
        throw EvenkeelError.data(
          "\(name): \(key): \(Shape(item.shape)) of \(item.dtype) does not fill its \(item.data_offsets[1] - item.data_offsets[0]) bytes."
        )
      }
      entries[key] = Entry(
        dtype: item.dtype, shape: Shape(item.shape),
        range: dataStart + item.data_offsets[0]..<dataStart + item.data_offsets[1])
    }
    var end = dataStart
    for (key, entry) in entries.sorted(by: {
      ($0.value.range.lowerBound, $0.value.range.upperBound) < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }) {
      guard entry.range.lowerBound == end else {
        throw EvenkeelError.data("\(name): \(key): it overlaps another tensor or leaves a gap before it.")
      }
      end = entry.range.upperBound
    }
    guard end == bytes.count else {
      throw EvenkeelError.data("\(name): \(bytes.count - end) bytes belong to no tensor.")
    }
    tensors = entries
  }

  private static let sizes = ["F32": 4, "F64": 8, "F16": 2, "I64": 8, "I32": 4, "U8": 1]

  /// The place of `key`, which must have `shape`.
  @discardableResult
  func entry(_ key: String, shape: Shape) throws -> Entry {
    guard let entry = tensors[key] else { throw EvenkeelError.data("\(name): the tensor \"\(key)\" is missing.") }
    guard entry.shape == shape else {
      throw EvenkeelError.data("\(name): \(key): expected the shape \(shape), got \(entry.shape).")
    }
    return entry
  }

  /// The numbers of `key`, which must have `shape` and be finite; F64 and F16 are converted.
  func floats(_ key: String, shape: Shape) throws -> [Float] {
    let entry = try entry(key, shape: shape)
    let data = UnsafeRawBufferPointer(rebasing: bytes.bytes[entry.range])
    let count = shape.count
    try Machine.requireMemory(count * MemoryLayout<Float>.stride, for: "\(name): \(key), read,")
    let values: [Float]
    switch entry.dtype {
    case "F32": values = (0..<count).map { data.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    case "F64": values = (0..<count).map { Float(data.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self)) }
    case "F16": values = (0..<count).map { Float(data.loadUnaligned(fromByteOffset: 2 * $0, as: Float16.self)) }
    default: throw EvenkeelError.data("\(name): \(key): expected F32, F64 or F16, got \(entry.dtype).")
    }
    if let position = values.firstIndex(where: { !$0.isFinite }) {
      throw EvenkeelError.data("\(name): \(key): value \(position) is \(values[position]).")
    }
    return values
  }

  func integers(_ key: String, shape: Shape) throws -> [Int] {
    let entry = try entry(key, shape: shape)
    guard entry.dtype == "I64" else { throw EvenkeelError.data("\(name): \(key): expected I64, got \(entry.dtype).") }
    let data = UnsafeRawBufferPointer(rebasing: bytes.bytes[entry.range])
    return (0..<shape.count).map { Int(data.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
  }

  /// A tensor to be written: memory that outlives the call.
  struct Source {
    let key: String
    let dtype: String
    let shape: Shape
    let bytes: UnsafeRawBufferPointer
  }

  /// Writes `items` in order.
  static func write(_ items: [Source], metadata: [String: String], to path: String) throws {
    var parts = ["\"__metadata__\":" + (try json(metadata))]
    var offset = 0
    for item in items {
      parts.append(
        "\(try json(item.key)):{\"dtype\":\"\(item.dtype)\",\"shape\":\(item.shape.description.filter { $0 != " " }),\"data_offsets\":[\(offset),\(offset + item.bytes.count)]}"
      )
      offset += item.bytes.count
    }
    var header = Array(("{" + parts.joined(separator: ",") + "}").utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    var length = UInt64(header.count).littleEndian
    try withUnsafeBytes(of: &length) { lengthBytes in
      try header.withUnsafeBytes { headerBytes in
        try AtomicFile.write([lengthBytes, headerBytes] + items.map(\.bytes), to: path)
      }
    }
  }

  private static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
