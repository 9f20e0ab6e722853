import FoundationEssentials
import Kernels

/// A safetensors file: named tensors and text metadata.
///
/// Eight bytes of header length, a JSON header, then the tensors' bytes without gaps.
package struct Safetensors {
  let header: SafetensorsHeader
  private let bytes: FileBytes

  var name: String { header.name }

  /// Whether the file at `path` begins as safetensors files do: the length of a header, which is JSON; or is one of `torch.save`, which
  /// holds weights too.
  /// - Throws: `EvenkeelError` with code `noInput` if it cannot be read.
  package static func isOne(_ path: String) throws -> Bool {
    let file = try FileBytes(path)
    return try file.reading {
      file.count > 8 && file.bytes[8] == UInt8(ascii: "{") || file.bytes.starts(with: [0x50, 0x4b, 3, 4])
        || file.bytes.first == 0x80
    }
  }

  /// - Throws: `EvenkeelError` with code `data` that names the file and the key that is wrong.
  package init(_ bytes: FileBytes) throws {
    self.bytes = bytes
    let name = bytes.name
    guard bytes.count >= 8 else {
      throw EvenkeelError.data("\(name): expected a safetensors file, got \(bytes.count) bytes.")
    }
    let length = UInt64(littleEndian: bytes.bytes.loadUnaligned(as: UInt64.self))
    guard length <= SafetensorsHeader.greatestLength, Int(length) <= bytes.count - 8 else {
      throw EvenkeelError.data(
        "\(name): expected a safetensors file; its header would have \(length) bytes, the file has \(bytes.count - 8) for it."
      )
    }
    // The size of the parsed header.
    try Machine.requireMemory(32 * Int(length), for: "\(name): its header of \(length) bytes, read,")
    let end = 8 + Int(length)
    header = try SafetensorsHeader(
      UnsafeRawBufferPointer(rebasing: bytes.bytes[8..<end]), dataCount: bytes.count - end, name: name)
  }

  /// The tensors' bytes.
  private var data: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes.bytes[(bytes.count - header.dataCount)...])
  }

  /// What numbers are read from as floats.
  static let floatTypes: Set = ["F32", "F64", "F16", "BF16"]

  /// The numbers of `key`, which must have `shape` and be finite; F64, F16 and BF16 are converted.
  func floats(_ key: String, shape: Shape) throws -> [Float] {
    let entry = try header.entry(key, shape: shape)
    let data = UnsafeRawBufferPointer(rebasing: self.data[entry.range])
    let count = shape.count
    try Machine.requireMemory(count * MemoryLayout<Float>.stride, for: "\(name): \(key), read,")
    let values: [Float]
    switch entry.dtype {
    case "F32": values = (0..<count).map { data.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    case "F64": values = (0..<count).map { Float(data.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self)) }
    case "F16": values = (0..<count).map { Float(data.loadUnaligned(fromByteOffset: 2 * $0, as: Float16.self)) }
    case "BF16":
      // The upper half of a float.
      values = (0..<count).map {
        Float(bitPattern: UInt32(data.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)) << 16)
      }
    default: throw EvenkeelError.data("\(name): \(key): expected F32, F64, F16 or BF16, got \(entry.dtype).")
    }
    if let position = values.firstIndex(where: { !$0.isFinite }) {
      throw EvenkeelError.data("\(name): \(key): value \(position) is \(values[position]).")
    }
    return values
  }

  func integers(_ key: String, shape: Shape) throws -> [Int] {
    let entry = try header.entry(key, shape: shape)
    guard entry.dtype == "I64" else { throw EvenkeelError.data("\(name): \(key): expected I64, got \(entry.dtype).") }
    let data = UnsafeRawBufferPointer(rebasing: self.data[entry.range])
    return (0..<shape.count).map { Int(data.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
  }

  /// A tensor to be written: memory that outlives the call.
  struct Source {
    let key: String
    let dtype: String
    let shape: Shape
    let bytes: UnsafeRawBufferPointer

    fileprivate func requireFinite() throws {
      let floats = bytes.bindMemory(to: Float.self)
      guard dtype == "F32", let start = floats.baseAddress else { return }
      let position = ek_first_non_finite(start, floats.count, 1)
      guard position < 0 else { throw EvenkeelError.data("\(key): value \(position) is \(floats[position]).") }
    }
  }

  /// Writes `items` in order.
  /// - Parameter check: Throws if a reader of the header would; nil if none would.
  /// - Throws: `EvenkeelError`, and what is at `path` stays: `data` for content that could not be read back,
  ///   `cannotWrite`.
  static func write(
    _ items: [Source], metadata: [String: String], to path: String, check: ((SafetensorsHeader) throws -> Void)?
  ) throws {
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
        do {
          try items.forEach { try $0.requireFinite() }
          try SafetensorsHeader.requireLength(header.count, name: "the content")
          try check?(SafetensorsHeader(headerBytes, dataCount: offset, name: "the content"))
        } catch let error as EvenkeelError {
          throw EvenkeelError(
            error.code, "\(path) was not written, because it could not be read back: \(error.message)",
            layer: error.layer)
        }
        try AtomicFile.write([lengthBytes, headerBytes] + items.map(\.bytes), to: path)
      }
    }
  }

  /// `value` as JSON: the same value, the same text.
  static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
