import Evenkeel

/// How requests share the threads that predict.
package struct BatcherOptions: Hashable, Sendable {
  /// The number of threads, each of which predicts by itself.
  package var workers = Machine.threads
  /// The greatest number of rows that a thread takes at once; larger requests come in several parts.
  package var greatestBatch = 64
  /// Microseconds that a thread waits for more rows than there are. With 0 batches form by themselves, while threads are busy.
  package var delay = 0
  /// The greatest number of rows that wait. A request that comes when nothing waits may have more.
  package var queue = 1024

  package init() {}

  /// - Throws: `EvenkeelError` with code `usage` that names the option.
  package func validate() throws {
    func require(_ value: Int, _ name: String, _ range: ClosedRange<Int>) throws {
      guard range.contains(value) else {
        throw EvenkeelError.usage(
          "\(name) is \(value); expected \(range.lowerBound) to \(range.upperBound).")
      }
    }
    try require(workers, "--workers", 1...8 * Machine.threads)
    try require(greatestBatch, "--max-batch", 1...65_536)
    try require(delay, "--max-delay", 0...10_000_000)
    try require(queue, "--queue", 1...10_000_000)
  }
}
