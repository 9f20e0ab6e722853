import CLinux
import Glibc
import Synchronization

/// A file before it is in its place: without a name if the file system supports that, so that a killed process leaves
/// nothing; otherwise with a random name, locked as long as its writer lives.
package struct TemporaryFile: ~Copyable {
  package let descriptor: Int32
  private let folder: String
  /// Its temporary name.
  private var name: String?

  /// - Parameters:
  ///   - path: The file's name in errors.
  ///   - needsName: Whether it has a name from the start, because it could not get one later.
  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  package init(in folder: String, mode: mode_t?, for path: String, needsName: Bool = false) throws {
    let mode = mode ?? 0o644
    let unnamed = needsName ? nil : try Self.openUnnamed(in: folder, mode: mode, for: path)
    let opened = try unnamed.map { ($0, nil) } ?? Self.openNamed(in: folder, mode: mode, for: path)
    self.init(opened, in: folder)
  }

  /// All at once: Swift 6.2 destroys members that are not there yet where an initializer of such a type fails halfway.
  private init(_ opened: (descriptor: Int32, name: String?), in folder: String) {
    (descriptor, name) = opened
    self.folder = folder
  }

  /// - Returns: nil where the file system has no files without names.
  private static func openUnnamed(in folder: String, mode: mode_t, for path: String) throws -> Int32? {
    let opened = clinux_open_unnamed(folder, mode)
    guard opened >= 0 else {
      guard [EOPNOTSUPP, EISDIR].contains(errno) else { throw AtomicFile.failure(path, folder) }
      return nil
    }
    // A file that is linked later is locked from the start.
    _ = flock(opened, LOCK_EX | LOCK_NB)
    return opened
  }

  private static func openNamed(in folder: String, mode: mode_t, for path: String) throws -> (Int32, String?) {
    while true {
      let name = randomName()
      let opened = open(folder + "/" + name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)
      guard opened >= 0 else { throw AtomicFile.failure(path, folder + "/" + name) }
      _ = flock(opened, LOCK_EX)
      // Between the two, another process may have found it without a lock and removed it.
      var status = stat()
      if fstat(opened, &status) == 0, status.st_nlink == 0 {
        close(opened)
        continue
      }
      return (opened, name)
    }
  }

  /// A file for the work of this process, in the folder for such files: TMPDIR, or else one that lies on a disk.
  /// - Parameters:
  ///   - beside: A folder to try first.
  ///   - path: What it is for, in errors.
  /// - Throws: As the other.
  init(forWork path: String, beside folder: String? = nil) throws {
    let named = getenv("TMPDIR").map { String(cString: $0) }
    for place in [folder, named, "/var/tmp"].compactMap(\.self) {
      Self.removeStale(in: place)
      if let file = try? TemporaryFile(in: place, mode: 0o600, for: path) {
        self = file
        return
      }
    }
    try self.init(in: "/tmp", mode: 0o600, for: path)
  }

  /// Puts the file in its place, replacing what is there.
  /// - Returns: False if a file without a name cannot get one.
  package consuming func put(at target: String, for path: String) throws -> Bool {
    if name == nil {
      let name = Self.randomName()
      guard clinux_link_unnamed(descriptor, folder + "/" + name) == 0 else { return false }
      self.name = name
    }
    guard rename(folder + "/" + name!, target) == 0 else { throw AtomicFile.failure(path) }
    name = nil
    return true
  }

  deinit {
    if let name { unlink(folder + "/" + name) }
    close(descriptor)
  }

  private static let prefix = ".evenkeel-"
  private static let suffix = ".partial"

  private static func randomName() -> String {
    let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
    return prefix + String(repeating: "0", count: 16 - digits.count) + digits + suffix
  }

  /// The folders that this process has already searched.
  private static let swept = Mutex<Set<String>>([])

  /// Removes what killed writers have left in `folder`, once per process: files with such a name that nobody has
  /// locked.
  static func removeStale(in folder: String) {
    guard swept.withLock({ $0.insert(folder).inserted }), let stream = opendir(folder) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.utf8.count == randomName().utf8.count else { continue }
      let path = folder + "/" + name
      let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(descriptor)
    }
  }
}
