import Glibc

/// What tells a file from the one that had its name before, or the same before it was changed.
struct FileStamp: Equatable {
  private let device, inode, size, seconds, nanoseconds: Int

  /// nil where there is none.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    (device, inode, size) = (Int(status.st_dev), Int(status.st_ino), Int(status.st_size))
    (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
  }
}
