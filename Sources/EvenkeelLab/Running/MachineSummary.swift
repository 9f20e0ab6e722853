import Evenkeel

extension Machine {
  /// Processor and the number of processors that this process may use.
  package static var summary: String { "\(processor), \(threads) processors, a trial on each" }
}
