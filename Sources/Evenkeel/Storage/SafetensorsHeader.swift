import FoundationEssentials

/// The header of a safetensors file: where its tensors are after the header, and text metadata.
struct SafetensorsHeader {
  struct Entry {
    let dtype: String
    let shape: Shape
    /// Bytes, counted from the end of the header.
    let range: Range<Int>
  }

  /// The file's name in errors.
  let name: String
  let metadata: [String: String]
  let tensors: [String: Entry]
  /// The number of bytes of all tensors.
  let dataCount: Int

  static let greatestLength = 100_000_000

  private struct Item: Decodable {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]
  }

  /// Tensors by key, and the metadata under its reserved key.
  private struct Content: Decodable {
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

  /// - Parameters:
  ///   - text: JSON.
  ///   - dataCount: The number of bytes after it.
  /// - Throws: `EvenkeelError` with code `data` that names the file and the key that is wrong.
  init(_ text: UnsafeRawBufferPointer, dataCount: Int, name: String) throws {
    self.name = name
    self.dataCount = dataCount
    try Self.requireLength(text.count, name: name)
    // Tensors are three levels deep; a deeper header would only exhaust a parser's stack.
    guard jsonDepth(text) <= 8 else { throw EvenkeelError.data("\(name): the header nests too deeply.") }
    let content: Content
    do { content = try JSONDecoder().decode(Content.self, from: Data(text)) } catch {
      throw EvenkeelError.data("\(name): the header is not a safetensors header.")
    }
    metadata = content.metadata
    var entries: [String: Entry] = [:]
    for (key, item) in content.items {
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
        range: item.data_offsets[0]..<item.data_offsets[1])
    }
    var end = 0
    for (key, entry) in entries.sorted(by: {
      ($0.value.range.lowerBound, $0.value.range.upperBound) < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }) {
      guard entry.range.lowerBound == end else {
        throw EvenkeelError.data("\(name): \(key): it overlaps another tensor or leaves a gap before it.")
      }
      end = entry.range.upperBound
    }
    guard end == dataCount else {
      throw EvenkeelError.data("\(name): \(dataCount - end) bytes belong to no tensor.")
    }
    tensors = entries
  }

  static func requireLength(_ count: Int, name: String) throws {
    guard count <= greatestLength else {
      throw EvenkeelError.data("\(name): the header has \(count) bytes; expected \(greatestLength) at most.")
    }
  }

  /// The bytes of a number of each type.
  private static let sizes = [
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "I32": 4, "I16": 2, "I8": 1,
    "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
  ]

  /// The place of `key`, which must have `shape`.
  @discardableResult
  func entry(_ key: String, shape: Shape) throws -> Entry {
    guard let entry = tensors[key] else { throw EvenkeelError.data("\(name): the tensor \"\(key)\" is missing.") }
    guard entry.shape == shape else {
      throw EvenkeelError.data("\(name): \(key): expected the shape \(shape), got \(entry.shape).")
    }
    return entry
  }

}

/// How deep lists and objects nest in a JSON text; brackets inside strings do not count.
func jsonDepth(_ text: some Sequence<UInt8>) -> Int {
  var (depth, deepest, isInString, isEscaped) = (0, 0, false, false)
  for byte in text {
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      }
      continue
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      depth += 1
      deepest = max(deepest, depth)
    case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
    default: break
    }
  }
  return deepest
}
