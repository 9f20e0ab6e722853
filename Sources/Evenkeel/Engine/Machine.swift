import Glibc

/// The processor that this process may use.
public enum Machine {
  /// The number of processors that this process may run on.
  public static let threads: Int = {
    var set = cpu_set_t()
    guard sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &set) == 0 else { return 1 }
    return withUnsafeBytes(of: &set) { $0.reduce(0) { $0 + $1.nonzeroBitCount } }
  }()
}
