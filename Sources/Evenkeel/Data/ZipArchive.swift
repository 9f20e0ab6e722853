import CZlib

/// A zip archive, read from its central directory: stored and deflated members, zip64, data descriptors.
struct ZipArchive {
  struct Member {
    let name: String
    let isDeflated: Bool
    /// Where the member lies in the archive, as it is stored.
    let range: Range<Int>
    /// The bytes of its content.
    let count: Int
    /// The CRC-32 of its content.
    let checksum: UInt32
  }

  let name: String
  /// In the order of the directory; no two have one name.
  private(set) var members: [Member] = []
  private let bytes: FileBytes

  /// - Throws: `EvenkeelError` with code `data` that names the byte where the archive is not as it should be.
  init(_ bytes: FileBytes) throws {
    self.bytes = bytes
    name = bytes.name
    var (at, count) = try directory()
    var names: Set<String> = []
    while count > 0 {
      let (member, next) = try self.member(at: at)
      guard names.insert(member.name).inserted else {
        throw EvenkeelError.data("\(name), byte \(at): \(member.name) is in the archive twice.")
      }
      members.append(member)
      at = next
      count -= 1
    }
  }

  /// The place of the central directory and the number of its entries, from the record at the archive's end.
  private func directory() throws -> (start: Int, count: Int) {
    let size = 22
    // A comment of up to 65,535 bytes may follow.
    let last = bytes.count - size
    guard
      let end = stride(from: last, through: max(0, last - 65_535), by: -1).first(where: {
        isSignature(0x0605_4b50, at: $0) && $0 + size + Int(load(UInt16.self, $0 + 20)) == bytes.count
      })
    else {
      throw EvenkeelError.data(
        "\(name): the directory at the end of the zip archive is missing; the file is truncated or not a zip archive.")
    }
    if end >= 20, isSignature(0x0706_4b50, at: end - 20) {
      let record = try number(UInt64.self, end - 12)
      try require(record, 56, "the zip64 directory's end")
      guard isSignature(0x0606_4b50, at: record) else { throw noSignature("the zip64 directory's end", record) }
      return (try number(UInt64.self, record + 48), try number(UInt64.self, record + 32))
    }
    return (try number(UInt32.self, end + 16), try number(UInt16.self, end + 10))
  }

  /// The member whose entry of the directory starts at `at`, and the start of the next.
  private func member(at: Int) throws -> (Member, next: Int) {
    try require(at, 46, "an entry of the directory")
    guard isSignature(0x0201_4b50, at: at) else { throw noSignature("an entry of the directory", at) }
    let nameLength = try number(UInt16.self, at + 28)
    let extraLength = try number(UInt16.self, at + 30)
    let next = at + 46 + nameLength + extraLength + (try number(UInt16.self, at + 32))
    try require(at, next - at, "an entry of the directory")
    let nameBytes = bytes.bytes[at + 46..<at + 46 + nameLength]
    let memberName = String(decoding: nameBytes, as: UTF8.self)
    let method = try number(UInt16.self, at + 10)
    guard load(UInt16.self, at + 8) & 1 == 0 else {
      throw EvenkeelError.data("\(name): \(memberName) is encrypted; expected a plain archive.")
    }
    guard method == 0 || method == 8 else {
      throw EvenkeelError.data(
        "\(name): \(memberName) is packed by method \(method); expected 0 (stored) or 8 (deflated).")
    }
    // Sizes and place of 4 GiB and more stand in the extra field with the id 1, those that need it, in this order.
    var long = try zip64Fields(at + 46 + nameLength, extraLength, memberName)
    func size(_ field: Int) throws -> Int {
      let short = load(UInt32.self, field)
      guard short == .max, !long.isEmpty else { return Int(short) }
      return try number(UInt64.self, long.removeFirst())
    }
    let count = try size(at + 24)
    let packedCount = try size(at + 20)
    let local = try size(at + 42)
    try require(local, 30, memberName)
    guard isSignature(0x0403_4b50, at: local) else { throw noSignature(memberName, local) }
    let localNameLength = try number(UInt16.self, local + 26)
    let start = local + 30 + localNameLength + (try number(UInt16.self, local + 28))
    try require(local, start - local, memberName)
    guard bytes.bytes[local + 30..<local + 30 + localNameLength].elementsEqual(nameBytes) else {
      throw EvenkeelError.data("\(name), byte \(local): expected \(memberName), got a member of another name.")
    }
    try require(start, packedCount, memberName)
    guard method == 8 || packedCount == count else {
      throw EvenkeelError.data(
        "\(name): \(memberName) is stored in \(packedCount) bytes; expected its \(count).")
    }
    let member = Member(
      name: memberName, isDeflated: method == 8, range: start..<start + packedCount, count: count,
      checksum: load(UInt32.self, at + 16))
    return (member, next)
  }

  /// Where the 64-bit numbers of an extra field lie.
  private func zip64Fields(_ start: Int, _ length: Int, _ memberName: String) throws -> [Int] {
    var at = start
    while at + 4 <= start + length {
      let (id, size) = (load(UInt16.self, at), Int(load(UInt16.self, at + 2)))
      guard at + 4 + size <= start + length else { break }
      if id == 1 { return Array(stride(from: at + 4, through: at + 4 + size - 8, by: 8)) }
      at += 4 + size
    }
    return []
  }

  /// The first bytes of a member, at most `count`.
  func beginning(of member: Member, count: Int, name: String) throws -> [UInt8] {
    let packed = UnsafeRawBufferPointer(rebasing: bytes.bytes[member.range])
    guard member.isDeflated else { return Array(packed.prefix(count)) }
    var result: [UInt8] = []
    try Deflated.raw.inflate(packed, name: name) {
      result.append(contentsOf: $0.prefix(count - result.count))
      return result.count < count
    }
    return result
  }

  /// The content of a member, its checksum compared: in place where it is stored, else inflated to memory.
  ///
  /// The size that the directory declares is reserved, and touched as far as something comes out.
  /// - Parameter name: What errors call it.
  func content(of member: Member, name: String) throws -> FileBytes {
    let content =
      member.isDeflated ? try inflated(member, name: name) : FileBytes(member.range, of: bytes, name: name)
    let checksum = UInt32(crc32_z(0, content.bytes.bindMemory(to: UInt8.self).baseAddress, content.count))
    guard checksum == member.checksum else {
      throw EvenkeelError.data(
        "\(name): the checksum of the content is \(String(checksum, radix: 16)); expected \(String(member.checksum, radix: 16)), so it is damaged."
      )
    }
    return content
  }

  private func inflated(_ member: Member, name: String) throws -> FileBytes {
    // Deflate makes at most 258 bytes of 2 bits.
    guard member.count / 1032 <= member.range.count else {
      throw EvenkeelError.data(
        "\(name): the archive promises \(member.count) bytes, but \(member.range.count) deflated bytes cannot hold that many."
      )
    }
    return try FileBytes(
      count: member.count, name: name,
      purpose: "\(name) inflated (numpy.savez stores it so that it can stay in the file)"
    ) { memory in
      var given = 0
      try Deflated.raw.inflate(UnsafeRawBufferPointer(rebasing: bytes.bytes[member.range]), name: name) { part in
        guard part.count <= member.count - given else {
          throw EvenkeelError.data(
            "\(name): it decompresses to more than the \(member.count) bytes that the archive promises.")
        }
        UnsafeMutableRawBufferPointer(start: memory + given, count: part.count).copyMemory(from: part)
        given += part.count
        return true
      }
      guard given == member.count else {
        throw EvenkeelError.data("\(name): \(given) bytes were decompressed; the archive promises \(member.count).")
      }
    }
  }

  // MARK: Numbers of the archive, little-endian.

  private func load<Number: FixedWidthInteger>(_: Number.Type, _ at: Int) -> Number {
    Number(littleEndian: bytes.bytes.loadUnaligned(fromByteOffset: at, as: Number.self))
  }

  private func number<Number: FixedWidthInteger>(_ type: Number.Type, _ at: Int) throws -> Int {
    let number = load(type, at)
    guard let result = Int(exactly: number) else {
      throw EvenkeelError.data("\(name), byte \(at): the zip archive says \(number); expected less than 2^63.")
    }
    return result
  }

  private func isSignature(_ signature: UInt32, at: Int) -> Bool {
    at >= 0 && at <= bytes.count - 4 && load(UInt32.self, at) == signature
  }

  private func require(_ start: Int, _ count: Int, _ what: String) throws {
    guard start <= bytes.count, count <= bytes.count - start else {
      throw EvenkeelError.data(
        "\(name): \(what) is said to take \(count) bytes from byte \(start); the file ends at \(bytes.count).")
    }
  }

  private func noSignature(_ what: String, _ at: Int) -> EvenkeelError {
    .data("\(name), byte \(at): expected the start of \(what) of the zip archive, got something else.")
  }
}
