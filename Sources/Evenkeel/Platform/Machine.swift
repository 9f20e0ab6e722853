import Glibc
import Kernels

/// The processors and the memory that this process may use.
public enum Machine {
  /// The number of processors that this process may run on.
  public static let threads = Int(ek_processor_count())

  /// Threads that wait for each other at barriers take turns where there are too many of them.
  /// - Throws: `EvenkeelError` with code `usage` for less than 1 or more than eight a processor.
  static func requireThreads(_ count: Int) throws {
    let most = 8 * threads
    guard (1...most).contains(count) else {
      throw EvenkeelError.usage("The number of threads is \(count); expected 1 to \(most), eight per processor.")
    }
  }
}
