import Glibc

/// Bytes in memory that grow until their source ends: a pipe, or an inflated stream.
///
/// Memory is asked for before it is taken, so that an endless source is an error and not the end of the process.
final class GrowingBytes {
  private(set) var start: UnsafeMutableRawPointer = malloc(1)!
  private(set) var count = 0
  private var capacity = 1
  /// What errors call the source.
  let name: String

  init(name: String) { self.name = name }

  deinit { free(start) }

  /// Makes room for at least `more` bytes after the existing ones.
  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory.
  func room(_ more: Int) throws -> UnsafeMutableRawBufferPointer {
    if capacity - count < more {
      // Doubled while it is small; large memory is moved without a copy, so what is not used stays little.
      try grow(to: max(count + more, capacity + (capacity < 1 << 26 ? capacity : capacity / 8)))
    }
    return UnsafeMutableRawBufferPointer(start: start + count, count: capacity - count)
  }

  /// Takes the first `more` bytes of the room, which were written.
  func take(_ more: Int) { count += more }

  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory.
  func append(_ bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count > 0 else { return }
    try room(bytes.count).copyMemory(from: bytes)
    count += bytes.count
  }

  /// Gives back the room that is left.
  func trim() {
    guard capacity > count, let smaller = realloc(start, max(count, 1)) else { return }
    (start, capacity) = (smaller, max(count, 1))
  }

  /// Gives back all of them.
  func clear() {
    count = 0
    trim()
  }

  private func grow(to size: Int) throws {
    let purpose = count == 0 ? name : "\(name): room for more than its first \(MemoryRoom.text(count))"
    try Machine.requireMemory(size - capacity, for: purpose)
    guard let larger = realloc(start, size) else { throw EvenkeelError.data(MemoryRoom.refusal(purpose, size)) }
    (start, capacity) = (larger, size)
  }
}
