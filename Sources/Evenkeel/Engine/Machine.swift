import Glibc
import Kernels

/// The processor that this process may use.
public enum Machine {
  /// The number of processors that this process may run on.
  public static let threads = Int(ek_processor_count())
  /// Its memory in bytes.
  static let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
}
