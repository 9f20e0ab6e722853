/// A message in Protocol Buffers' wire format, which fields are only ever written to.
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  private enum WireType: UInt64 { case varint = 0, fixed64 = 1, lengthDelimited = 2, fixed32 = 5 }

  private mutating func key(_ field: UInt64, _ type: WireType) { varint(field << 3 | type.rawValue) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest > 0x7f {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Seven bits a byte, lowest first.
  mutating func add(_ field: UInt64, integer value: UInt64) {
    key(field, .varint)
    varint(value)
  }

  mutating func add(_ field: UInt64, _ value: Double) {
    key(field, .fixed64)
    bytes.append(littleEndian: value.bitPattern)
  }

  mutating func add(_ field: UInt64, _ value: Float) {
    key(field, .fixed32)
    bytes.append(littleEndian: value.bitPattern)
  }

  mutating func add(_ field: UInt64, _ text: String) { add(field, bytes: Array(text.utf8)) }

  mutating func add(_ field: UInt64, _ message: ProtobufMessage) { add(field, bytes: message.bytes) }

  /// A message within this one.
  mutating func add(_ field: UInt64, _ fill: (inout ProtobufMessage) -> Void) {
    var message = ProtobufMessage()
    fill(&message)
    add(field, message)
  }

  /// Repeated numbers, packed.
  mutating func add(_ field: UInt64, _ values: [Double]) {
    var packed: [UInt8] = []
    for value in values { packed.append(littleEndian: value.bitPattern) }
    add(field, bytes: packed)
  }

  private mutating func add(_ field: UInt64, bytes content: [UInt8]) {
    key(field, .lengthDelimited)
    varint(UInt64(content.count))
    bytes += content
  }
}

extension [UInt8] {
  mutating func append(littleEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
