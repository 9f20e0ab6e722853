import Evenkeel
import Glibc
import Synchronization

/// Predicts rows for many callers on threads of its own, each of which takes what waits, as much as is its share of it.
///
/// The threads stay the same: what a library keeps for each thread that calls it does not grow. They end with this object, when all is
/// answered that waits.
package final class Batcher: Sendable {
  /// Predicts at most `RowPredictor.rowsAtOnce` rows, and tells of those that fail, by their indices.
  package typealias Predict = (ArraySlice<RowPredictor.Row>, _ failed: (Int, any Error) -> Void) -> Void

  private let state: BatcherState
  /// What the caller's thread predicts with, one caller at a time.
  private let own: Mutex<CallersPredict>
  private let ownRows: Int

  /// - Parameters:
  ///   - width: The number of values that are predicted for a row.
  ///   - ownRows: The greatest number of rows that take less time than waking a thread: the caller predicts them where nothing waits.
  ///   - makePredict: Makes what one thread predicts with.
  /// - Throws: What `makePredict` throws; `EvenkeelError` with code `internal` if the system gives no thread.
  package init(
    width: Int, ownRows: Int = 0, options: BatcherOptions, metrics: ModelMetrics, makePredict: () throws -> Predict
  ) throws {
    state = BatcherState(width: width, options: options, metrics: metrics)
    self.ownRows = options.delay > 0 ? 0 : ownRows
    own = Mutex(CallersPredict(predict: ownRows > 0 ? try makePredict() : nil))
    let predictors = try (0..<options.workers).map { _ in try makePredict() }
    for predict in predictors {
      do { try BatcherThread(state, predict).start() } catch {
        state.close()
        throw error
      }
    }
  }

  deinit { state.close() }

  /// The number of rows that wait.
  package var pendingRows: Int { state.locked { $0.pendingRows } }

  /// Predicts the rows of `datasets`.
  /// - Parameter timeout: Nanoseconds after which nobody wants the answer.
  /// - Throws: `ServerFailure`: 503 if too many rows wait, 504 after the time, 499 if the task is canceled; what the prediction of
  ///   a row throws.
  package func predict(_ datasets: [Dataset], timeout: Int? = nil) async throws -> BatchedAnswer {
    if datasets[0].count <= ownRows, let answer = try predictHere(datasets) { return answer }
    let request = BatchedRequest(datasets, width: state.width, deadline: timeout.map { Clock.now + $0 })
    let alarm = timeout.map { timeout in
      Task { [state] in
        try await Task.sleep(nanoseconds: UInt64(timeout))
        state.give(up: request, Self.timedOut)
      }
    }
    defer { alarm?.cancel() }
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { state.add(request, $0) }
    } onCancel: {
      state.give(up: request, ServerFailure(499, "The client has gone."))
    }
  }

  /// Predicts on the caller's thread; nil where rows wait, or another caller does the same.
  private func predictHere(_ datasets: [Dataset]) throws -> BatchedAnswer? {
    guard pendingRows == 0 else { return nil }
    return try own.withLockIfAvailable { own in
      let (start, width, rows) = (Clock.now, state.width, datasets[0].count)
      var failure: (any Error)?
      let values = [Double](unsafeUninitializedCapacity: rows * width) { values, count in
        let all = (0..<rows).map { RowPredictor.Row(datasets, $0, into: values.baseAddress! + $0 * width) }
        for first in stride(from: 0, to: rows, by: RowPredictor.rowsAtOnce) where failure == nil {
          own.predict!(all[first..<min(first + RowPredictor.rowsAtOnce, rows)]) { failure = $1 }
        }
        count = failure == nil ? rows * width : 0
      }
      if let failure { throw failure }
      let time = Clock.now - start
      state.metrics.ran(batch: rows, nanoseconds: time)
      return BatchedAnswer(values: values, queued: 0, computed: time)
    }
  }

  static let timedOut = ServerFailure(504, "The time that the request allows is over.")
}

/// One thread at a time has it, by a lock.
private struct CallersPredict: @unchecked Sendable {
  let predict: Batcher.Predict?
}

/// A thread that predicts.
private final class BatcherThread {
  private let state: BatcherState
  private let predict: Batcher.Predict

  init(_ state: BatcherState, _ predict: @escaping Batcher.Predict) { (self.state, self.predict) = (state, predict) }

  func start() throws {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { context in
        Unmanaged<BatcherThread>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard status == 0 else {
      context.release()
      throw EvenkeelError(
        .internal, "Predicting needs a thread, and the system gives none (\(String(cString: strerror(status)))).")
    }
    pthread_detach(thread)
  }

  private func run() {
    while let batch = state.next() {
      let start = Clock.now
      var last = start
      for group in batch.groups {
        let rows = group.flatMap { request, rows in rows.map { request.row($0, width: state.width) } }
        var failures: [Int: any Error] = [:]
        predict(rows[...]) { failures[$0] = $1 }
        let now = Clock.now
        var first = 0
        for (request, rows) in group {
          let failure = (first..<first + rows.count).lazy.compactMap { failures[$0] }.first
          state.finish(request, rows: rows.count, nanoseconds: now - last, failure)
          first += rows.count
        }
        last = now
      }
      state.metrics.ran(batch: batch.rows, nanoseconds: last - start)
    }
  }
}
