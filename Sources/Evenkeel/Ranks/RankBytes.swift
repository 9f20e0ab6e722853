/// What a rank tells the others, as bytes: values one after the other, read in the order in which they were written.
struct RankBytes {
  private(set) var bytes: [UInt8] = []
  private var position = 0

  init() {}

  fileprivate init(_ bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes) }

  mutating func write<Value: BitwiseCopyable>(_ value: Value) { withUnsafeBytes(of: value) { bytes += $0 } }

  mutating func write<Value: BitwiseCopyable>(_ values: [Value]) {
    write(values.count)
    values.withUnsafeBytes { bytes += $0 }
  }

  mutating func write(_ text: String) { write(Array(text.utf8)) }

  mutating func write(_ texts: [String]) {
    write(texts.count)
    for text in texts { write(text) }
  }

  mutating func read<Value: BitwiseCopyable>(_ type: Value.Type = Value.self) -> Value {
    bytes.withUnsafeBytes { bytes in
      defer { position += MemoryLayout<Value>.size }
      return bytes.loadUnaligned(fromByteOffset: position, as: type)
    }
  }

  mutating func read<Value: BitwiseCopyable>(_ type: [Value].Type = [Value].self) -> [Value] {
    let count = read(Int.self)
    let size = count * MemoryLayout<Value>.stride
    defer { position += size }
    return [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyBytes(from: $0[position..<position + size]) }
      initialized = count
    }
  }

  mutating func read(_ type: String.Type = String.self) -> String {
    String(decoding: read([UInt8].self), as: UTF8.self)
  }

  mutating func read(_ type: [String].Type = [String].self) -> [String] {
    (0..<read(Int.self)).map { _ in read(String.self) }
  }
}

extension Communicator {
  /// What each rank tells, by rank.
  func exchange(_ own: RankBytes) throws -> [RankBytes] {
    var counts = [Int](repeating: 0, count: size)
    counts[rank] = own.bytes.count
    let size = MemoryLayout<Int>.stride
    let (ones, places) = (counts.map { _ in size }, counts.indices.map { $0 * size })
    try counts.withUnsafeMutableBytes { try gather($0.baseAddress!, counts: ones, starts: places) }
    var starts = [0]
    for count in counts { starts.append(starts.last! + count) }
    var all = [UInt8](repeating: 0, count: max(1, starts.last!))
    all.replaceSubrange(starts[rank]..<starts[rank + 1], with: own.bytes)
    try all.withUnsafeMutableBytes { try gather($0.baseAddress!, counts: counts, starts: starts) }
    return counts.indices.map { RankBytes(all[starts[$0]..<starts[$0 + 1]]) }
  }

  /// The part of `count` things that rank `rank` has: as many as others or one more, the first rank before the others.
  func part(of count: Int, rank: Int) -> Range<Int> {
    (count * rank + size - 1) / size..<(count * (rank + 1) + size - 1) / size
  }
}
