import Glibc

/// The process that runs a trial, described so that others with the same store can tell whether it is still alive.
package struct RunOwner: Hashable, Sendable {
  /// The machine's boot and the PID namespace: process numbers have a meaning only within these.
  package let host: String
  package let process: Int32
  /// Its start time, in the kernel's ticks, as process numbers are reused.
  package let start: String

  /// Seconds without a sign of life after which a process on another machine counts as gone.
  package static let lease = 120.0
  /// Seconds between two signs of life.
  static let interval = 10.0

  package static let this: RunOwner = {
    var name = [CChar](repeating: 0, count: 256)
    let length = max(0, readlink("/proc/self/ns/pid", &name, name.count - 1))
    let space = String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let boot = line("/proc/sys/kernel/random/boot_id") ?? "unknown"
    return RunOwner(host: "\(boot) \(space)", process: getpid(), start: startTime(getpid()) ?? "unknown")
  }()

  package init(host: String, process: Int32, start: String) {
    (self.host, self.process, self.start) = (host, process, start)
  }

  package init?(_ text: String) {
    let parts = text.split(separator: "|").map { String($0) }
    guard parts.count == 3, let process = Int32(parts[1]) else { return nil }
    self.init(host: parts[0], process: process, start: parts[2])
  }

  package var text: String { "\(host)|\(process)|\(start)" }

  /// Whether the process has ended, as far as `other` can tell.
  package func isGone(lastSeen: Double, now: Double, from other: RunOwner) -> Bool {
    // A sign with a time days ahead would not expire.
    guard host == other.host else { return abs(now - lastSeen) > Self.lease }
    return Self.startTime(process) != start
  }

  /// Field 22 of the process's state; nil if there is no such process.
  private static func startTime(_ process: Int32) -> String? {
    // The second field is a name in parentheses that may contain anything.
    guard let text = line("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z" else { return nil }
    return String(fields[19])
  }

  private static func line(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 1024)
    let count = fread(&buffer, 1, buffer.count, file)
    return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      .split(whereSeparator: \.isNewline).first.map { String($0) }
  }
}
