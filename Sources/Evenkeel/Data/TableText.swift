/// The bytes of a table in UTF-8, whatever they were written in.
struct TableText {
  let bytes: FileBytes
  /// Whether the bytes were not UTF-8 and without a mark, so that they were taken for Latin-1.
  private(set) var isLatin1 = false
  /// The line of each row of JSON, whose bytes are CSV now; nil for a table that was CSV.
  private(set) var jsonLines: [Int32]?

  /// Finds the encoding: UTF-16 by its mark or its zeros, UTF-8, or else Windows-1252, which contains Latin-1.
  /// - Throws: `EvenkeelError` with code `data` for what is no text.
  init(_ original: FileBytes) throws {
    let content = original.bytes
    var decoded = original
    if content.starts(with: [0xff, 0xfe, 0, 0]) || content.starts(with: [0, 0, 0xfe, 0xff]) {
      throw EvenkeelError.data("\(original.name): it is UTF-32; save it as UTF-8.")
    } else if let (isBigEndian, start) = Self.utf16(content) {
      decoded = try Self.fromUTF16(original, isBigEndian: isBigEndian, start: start)
    } else if !Self.isUTF8(original) {
      guard !content.prefix(4096).contains(0) else {
        throw EvenkeelError.data("\(original.name): it is no text; expected a table as CSV.")
      }
      isLatin1 = true
      decoded = try Self.fromWindows1252(original)
    }
    if let rows = try JSONLines(decoded) {
      (bytes, jsonLines) = (rows.table, rows.lines)
    } else {
      bytes = decoded
    }
  }

  /// The bytes of a later part of a table in UTF-8 or, as an earlier part was, in Latin-1.
  init(_ original: FileBytes, asLatin1: Bool) throws {
    isLatin1 = asLatin1 || !Self.isUTF8(original)
    bytes = isLatin1 ? try Self.fromWindows1252(original) : original
  }

  /// The order of the bytes and where the text starts. Without a mark, every other byte of the beginning is 0, as in texts of the
  /// alphabet.
  static func utf16(_ content: UnsafeRawBufferPointer) -> (isBigEndian: Bool, start: Int)? {
    if content.starts(with: [0xff, 0xfe]) { return (false, 2) }
    if content.starts(with: [0xfe, 0xff]) { return (true, 2) }
    let units = min(content.count, 512) / 2
    guard units > 1 else { return nil }
    let zeros = (0..<2).map { half in (0..<units).count { content[2 * $0 + half] == 0 } }
    if zeros[0] == 0, 10 * zeros[1] >= 9 * units { return (false, 0) }
    if zeros[1] == 0, 10 * zeros[0] >= 9 * units { return (true, 0) }
    return nil
  }

  private static func fromUTF16(_ original: FileBytes, isBigEndian: Bool, start: Int) throws -> FileBytes {
    let content = original.bytes
    guard content.count % 2 == 0 else {
      throw EvenkeelError.data("\(original.name): it is UTF-16, but its last character is cut off.")
    }
    try Machine.requireMemory(4 * content.count, for: "\(original.name): its text")
    let units = stride(from: start, to: content.count, by: 2).lazy.map { place -> UInt16 in
      let (one, other) = (UInt16(content[place]), UInt16(content[place + 1]))
      return isBigEndian ? one << 8 | other : other << 8 | one
    }
    var text: [UInt8] = []
    let isBroken = transcode(
      units.makeIterator(), from: UTF16.self, to: UTF8.self, stoppingOnError: true, into: { text.append($0) })
    guard !isBroken else {
      throw EvenkeelError.data("\(original.name): it seems to be UTF-16, but not all of it is characters.")
    }
    return try FileBytes(text, name: original.name)
  }

  private static func isUTF8(_ file: FileBytes) -> Bool {
    let (content, piece) = (file.bytes, 1 << 24)
    // Most tables are ASCII, where no byte has its highest bit.
    var position = 0
    while position + 8 <= content.count {
      if position % piece == 0, position > 0 { file.forget(position - piece..<position) }
      guard content.loadUnaligned(fromByteOffset: position, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 else { break }
      position += 8
    }
    return UTF8Check.isValid(UnsafeRawBufferPointer(rebasing: content[position...]))
  }

  private static func fromWindows1252(_ original: FileBytes) throws -> FileBytes {
    try Machine.requireMemory(4 * original.count, for: "\(original.name): its text")
    var text: [UInt8] = []
    text.reserveCapacity(original.count + original.count / 8)
    for byte in original.bytes {
      switch byte {
      case ..<0x80: text.append(byte)
      case 0x80..<0xa0: text += Array(String(windows1252[Int(byte) - 0x80]).utf8)
      default: text += [0xc0 | byte >> 6, 0x80 | byte & 0x3f]
      }
    }
    return try FileBytes(text, name: original.name)
  }

  /// The characters from 0x80 to 0x9f; the five that are none stay what they are in Latin-1.
  private static let windows1252 = Array(
    "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ")
}

/// Whether bytes are UTF-8: no character cut off, none longer than it need be, no surrogates.
private enum UTF8Check {
  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    func follows(_ count: Int, from least: UInt8 = 0x80, to greatest: UInt8 = 0xbf) -> Bool {
      guard position + count < bytes.count, (least...greatest).contains(bytes[position + 1]) else { return false }
      guard (1..<count).allSatisfy({ bytes[position + 1 + $0] & 0xc0 == 0x80 }) else { return false }
      position += count
      return true
    }
    while position < bytes.count {
      let isValid =
        switch bytes[position] {
        case ..<0x80: true
        case 0xc2...0xdf: follows(1)
        case 0xe0: follows(2, from: 0xa0)
        case 0xed: follows(2, to: 0x9f)
        case 0xe1...0xef: follows(2)
        case 0xf0: follows(3, from: 0x90)
        case 0xf1...0xf3: follows(3)
        case 0xf4: follows(3, to: 0x8f)
        default: false
        }
      guard isValid else { return false }
      position += 1
    }
    return true
  }
}
