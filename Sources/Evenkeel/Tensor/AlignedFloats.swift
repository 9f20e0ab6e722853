import Glibc

/// A fixed number of floats, aligned to a cache line, zero at the start. Memory that nobody else holds.
///
/// Not safe to write from two threads; owners guard it (a value's copy-on-write, a program's exclusive use).
package final class AlignedFloats: @unchecked Sendable {
  package let count: Int
  package let start: UnsafeMutablePointer<Float>

  package init(count: Int) {
    self.count = count
    var memory: UnsafeMutableRawPointer?
    let bytes = max(count, 16) * MemoryLayout<Float>.stride
    guard posix_memalign(&memory, 64, bytes) == 0, let memory else {
      fatalError("Out of memory: \(bytes) bytes were asked for.")
    }
    memset(memory, 0, bytes)
    start = memory.bindMemory(to: Float.self, capacity: max(count, 16))
  }

  /// Room for so many bytes.
  convenience init(bytes: Int) { self.init(count: (bytes + 3) / MemoryLayout<Float>.stride) }

  convenience init(copying other: AlignedFloats) {
    self.init(count: other.count)
    start.update(from: other.start, count: count)
  }

  deinit { free(start) }

  package var buffer: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: start, count: count) }
}
