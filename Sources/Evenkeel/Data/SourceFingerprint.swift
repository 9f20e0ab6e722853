import Glibc

/// What tells a file from one that was written since: its size, the time of its last change, and a hash of its first and last MiB.
struct SourceFingerprint: Hashable, Codable, Sendable {
  /// Without links and dots.
  let path: String
  private let size, seconds, nanoseconds: Int
  private let hash: String

  /// nil for what is no file: standard input, a pipe.
  /// - Throws: `EvenkeelError` with code `noInput` if it cannot be read.
  init?(of path: String) throws {
    guard path != "-" else { return nil }
    func failure() -> EvenkeelError { .noInput("\(path): \(String(cString: strerror(errno))).") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure() }
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.path = AtomicFile.place(path)
    (size, seconds, nanoseconds) = (Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    var hash = Fingerprint()
    var part = [UInt8](repeating: 0, count: 1 << 20)
    for start in size > part.count ? [0, size - part.count] : [0] {
      let got = part.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(start)) }
      guard got >= 0 else { throw failure() }
      for byte in part[..<got] { hash.add(Int(byte)) }
    }
    self.hash = hash.text
  }

  /// - Parameter name: The file that was made of the source.
  /// - Throws: `EvenkeelError` with code `data` if the source is another now. One that is gone, or cannot be read, is taken for unchanged.
  func requireUnchanged(since name: String) throws {
    guard let now = try? SourceFingerprint(of: path), now != self else { return }
    throw EvenkeelError.data("\(name) was made of \(path), which has changed since; encode it again.")
  }
}
