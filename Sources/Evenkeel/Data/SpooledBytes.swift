/// Bytes of a source that does not say how many it has, a pipe or an inflated stream: in memory as long as they are few, then in a
/// temporary file, which has no name and goes with the process.
final class SpooledBytes {
  /// From so many on they go to a file.
  static let mostInMemory = 1 << 26

  /// What errors call the source.
  let name: String
  private let most: Int
  private let memory: GrowingBytes
  private var file: OpenFile?
  private var count = 0

  /// - Parameter most: How many bytes may stay in memory.
  init(name: String, mostInMemory most: Int = mostInMemory) {
    (self.name, self.most) = (name, most)
    memory = GrowingBytes(name: name)
  }

  /// - Throws: `EvenkeelError`: `data` if there is not enough memory, `cannotWrite` if the disk is full.
  func append(_ bytes: UnsafeRawBufferPointer) throws {
    if file == nil {
      // Where no file can be made it all stays in memory.
      guard memory.count + bytes.count > most, let opened = try? OpenFile(for: name) else {
        return try memory.append(bytes)
      }
      file = opened
      try write(UnsafeRawBufferPointer(start: memory.start, count: memory.count))
      memory.clear()
    }
    try write(bytes)
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws {
    try PlacedWriter(file!.descriptor, path: "A temporary copy of \(name)").write(bytes, at: count)
    count += bytes.count
  }

  /// Where what was appended is; the file stays open as long as this object is held.
  enum Place {
    case memory(GrowingBytes)
    case file(Int32)
  }

  var place: Place { file.map { .file($0.descriptor) } ?? .memory(memory) }
}

private final class OpenFile {
  private let file: TemporaryFile

  var descriptor: Int32 { file.descriptor }

  init(for name: String) throws { file = try TemporaryFile(forWork: name) }
}
