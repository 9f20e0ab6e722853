import CLinux
import Glibc

/// The processors and memory that this process may use.
public enum Machine {
  /// The number of processors that this process may use: those that it may run on, at most as many as its quota pays for
  /// (control groups, version 2 or 1).
  public static let threads = threads(allowed: allowedProcessors(), read: ControlGroups.contents)

  package static func threads(allowed: Int, read: (String) -> String?) -> Int {
    max(1, min(allowed, ControlGroups.processorQuota(read).map { Int($0) } ?? .max))
  }

  /// The processors in this process's affinity mask.
  private static func allowedProcessors() -> Int {
    let count = Int(clinux_allowed_processors())
    return count > 0 ? count : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }

  /// A number that tells sets of processors apart that a process may run on.
  static var processorSet: UInt32 { clinux_processor_set() }

  /// The processor's name.
  package static var processor: String {
    guard let file = fopen("/proc/cpuinfo", "r") else { return "unknown processor" }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix("model name"), let colon = text.firstIndex(of: ":") else { continue }
      return String(text[text.index(after: colon)...].drop { $0 == " " }.prefix { !$0.isNewline })
    }
    return "unknown processor"
  }

  /// - Throws: `EvenkeelError` with code `usage` for less than 1 or more than eight per processor.
  static func requireThreads(_ count: Int) throws {
    let most = 8 * threads
    guard (1...most).contains(count) else {
      throw EvenkeelError.usage("The number of threads is \(count); expected 1 to \(most), eight per processor.")
    }
  }
}
