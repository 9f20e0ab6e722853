import Glibc

/// Writes files whole or not at all: to a temporary file in the same folder, flushed, then renamed.
package enum AtomicFile {
  package static func write(_ chunks: [UnsafeRawBufferPointer], to path: String) throws {
    let target = try Target(path)
    if target.isStream {
      // A pipe or device is not a file that could be replaced.
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw failure(path) }
      defer { close(descriptor) }
      try fill(descriptor, chunks, path)
      return
    }
    TemporaryFile.removeStale(in: target.folder)
    for needsName in [false, true] {
      let file = try TemporaryFile(in: target.folder, mode: target.mode, for: path, needsName: needsName)
      try fill(file.descriptor, chunks, path)
      guard fsync(file.descriptor) == 0 else { throw failure(path) }
      if try file.put(at: target.file, for: path) { return }
    }
  }

  package static func write(_ text: String, to path: String) throws {
    var text = text
    try text.withUTF8 { try write([UnsafeRawBufferPointer($0)], to: path) }
  }

  /// Writes what `body` hands on, piece by piece.
  static func write(to path: String, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws {
    let target = try Target(path)
    if target.isStream {
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw failure(path) }
      defer { close(descriptor) }
      return try body { try fill(descriptor, [$0], path) }
    }
    TemporaryFile.removeStale(in: target.folder)
    // It cannot be written a second time, if it turned out that it needs a name.
    let file = try TemporaryFile(in: target.folder, mode: target.mode, for: path, needsName: true)
    let descriptor = file.descriptor
    try body { try fill(descriptor, [$0], path) }
    guard fsync(descriptor) == 0 else { throw failure(path) }
    _ = try file.put(at: target.file, for: path)
  }

  /// Writes a file by what `body` writes to places of it; a killed process leaves nothing where the file system allows that.
  static func write<Result>(to path: String, inPlaces body: (Int32) throws -> Result) throws -> Result {
    let target = try Target(path)
    guard !target.isStream else {
      throw EvenkeelError.cannotWrite("\(path) is a pipe or a device; expected a file to write.")
    }
    TemporaryFile.removeStale(in: target.folder)
    // What gives an unnamed file its name.
    let canBeNamed = access("/proc/self/fd", F_OK) == 0
    let file = try TemporaryFile(in: target.folder, mode: target.mode, for: path, needsName: !canBeNamed)
    let result = try body(file.descriptor)
    guard fsync(file.descriptor) == 0, try file.put(at: target.file, for: path) else { throw failure(path) }
    return result
  }

  /// Checks before long work whether `path` can be written; changes nothing.
  package static func requireWritable(_ path: String) throws {
    let target = try Target(path)
    guard target.mode == nil && !target.isStream || access(path, W_OK) == 0 else { throw failure(path) }
    if target.isStream { return }
    // Only an attempt shows what users, mounts and file systems allow.
    _ = try TemporaryFile(in: target.folder, mode: nil, for: path)
    try target.requireReplaceable(path)
  }

  /// Where `path` leads, without links and dots, whether or not something is there.
  package static func place(_ path: String) -> String {
    var path = path
    // The number of links that the kernel follows.
    for _ in 0..<40 {
      if let whole = resolved(path) { return whole }
      let split = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
      let folder = split == path.startIndex ? "." : String(path[..<split])
      guard let real = resolved(folder) else { return path }
      let here = (real == "/" ? "" : real) + "/" + path[split...]
      guard let link = linked(here) else { return here }
      path = link.hasPrefix("/") ? link : (real == "/" ? "" : real) + "/" + link
    }
    return path
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  /// The target of the link at `path`; nil if there is none.
  private static func linked(_ path: String) -> String? {
    var text = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlink(path, &text, text.count)
    return length > 0 ? String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
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

  static func failure(_ path: String, _ what: String? = nil) -> EvenkeelError {
    let reason = String(cString: strerror(errno))
    return .cannotWrite("\(path) cannot be written: \(what.map { $0 + ": " } ?? "")\(reason).")
  }
}

/// The destination of a path that is to be written.
private struct Target {
  /// The path without links, so that a link's target is replaced, not the link; and its folder.
  let file, folder: String
  /// The permissions of the existing file.
  let mode: mode_t?
  /// Whether it is a pipe or a device.
  let isStream: Bool
  private let owner: uid_t

  init(_ path: String) throws {
    var status = stat()
    let exists = stat(path, &status) == 0
    guard exists || errno == ENOENT else { throw AtomicFile.failure(path) }
    if exists, status.st_mode & S_IFMT == S_IFDIR {
      throw EvenkeelError.cannotWrite("\(path) is a folder; expected a file to write.")
    }
    isStream = exists && status.st_mode & S_IFMT != S_IFREG
    mode = exists && !isStream ? status.st_mode & 0o777 : nil
    owner = status.st_uid
    let place = AtomicFile.place(path)
    let split = place.lastIndex(of: "/").map { place.index(after: $0) } ?? place.startIndex
    guard split < place.endIndex else {
      throw EvenkeelError.cannotWrite("\"\(path)\" does not end with a name; expected a file to write.")
    }
    // The name itself may be too long even if the folder is writable.
    guard place[split...].utf8.count <= Int(NAME_MAX) else {
      errno = ENAMETOOLONG
      throw AtomicFile.failure(path)
    }
    file = place
    let parent = place[..<split].dropLast()
    folder = split == place.startIndex ? "." : parent.isEmpty ? "/" : String(parent)
  }

  /// In a folder such as /tmp, only owners can replace files.
  func requireReplaceable(_ path: String) throws {
    var status = stat()
    guard mode != nil, stat(folder, &status) == 0, status.st_mode & S_ISVTX != 0 else { return }
    guard [0, owner, status.st_uid].contains(geteuid()) else {
      errno = EPERM
      throw AtomicFile.failure(path)
    }
  }
}
