/// The kind of number that an array holds, as `descr` in its header says: `<f4`, `|u1`, `>i8`.
struct NumpyType: Hashable {
  enum Kind: Character { case boolean = "b", signed = "i", unsigned = "u", float = "f" }
  let kind: Kind
  /// The bytes of one item.
  let size: Int
  let isBigEndian: Bool

  /// Nil for what is no number of up to 64 bits.
  init?(_ descr: String) {
    let characters = Array(descr)
    guard characters.count == 3, "<>|".contains(characters[0]), let kind = Kind(rawValue: characters[1]),
      let size = characters[2].wholeNumberValue
    else { return nil }
    let sizes: [Int] =
      switch kind {
      case .boolean: [1]
      case .signed, .unsigned: [1, 2, 4, 8]
      case .float: [2, 4, 8]
      }
    guard sizes.contains(size), size == 1 || characters[0] != "|" else { return nil }
    self.kind = kind
    self.size = size
    isBigEndian = characters[0] == ">"
  }

  /// What a person calls items that are no such number.
  static func noun(_ descr: String) -> String {
    switch descr.dropFirst().first {
    case "O": "Python objects"
    case "S", "U", "a": "text"
    case "M", "m": "times"
    case "c": "complex numbers"
    case "V": "raw bytes"
    default: "items"
    }
  }
}

/// The header of an array in NumPy's NPY format, versions 1.0 to 3.0: magic, version, length, then a Python dictionary of
/// `descr`, `fortran_order` and `shape`. It is read by hand; nothing is evaluated and no object is ever unpickled.
struct NumpyHeader {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The most bytes that a header has, the twelve before its dictionary included.
  static let maximumLength = 12 + 65_535

  let type: NumpyType
  let isFortranOrder: Bool
  /// One or more axes, none of them empty; the first counts examples, fewer than 2^31.
  let shape: Shape
  /// Where the items start.
  let offset: Int

  /// - Parameter content: The file, or its beginning of `maximumLength` bytes.
  /// - Throws: `EvenkeelError` with code `data` that names byte, what was expected and what is there.
  init(_ content: UnsafeRawBufferPointer, name: String) throws {
    guard content.count >= 10, content.starts(with: Self.magic) else {
      throw EvenkeelError.data(
        "\(name): expected an NPY header, which starts with byte 147 and NUMPY, got \(content.count < 10 ? "\(content.count) bytes" : "the bytes \(content.prefix(6).map { String($0) }.joined(separator: " "))")."
      )
    }
    guard (1...3).contains(content[6]), content[7] == 0 else {
      throw EvenkeelError.data(
        "\(name): expected version 1.0, 2.0 or 3.0 of the NPY format, got \(content[6]).\(content[7]).")
    }
    let start = content[6] == 1 ? 10 : 12
    let length =
      content[6] == 1
      ? Int(UInt16(littleEndian: content.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
      : content.count < 12
        ? 0 : Int(UInt32(littleEndian: content.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
    guard start + length <= Self.maximumLength else {
      throw EvenkeelError.data("\(name): the header is said to have \(length) bytes; expected at most 65535.")
    }
    guard start + length <= content.count else {
      throw EvenkeelError.data(
        "\(name): the header is said to have \(length) bytes; the file holds \(max(0, content.count - start)) after its first \(start)."
      )
    }
    offset = start + length
    var reader = DictionaryReader(content: UnsafeRawBufferPointer(rebasing: content[..<offset]), at: start, name: name)
    let (descr, isFortranOrder, dimensions) = try reader.read()
    self.isFortranOrder = isFortranOrder
    guard let type = NumpyType(descr) else {
      throw EvenkeelError.data(
        "\(name): descr is '\(descr)', \(NumpyType.noun(descr)); expected a plain number: bool, an integer or a float of up to 64 bits."
      )
    }
    self.type = type
    shape = Shape(dimensions)
    guard let count = dimensions.first else {
      throw EvenkeelError.data("\(name): the array is a single number, its shape (); expected an axis of examples.")
    }
    guard count < 1 << 31 else {
      throw EvenkeelError.data("\(name): the header promises \(count) examples; expected fewer than 2^31.")
    }
    guard !dimensions.contains(0) else { throw EvenkeelError.data("\(name): the array is empty, its shape \(shape).") }
  }

  /// The number of values of one example.
  var width: Int { shape.dimensions.dropFirst().reduce(1, *) }

  /// Makes sure that the items fill what is there to the last byte; until then nothing may be counted or allocated.
  /// - Parameter count: The bytes of the file, header included.
  func requireContent(_ count: Int, name: String) throws {
    guard let promised = Shape.checkedCount(shape.dimensions + [type.size]) else {
      throw EvenkeelError.data(
        "\(name): the header promises more items than can be counted, the shape \(shape); the file holds \(count - offset) bytes of them."
      )
    }
    guard promised == count - offset else {
      throw EvenkeelError.data(
        "\(name): the header promises \(promised) bytes of items, the shape \(shape) of \(type.size) bytes each; the file holds \(count - offset)."
      )
    }
  }
}

/// Reads the one Python dictionary that an NPY header is: three keys in any order, then blanks.
private struct DictionaryReader {
  let content: UnsafeRawBufferPointer
  var at: Int
  let name: String

  mutating func read() throws -> (descr: String, isFortranOrder: Bool, shape: [Int]) {
    var descr: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try take("{")
    while try next(orEnd: "\"}\"") != "}" {
      skipBlanks()
      let before = at
      let key = try text()
      try take(":")
      switch key {
      case "descr" where descr == nil: descr = try type()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try truth()
      case "shape" where shape == nil: shape = try dimensions()
      default:
        throw EvenkeelError.data(
          "\(name), byte \(before): the header has the key \"\(key)\"; expected descr, fortran_order and shape, each once."
        )
      }
      if try next(orEnd: "\",\"") != "}" { try take(",") }
    }
    try take("}")
    skipBlanks()
    guard at == content.count else { throw failure(expected: "blanks to the end of the header") }
    guard let descr else { throw missing("descr") }
    guard let isFortranOrder else { throw missing("fortran_order") }
    guard let shape else { throw missing("shape") }
    return (descr, isFortranOrder, shape)
  }

  private mutating func type() throws -> String {
    switch try next(orEnd: "a type") {
    case "[":
      throw EvenkeelError.data(
        "\(name), byte \(at): descr is a list, so the items are records; expected a plain number such as '<f4'.")
    case "(":
      throw EvenkeelError.data(
        "\(name), byte \(at): descr is a tuple, so the items are themselves arrays; expected a plain number such as '<f4'."
      )
    default: return try text()
    }
  }

  private mutating func text() throws -> String {
    let quote = try next(orEnd: "a text in quotes")
    guard quote == "'" || quote == "\"" else { throw failure(expected: "a text in quotes") }
    let start = at + 1
    guard let length = content[start...].firstIndex(of: UInt8(quote.value)).map({ $0 - start }),
      !content[start..<start + length].contains(where: { $0 == UInt8(ascii: "\\") || $0 < 32 })
    else { throw failure(expected: "a text in quotes") }
    at = start + length + 1
    return String(decoding: content[start..<start + length], as: UTF8.self)
  }

  private mutating func truth() throws -> Bool {
    _ = try next(orEnd: "True or False")
    for (word, value) in [("True", true), ("False", false)] where content[at...].starts(with: word.utf8) {
      at += word.utf8.count
      return value
    }
    throw failure(expected: "True or False")
  }

  /// A tuple of lengths: `()`, `(3,)`, `(3, 4)`.
  private mutating func dimensions() throws -> [Int] {
    var dimensions: [Int] = []
    try take("(")
    while try next(orEnd: "\")\"") != ")" {
      guard dimensions.count < 64 else { throw failure(expected: "at most 64 axes") }
      dimensions.append(try length())
      if try next(orEnd: "\")\"") != ")" || dimensions.count == 1 { try take(",") }
    }
    try take(")")
    return dimensions
  }

  private mutating func length() throws -> Int {
    let start = at
    while at < content.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(content[at]) { at += 1 }
    guard at > start else { throw failure(expected: "the length of an axis, 0 or more") }
    let digits = String(decoding: content[start..<at], as: UTF8.self)
    guard let length = Int(digits) else {
      throw EvenkeelError.data("\(name), byte \(start): an axis is \(digits) long; expected less than 2^63.")
    }
    // Python 2 wrote long integers as 3L.
    if at < content.count, content[at] == UInt8(ascii: "L") { at += 1 }
    return length
  }

  private mutating func skipBlanks() {
    while at < content.count, content[at] == 32 || content[at] == 10 { at += 1 }
  }

  /// The next character that is no blank; it stays the next.
  private mutating func next(orEnd expected: String) throws -> Unicode.Scalar {
    skipBlanks()
    guard at < content.count else { throw failure(expected: expected) }
    return Unicode.Scalar(content[at])
  }

  private mutating func take(_ character: Unicode.Scalar) throws {
    let expected = "\"\(character)\""
    guard try next(orEnd: expected) == character else { throw failure(expected: expected) }
    at += 1
  }

  private func failure(expected: String) -> EvenkeelError {
    let rest = String(decoding: content[at...].prefix(12).filter { (32..<127).contains($0) }, as: UTF8.self)
    return .data(
      "\(name), byte \(at): expected \(expected) in the header, got \(at < content.count ? "\"\(rest)\"" : "its end").")
  }

  private func missing(_ key: String) -> EvenkeelError { .data("\(name): the header has no \(key).") }
}
