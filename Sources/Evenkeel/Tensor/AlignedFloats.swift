import Glibc

/// A fixed number of floats, aligned to a cache line, initially zero. Nothing else holds this memory.
///
/// Not safe to write from two threads; owners guard it (a value's copy-on-write, a program's exclusive use).
package final class AlignedFloats: @unchecked Sendable {
  package let count: Int
  package let start: UnsafeMutablePointer<Float>

  /// A little memory, or memory that was requested as part of a sum.
  package init(count: Int) {
    guard let start = Self.allocate(count) else { fatalError("Out of memory: \(count) floats were asked for.") }
    (self.count, self.start) = (count, start)
  }

  /// Memory whose size depends on data or a network.
  /// - Parameter what: What takes it, as for `Machine.requireMemory`.
  /// - Throws: `EvenkeelError` if there is not enough.
  package init(
    count: Int, for what: @autoclosure () -> String, code: EvenkeelError.Code = .data, remedy: String? = nil
  ) throws {
    let bytes = count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    let size = bytes.overflow ? Int.max : bytes.partialValue
    try Machine.requireMemory(size, for: what(), code: code, remedy: remedy)
    guard let start = Self.allocate(count) else { throw EvenkeelError(code, MemoryRoom.refusal(what(), size)) }
    (self.count, self.start) = (count, start)
  }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Float>? {
    var memory: UnsafeMutableRawPointer?
    let bytes = max(count, 16) * MemoryLayout<Float>.stride
    let isLarge = bytes >= 2 * largePage
    guard posix_memalign(&memory, isLarge ? largePage : 64, bytes) == 0, let memory else { return nil }
    // Where the system gives large pages on request, there are fewer to look up.
    if isLarge { madvise(memory, bytes, MADV_HUGEPAGE) }
    memset(memory, 0, bytes)
    return memory.bindMemory(to: Float.self, capacity: max(count, 16))
  }

  private static let largePage = 1 << 21

  /// Room for this many bytes.
  convenience init(bytes: Int) { self.init(count: (bytes + 3) / MemoryLayout<Float>.stride) }

  convenience init(copying other: AlignedFloats) {
    self.init(count: other.count)
    start.update(from: other.start, count: count)
  }

  /// - Throws: As `init(count:for:)`.
  convenience init(copying other: AlignedFloats, for what: @autoclosure () -> String) throws {
    try self.init(count: other.count, for: what())
    start.update(from: other.start, count: count)
  }

  deinit { free(start) }

  package var buffer: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: start, count: count) }
}
