/// A record of TensorBoard's event files (TFRecord): length, its checksum, the data, theirs; numbers little-endian.
package enum EventRecord {
  /// The record that holds `data`.
  package static func framed(_ data: [UInt8]) -> [UInt8] {
    var record: [UInt8] = []
    record.reserveCapacity(data.count + 16)
    record.append(littleEndian: UInt64(data.count))
    record.append(littleEndian: masked(CRC32C.of(record)))
    record += data
    record.append(littleEndian: masked(CRC32C.of(data)))
    return record
  }

  /// Checksums are stored turned and shifted, as data may hold checksums itself.
  private static func masked(_ sum: UInt32) -> UInt32 { (sum >> 15 | sum << 17) &+ 0xa282_ead8 }

  /// The records of `file` that are whole, one after the other.
  static func records(of file: [UInt8]) -> [(data: ArraySlice<UInt8>, end: Int)] {
    var records: [(ArraySlice<UInt8>, Int)] = []
    var start = 0
    while file.count - start >= 16 {
      let length = file[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard length <= UInt64(file.count - start - 16) else { break }
      let data = file[start + 12..<start + 12 + Int(length)]
      guard framed(Array(data)).elementsEqual(file[start..<start + 16 + Int(length)]) else { break }
      start += 16 + Int(length)
      records.append((data, start))
    }
    return records
  }
}

/// The cyclic redundancy check with Castagnoli's polynomial, as in iSCSI (RFC 3720).
package enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0x82f6_3b78 : sum >> 1 }
  }

  package static func of(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { sum, byte in table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8 }
  }
}
