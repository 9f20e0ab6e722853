import Glibc

/// Writes files whole or not at all: to a temporary file in the same folder, flushed, then renamed.
package enum AtomicFile {
  package static func write(_ chunks: [UnsafeRawBufferPointer], to path: String) throws {
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR {
      throw EvenkeelError.cannotWrite("\(path) is a folder; expected a file to write.")
    }
    if exists, status.st_mode & S_IFMT != S_IFREG {
      // A pipe or device is no file that could be replaced.
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw failure(path) }
      defer { close(descriptor) }
      try fill(descriptor, chunks, path)
      return
    }
    // What a link points to is replaced, not the link.
    var resolved = path
    if exists, let real = realpath(path, nil) {
      resolved = String(cString: real)
      free(real)
    }
    let temporary = resolved + ".\(getpid()).partial"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, exists ? status.st_mode & 0o777 : 0o644)
    guard descriptor >= 0 else { throw failure(path) }
    do {
      defer { close(descriptor) }
      try fill(descriptor, chunks, path)
      guard fsync(descriptor) == 0 else { throw failure(path) }
    } catch {
      unlink(temporary)
      throw error
    }
    guard rename(temporary, resolved) == 0 else {
      let error = failure(path)
      unlink(temporary)
      throw error
    }
  }

  package static func write(_ text: String, to path: String) throws {
    var text = text
    try text.withUTF8 { try write([UnsafeRawBufferPointer($0)], to: path) }
  }

  /// Finds out before long work whether `path` can be written; changes nothing.
  package static func requireWritable(_ path: String) throws {
    var status = stat()
    if stat(path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR {
        throw EvenkeelError.cannotWrite("\(path) is a folder; expected a file to write.")
      }
      guard access(path, W_OK) == 0 else { throw failure(path) }
      if status.st_mode & S_IFMT != S_IFREG { return }
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard access(folder, W_OK) == 0 else { throw failure(path) }
  }

  private static func fill(_ descriptor: Int32, _ chunks: [UnsafeRawBufferPointer], _ path: String) throws {
    for chunk in chunks {
      var position = 0
      while position < chunk.count {
        let written = Glibc.write(descriptor, chunk.baseAddress! + position, min(chunk.count - position, 1 << 30))
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { throw failure(path) }
        position += written
      }
    }
  }

  private static func failure(_ path: String) -> EvenkeelError {
    .cannotWrite("\(path) cannot be written: \(String(cString: strerror(errno))).")
  }
}
