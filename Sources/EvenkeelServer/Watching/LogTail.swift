import Evenkeel
import Glibc

/// A place between two lines of a log, with a hash of what lies before it that tells whether the log is still the same.
package struct LogPlace: Hashable, Sendable {
  /// Bytes before the place.
  package let offset: Int
  let check: UInt64

  package static let start = LogPlace(offset: 0, check: 0)

  /// How many bytes at the beginning of the log, and before the place, are hashed: lines hold the time, so that those of
  /// another run differ.
  static let hashed = 1024

  init(offset: Int, check: UInt64) { (self.offset, self.check) = (offset, check) }

  /// The place after `offset` bytes of a log.
  /// - Parameters:
  ///   - head: The log's first bytes, `hashed` of them or as many as lie before the place.
  ///   - before: As many just before the place.
  init(offset: Int, head: some Sequence<UInt8>, before: some Sequence<UInt8>) {
    var hash = Fingerprint()
    for byte in head { hash.add(Int(byte)) }
    for byte in before { hash.add(Int(byte)) }
    self.init(offset: offset, check: UInt64(hash.text, radix: 16)! >> 24)
  }

  /// The place as `offset-hash`, both to the base 36.
  var text: String { String(offset, radix: 36) + "-" + String(check, radix: 36) }

  /// nil for what is no place.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let offset = Int(parts[0], radix: 36), let check = UInt64(parts[1], radix: 36), offset >= 0
    else { return nil }
    self.init(offset: offset, check: check)
  }
}

/// Follows a log that grows, is cut as its run goes on from a checkpoint, or gives way to that of another run.
package struct LogTail {
  package let path: String
  /// Behind the last line that was read.
  package private(set) var place: LogPlace
  /// The file as it was when there was nothing more to read.
  private var exhausted: FileState?

  /// A log from `place` on, which need not exist yet.
  package init(_ path: String, from place: LogPlace = .start) { (self.path, self.place) = (path, place) }

  package enum Reading {
    /// Lines that follow, each with the place behind it; without those of no interest.
    case lines([(line: LogLine, place: LogPlace)])
    /// The log is no longer what was read: it follows from its beginning.
    case replaced
  }

  /// The longest line that is waited for.
  private static let longest = 64 << 20
  private static let chunk = 1 << 18

  /// What lies behind the place, some of it at a time; nil if there is no whole line yet, or no log.
  package mutating func read() -> Reading? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    guard let state = FileState(file), state != exhausted else { return nil }
    guard let head = bytes(of: file, 0..<min(LogPlace.hashed, state.size)), isSame(file, state, head: head) else {
      (place, exhausted) = (.start, nil)
      return .replaced
    }
    // Whatever is behind the place of another kind of file is no log.
    guard RunLog.isBeginning(of: head) else {
      exhausted = state
      return nil
    }
    var length = Self.chunk
    while place.offset < state.size {
      let (base, before) = (max(0, place.offset - LogPlace.hashed), place.offset)
      let range = base..<min(state.size, before + length)
      guard let read = bytes(of: file, range) else { return nil }
      let lines = lines(in: read, from: base, head: head)
      if !lines.isEmpty { return .lines(lines) }
      if place.offset == before {
        guard range.upperBound < state.size, length < Self.longest else { break }
        length *= 2
      }
    }
    exhausted = state
    return nil
  }

  /// The lines of interest in `bytes`, which begin at `base` in the file; moves the place behind the last whole line.
  private mutating func lines(
    in bytes: [UInt8], from base: Int, head: [UInt8]
  ) -> [(line: LogLine, place: LogPlace)] {
    var lines: [(line: LogLine, place: LogPlace)] = []
    var start = place.offset - base
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let behind = end + 1
      place = LogPlace(
        offset: base + behind, head: head.prefix(base + behind),
        before: bytes[max(0, behind - LogPlace.hashed)..<behind])
      if let line = LogLine(bytes[start..<end]) { lines.append((line, place)) }
      start = behind
    }
    return lines
  }

  /// Whether what lies before the place is what lay there.
  private func isSame(_ file: Int32, _ state: FileState, head: [UInt8]) -> Bool {
    guard place.offset > 0 else { return true }
    guard place.offset <= state.size,
      let before = bytes(of: file, max(0, place.offset - LogPlace.hashed)..<place.offset)
    else { return false }
    return LogPlace(offset: place.offset, head: head.prefix(place.offset), before: before) == place
  }

  /// nil if the file has become shorter.
  private func bytes(of file: Int32, _ range: Range<Int>) -> [UInt8]? {
    var position = range.lowerBound
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      while count < range.count {
        let read = pread(file, buffer.baseAddress! + count, range.count - count, off_t(position))
        if read < 0, errno == EINTR { continue }
        guard read > 0 else { break }
        count += read
        position += read
      }
    }
    return bytes.count == range.count ? bytes : nil
  }
}

/// What tells that a file has not changed.
private struct FileState: Equatable {
  let device: dev_t
  let number: ino_t
  let size: Int
  let seconds, nanoseconds: Int

  /// nil for what is no regular file.
  init?(_ file: Int32) {
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    (device, number, size) = (status.st_dev, status.st_ino, Int(status.st_size))
    (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
  }
}
