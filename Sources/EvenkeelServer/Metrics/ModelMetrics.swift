import Synchronization

/// What has happened to the requests for one version of a model.
package final class ModelMetrics: Sendable {
  /// A number of times, and nanoseconds in all.
  package struct Total: Sendable {
    package var count = 0
    package var nanoseconds = 0

    mutating func add(_ nanoseconds: Int) {
      count += 1
      self.nanoseconds += nanoseconds
    }
  }

  /// The times of one request, in nanoseconds.
  package struct Times: Sendable {
    /// Waiting in the queue, until the first row was taken.
    package var queue = 0
    /// In the network, all rows together.
    package var compute = 0
    /// Reading the request and writing the answer.
    package var input = 0, output = 0
    /// All in all.
    package var whole = 0

    package init() {}
  }

  package struct Values: Sendable {
    package var success = Total(), failure = Total()
    package var queue = Total(), input = Total(), compute = Total(), output = Total()
    package var failures: [String: Int] = [:]
    /// Rows that were predicted, and batches of them.
    package var rows = 0, batches = 0
    /// Of each size of batch, how often it ran and how long in all.
    package var batchSizes: [Int: Total] = [:]
    package var requestSeconds = Histogram.durations, queueSeconds = Histogram.durations
    package var computeSeconds = Histogram.durations, batchRows = Histogram.rows
    /// Milliseconds since 1970.
    package var lastRequest = 0
  }

  private let state = Mutex(Values())

  package init() {}

  package var values: Values { state.withLock { $0 } }

  /// - Parameter now: Milliseconds since 1970.
  package func succeeded(_ times: Times, now: Int) {
    state.withLock { values in
      values.success.add(times.whole)
      values.queue.add(times.queue)
      values.input.add(times.input)
      values.compute.add(times.compute)
      values.output.add(times.output)
      values.requestSeconds.add(Double(times.whole) / 1e9)
      values.queueSeconds.add(Double(times.queue) / 1e9)
      values.computeSeconds.add(Double(times.compute) / 1e9)
      values.lastRequest = now
    }
  }

  /// - Parameter reason: As `ServerFailure.reason`.
  package func failed(_ reason: String, after nanoseconds: Int) {
    state.withLock { values in
      values.failure.add(nanoseconds)
      values.failures[reason, default: 0] += 1
    }
  }

  package func ran(batch rows: Int, nanoseconds: Int) {
    state.withLock { values in
      values.rows += rows
      values.batches += 1
      values.batchRows.add(Double(rows))
      values.batchSizes[rows, default: Total()].add(nanoseconds)
    }
  }
}
