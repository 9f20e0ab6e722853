/// The kinds of element of a tensor, by their names in the protocol.
package enum Datatype: String, CaseIterable, Hashable, Sendable {
  case bool = "BOOL"
  case uint8 = "UINT8"
  case uint16 = "UINT16"
  case uint32 = "UINT32"
  case uint64 = "UINT64"
  case int8 = "INT8"
  case int16 = "INT16"
  case int32 = "INT32"
  case int64 = "INT64"
  case float16 = "FP16"
  case bfloat16 = "BF16"
  case float32 = "FP32"
  case float64 = "FP64"
  /// Texts, or files.
  case bytes = "BYTES"

  /// Bytes of an element; nil for texts, each of which has a length.
  var size: Int? {
    switch self {
    case .bool, .uint8, .int8: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .bytes: nil
    }
  }

  /// The elements of little-endian memory; those of 64 bits that no double holds are rounded.
  func numbers(_ bytes: UnsafeRawBufferPointer) -> [Double] {
    func all<Element>(_ type: Element.Type, _ value: (Element) -> Double) -> [Double] where Element: BitwiseCopyable {
      let size = MemoryLayout<Element>.size
      return [Double](unsafeUninitializedCapacity: bytes.count / size) { buffer, count in
        count = bytes.count / size
        for index in 0..<count { buffer[index] = value(bytes.loadUnaligned(fromByteOffset: index * size, as: type)) }
      }
    }
    return switch self {
    case .bool: all(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .uint8: all(UInt8.self) { Double($0) }
    case .uint16: all(UInt16.self) { Double(UInt16(littleEndian: $0)) }
    case .uint32: all(UInt32.self) { Double(UInt32(littleEndian: $0)) }
    case .uint64: all(UInt64.self) { Double(UInt64(littleEndian: $0)) }
    case .int8: all(Int8.self) { Double($0) }
    case .int16: all(Int16.self) { Double(Int16(littleEndian: $0)) }
    case .int32: all(Int32.self) { Double(Int32(littleEndian: $0)) }
    case .int64: all(Int64.self) { Double(Int64(littleEndian: $0)) }
    case .float16: all(UInt16.self) { Self.half(UInt16(littleEndian: $0)) }
    case .bfloat16: all(UInt16.self) { Double(Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16)) }
    case .float32: all(UInt32.self) { Double(Float(bitPattern: UInt32(littleEndian: $0))) }
    case .float64: all(UInt64.self) { Double(bitPattern: UInt64(littleEndian: $0)) }
    case .bytes: preconditionFailure("texts are no numbers")
    }
  }

  /// The first of some numbers that no integer of this kind is; nil for other kinds. A number that is missing is in all kinds.
  func firstNotHeld(_ values: [Double]) -> Double? {
    func first<Number: FixedWidthInteger>(_ kind: Number.Type) -> Double? {
      values.first { !$0.isNaN && Number(exactly: $0) == nil }
    }
    return switch self {
    case .uint8: first(UInt8.self)
    case .uint16: first(UInt16.self)
    case .uint32: first(UInt32.self)
    case .uint64: first(UInt64.self)
    case .int8: first(Int8.self)
    case .int16: first(Int16.self)
    case .int32: first(Int32.self)
    case .int64: first(Int64.self)
    case .bool, .float16, .bfloat16, .float32, .float64, .bytes: nil
    }
  }

  /// The number that is left of `value` in this kind, as a client that has it would have sent it.
  func rounded(_ value: Double) -> Double { self == .float32 ? Double(Float(value)) : value }

  /// IEEE 754's number of 16 bits, which not every processor's Swift has a type for.
  private static func half(_ bits: UInt16) -> Double {
    let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023))
    let size: Double =
      switch exponent {
      case 0: fraction * 0x1p-24
      case 31: fraction == 0 ? .infinity : .nan
      default: Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
      }
    return bits >> 15 == 0 ? size : -size
  }
}
