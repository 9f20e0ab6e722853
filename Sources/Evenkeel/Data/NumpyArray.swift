import Glibc

/// One array of an NPY file: examples along the first axis. The items stay where they are until they are asked for.
package struct NumpyArray {
  let bytes: FileBytes
  let header: NumpyHeader

  /// What errors call the array: the file, and the array's name in an archive.
  var name: String { bytes.name }
  /// The number of examples.
  var count: Int { header.shape.dimensions[0] }
  /// The number of values of one example.
  var width: Int { header.width }
  var isInteger: Bool { header.type.kind != .float }
  /// The shape of one example; `[1]` where an example is a single number.
  var exampleShape: Shape { header.shape.rank == 1 ? [1] : Shape(Array(header.shape.dimensions.dropFirst())) }

  /// - Throws: `EvenkeelError` with code `data` for a header that is none or that promises other than the file holds.
  package init(_ bytes: FileBytes) throws {
    self.bytes = bytes
    header = try NumpyHeader(bytes.bytes, name: bytes.name)
    try header.requireContent(bytes.count, name: bytes.name)
    try Dataset.requireMemory(forExamples: count, of: name)
  }

  /// The examples as batches are gathered from them.
  ///
  /// In place, so that a mapped file is never in memory as a whole, where the items are of a kind that is gathered,
  /// little-endian, in C order and aligned; else from memory: as floats if those hold every item, or as they are.
  /// - Parameter skipping: The column of a two-dimensional array that is the target.
  /// - Throws: `EvenkeelError` with code `data` if the machine has not the memory to convert.
  func examples(skipping column: Int? = nil) throws -> ExampleStorage {
    let start = bytes.start + header.offset
    let element = gathered
    if let element, !header.isFortranOrder, !header.type.isBigEndian || element.size == 1,
      UInt(bitPattern: start) % UInt(element.size) == 0
    {
      return ExampleStorage(
        owner: bytes, base: start, element: element, count: count, storedWidth: width, skippedColumn: column)
    }
    let kept = element.flatMap { $0.exceedsFloat ? $0 : nil } ?? .float32
    try Machine.requireMemory(count * width * kept.size, for: "\(name) in memory")
    let copy = AlignedFloats(bytes: count * width * kept.size)
    switch kept {
    case .float64: fill(copy) { $0 }
    case .int32: fill(copy) { Int32($0) }
    case .uint32: fill(copy) { UInt32($0) }
    case .int64: fillWithIntegers(copy, Int64.self)
    case .uint64: fillWithIntegers(copy, UInt64.self)
    case .uint8, .float32: fill(copy) { Float($0) }
    }
    return ExampleStorage(
      owner: copy, base: UnsafeRawPointer(copy.start), element: kept, count: count, storedWidth: width,
      skippedColumn: column)
  }

  /// The kind of number that the items are gathered as; nil if there is none.
  private var gathered: ExampleStorage.Element? {
    switch (header.type.kind, header.type.size) {
    case (.unsigned, 1): .uint8
    case (.float, 4): .float32
    case (.float, 8): .float64
    case (.signed, 4): .int32
    case (.unsigned, 4): .uint32
    case (.signed, 8): .int64
    case (.unsigned, 8): .uint64
    default: nil
    }
  }

  /// Writes all items, example after example.
  private func fill<Value>(_ memory: AlignedFloats, _ convert: (Double) -> Value) {
    let item = items
    write(memory) { convert(item($0)) }
  }

  private func fillWithIntegers<Value: FixedWidthInteger>(_ memory: AlignedFloats, _: Value.Type) {
    let (start, isBigEndian) = (bytes.start + header.offset, header.type.isBigEndian)
    write(memory) { index in
      let item = start.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self)
      return isBigEndian ? Value(bigEndian: item) : Value(littleEndian: item)
    }
  }

  private func write<Value>(_ memory: AlignedFloats, _ item: (Int) -> Value) {
    var next = UnsafeMutableRawPointer(memory.start)
    let (stride, offsets) = positions
    for row in 0..<count {
      for offset in offsets {
        next.storeBytes(of: item(row * stride + offset), as: Value.self)
        next += MemoryLayout<Value>.size
      }
    }
  }

  /// All items, example after example.
  func values() -> [Double] {
    let item = items
    let (stride, offsets) = positions
    return (0..<count).flatMap { row in offsets.map { item(row * stride + $0) } }
  }

  /// One value of every example.
  /// - Parameter column: Its place in an example.
  func column(_ column: Int) -> [Double] {
    let item = items
    let (stride, offsets) = positions
    return (0..<count).map { item($0 * stride + offsets[column]) }
  }

  /// Where items lie: the distance of one example's from the next one's, and the place of each in the first example.
  private var positions: (stride: Int, offsets: [Int]) {
    guard header.isFortranOrder else { return (width, Array(0..<width)) }
    // Fortran order: the first axis is the fastest. The example is walked through with its last axis the fastest.
    var offsets = [0]
    var step = count
    for length in header.shape.dimensions.dropFirst() {
      offsets = offsets.flatMap { offset in (0..<length).map { offset + $0 * step } }
      step *= length
    }
    return (1, offsets)
  }

  /// Gives item after item of the file.
  private var items: (Int) -> Double {
    let (bytes, start, isBigEndian) = (bytes, header.offset, header.type.isBigEndian)
    func integer<Item: FixedWidthInteger>(_ index: Int, _: Item.Type) -> Item {
      let item = (bytes.start + start).loadUnaligned(fromByteOffset: index * MemoryLayout<Item>.size, as: Item.self)
      return isBigEndian ? Item(bigEndian: item) : Item(littleEndian: item)
    }
    switch (header.type.kind, header.type.size) {
    case (.boolean, _): return { integer($0, UInt8.self) == 0 ? 0 : 1 }
    case (.signed, 1): return { Double(integer($0, Int8.self)) }
    case (.signed, 2): return { Double(integer($0, Int16.self)) }
    case (.signed, 4): return { Double(integer($0, Int32.self)) }
    case (.signed, _): return { Double(integer($0, Int64.self)) }
    case (.unsigned, 1): return { Double(integer($0, UInt8.self)) }
    case (.unsigned, 2): return { Double(integer($0, UInt16.self)) }
    case (.unsigned, 4): return { Double(integer($0, UInt32.self)) }
    case (.unsigned, _): return { Double(integer($0, UInt64.self)) }
    case (.float, 2): return { Double(Float16(bitPattern: integer($0, UInt16.self))) }
    case (.float, 4): return { Double(Float(bitPattern: integer($0, UInt32.self))) }
    case (.float, _): return { Double(bitPattern: integer($0, UInt64.self)) }
    }
  }
}
