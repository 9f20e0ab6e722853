import Evenkeel
import Glibc
import Synchronization

/// Predicts rows for many callers on threads of its own, each of which takes what waits, as much as is its share of it.
///
/// The threads stay the same: what a library keeps for each thread that calls it does not grow. They end with this object, when all is
/// answered that waits.
package final class Batcher: Sendable {
  /// Predicts one row of data sets, one for each member of a model, into room for the values.
  package typealias Predict = ([Dataset], _ row: Int, UnsafeMutablePointer<Double>) throws -> Void

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
      let values = try [Double](unsafeUninitializedCapacity: rows * width) { values, count in
        for row in 0..<rows { try own.predict!(datasets, row, values.baseAddress! + row * width) }
        count = rows * width
      }
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
      for (request, rows) in batch.parts {
        let failure = Result { try run(rows, of: request) }
        let now = Clock.now
        state.finish(request, rows: rows.count, nanoseconds: now - last, failure)
        last = now
      }
      state.metrics.ran(batch: batch.rows, nanoseconds: last - start)
    }
  }

  private func run(_ rows: Range<Int>, of request: BatchedRequest) throws {
    for row in rows { try predict(request.datasets, row, request.values.baseAddress! + row * state.width) }
  }
}
