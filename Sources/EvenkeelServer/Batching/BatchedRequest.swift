import Evenkeel
import Synchronization

/// The rows of one caller on their way through the queue. All but its results is guarded by the batcher's lock.
final class BatchedRequest: @unchecked Sendable {
  /// The same rows as each member of the ensemble takes them.
  let datasets: [Dataset]
  let count: Int
  let start = Clock.now
  /// When nobody waits for the answer any more, by `Clock.now`.
  let deadline: Int?
  /// The first row that no thread has taken, and the number of rows that are not done.
  var next = 0
  var remaining: Int
  /// When the first row was taken.
  var taken = 0
  /// Nanoseconds that threads have worked on it.
  var computed = 0
  /// Who waits; nil after the answer.
  var continuation: UnsafeContinuation<BatchedAnswer, any Error>?
  /// Of rows that threads have taken, each writes its own.
  let values: UnsafeMutableBufferPointer<Double>

  init(_ datasets: [Dataset], width: Int, deadline: Int?) {
    (self.datasets, self.deadline) = (datasets, deadline)
    count = datasets[0].count
    remaining = count
    values = .allocate(capacity: count * width)
  }

  deinit { values.deallocate() }

  func row(_ row: Int, width: Int) -> RowPredictor.Row {
    RowPredictor.Row(datasets, row, into: values.baseAddress! + row * width)
  }
}

/// What became of the rows of one caller.
package struct BatchedAnswer: Sendable {
  /// The predictions, row after row.
  package let values: [Double]
  /// Nanoseconds until the first row was taken, and in the network.
  package let queued, computed: Int
}
