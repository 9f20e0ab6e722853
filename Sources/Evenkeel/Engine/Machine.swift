import Kernels

/// The processor that this process may use.
public enum Machine {
  /// The number of processors that this process may run on.
  public static let threads = Int(ek_processor_count())
}
