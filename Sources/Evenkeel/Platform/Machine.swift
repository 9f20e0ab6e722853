import Glibc
import Kernels

/// The processors and memory that this process may use.
public enum Machine {
  /// The number of processors that this process may run on.
  public static let threads = Int(ek_processor_count())

  /// Too many threads that wait for each other at barriers would take turns.
  /// - Throws: `EvenkeelError` with code `usage` for less than 1 or more than eight per processor.
  static func requireThreads(_ count: Int) throws {
    let most = 8 * threads
    guard (1...most).contains(count) else {
      throw EvenkeelError.usage("The number of threads is \(count); expected 1 to \(most), eight per processor.")
    }
  }
}
