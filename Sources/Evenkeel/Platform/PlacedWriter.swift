import Glibc

/// Writes to places of an open file.
struct PlacedWriter {
  private let descriptor: Int32
  /// The file's name in errors.
  private let path: String

  init(_ descriptor: Int32, path: String) { (self.descriptor, self.path) = (descriptor, path) }

  /// Makes sure that the disk has room for `count` bytes.
  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  func reserve(_ count: Int) throws {
    let status = posix_fallocate(descriptor, 0, off_t(count))
    guard status != 0, status != EOPNOTSUPP, status != EINVAL else { return }
    errno = status
    throw AtomicFile.failure(path, "\(MemoryRoom.text(count)) are needed")
  }

  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws {
    var written = 0
    while written < bytes.count {
      let some = pwrite(
        descriptor, bytes.baseAddress! + written, min(bytes.count - written, 1 << 30), off_t(position + written))
      if some < 0, errno == EINTR { continue }
      guard some > 0 else { throw AtomicFile.failure(path) }
      written += some
    }
  }
}
