import Glibc

/// A file that grows by whole records, for readers that follow it while it grows.
///
/// Each record is one `write` to the end of the file. After the first that fails nothing more is written, what came of
/// it is cut off again, and `onFailure` is told once: a log is not what a run is for, so no run ends because of it.
package final class LogFile {
  let path: String
  private var descriptor: Int32 = -1
  /// The end of the last whole record; nil for a pipe or device.
  private var length: Int?
  private let onFailure: (String) -> Void

  /// Opens the file, or makes it, and goes on after its first `keeping` bytes.
  package init(_ path: String, keeping: Int = 0, onFailure: @escaping (String) -> Void) {
    self.path = path
    self.onFailure = onFailure
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    var status = stat()
    if descriptor < 0 {
      fail()
    } else if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
      length = keeping
      if ftruncate(descriptor, keeping) != 0 { fail() }
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Writes a record.
  package func append(_ record: [UInt8]) {
    guard descriptor >= 0 else { return }
    var written: Int
    repeat { written = write(descriptor, record, record.count) } while written < 0 && errno == EINTR
    guard written == record.count else {
      if written >= 0 { errno = ENOSPC }
      return fail()
    }
    length? += record.count
  }

  /// Writes a JSON object on a line of its own; one that cannot be encoded is left out.
  package func append(line: some Encodable) {
    guard let text = try? JSONLine.text(line) else { return }
    append(Array((text + "\n").utf8))
  }

  private func fail() {
    onFailure("\(path) cannot be written: \(String(cString: strerror(errno))); training goes on without it.")
    guard descriptor >= 0 else { return }
    if let length { _ = ftruncate(descriptor, length) }
    close(descriptor)
    descriptor = -1
  }
}

/// Seconds since 1970.
package func secondsSince1970() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
