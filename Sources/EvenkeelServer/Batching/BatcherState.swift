import Evenkeel
import Glibc

/// The queue of a batcher, which its callers and its threads share.
final class BatcherState: @unchecked Sendable {
  let width: Int
  let metrics: ModelMetrics
  private let options: BatcherOptions
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let change: UnsafeMutablePointer<pthread_cond_t>
  /// Requests with rows that no thread has taken, oldest first; those before `first` are done with.
  private var queue: [BatchedRequest] = []
  private var first = 0
  private(set) var pendingRows = 0
  private var idleThreads = 0
  private var isClosed = false

  /// What a thread has taken.
  struct Batch {
    /// What is predicted at once: at most `RowPredictor.rowsAtOnce` rows.
    var groups: [[(request: BatchedRequest, rows: Range<Int>)]] = []
    var rows = 0

    mutating func append(_ request: BatchedRequest, _ rows: Range<Int>) {
      if self.rows % RowPredictor.rowsAtOnce == 0 { groups.append([]) }
      groups[groups.count - 1].append((request, rows))
      self.rows += rows.count
    }
  }

  init(width: Int, options: BatcherOptions, metrics: ModelMetrics) {
    (self.width, self.options, self.metrics) = (width, options, metrics)
    lock = .allocate(capacity: 1)
    change = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(change, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(change)
    pthread_mutex_destroy(lock)
    change.deallocate()
    lock.deallocate()
  }

  func locked<Result>(_ body: (BatcherState) -> Result) -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return body(self)
  }

  // ---- callers --------------------------------------------------------------------------------------------------------

  func add(_ request: BatchedRequest, _ continuation: UnsafeContinuation<BatchedAnswer, any Error>) {
    let failure: ServerFailure? = locked { _ in
      if Task.isCancelled { return ServerFailure(499, "The client has gone.") }
      guard pendingRows == 0 || pendingRows + request.count <= options.queue else {
        return ServerFailure(
          503, "\(pendingRows) rows wait, and \(request.count) more would be too many (--queue \(options.queue)).",
          retryAfter: 1)
      }
      request.continuation = continuation
      queue.append(request)
      pendingRows += request.count
      if idleThreads > 0 {
        if request.count > 1 { pthread_cond_broadcast(change) } else { pthread_cond_signal(change) }
      }
      return nil
    }
    if let failure { continuation.resume(throwing: failure) }
  }

  /// Answers a request that nobody wants any more; rows that are under way are finished for nothing.
  func give(up request: BatchedRequest, _ failure: ServerFailure) {
    locked { _ in takeContinuation(failing: request) }?.resume(throwing: failure)
  }

  /// Takes a request out of the queue.
  private func takeContinuation(failing request: BatchedRequest) -> UnsafeContinuation<BatchedAnswer, any Error>? {
    guard let continuation = request.continuation else { return nil }
    pendingRows -= request.count - request.next
    request.next = request.count
    request.continuation = nil
    return continuation
  }

  func close() {
    locked { _ in
      isClosed = true
      _ = pthread_cond_broadcast(change)
    }
  }

  // ---- threads --------------------------------------------------------------------------------------------------------

  /// Waits for rows. nil after `close`, when none are left.
  func next() -> Batch? {
    while true {
      var late: [UnsafeContinuation<BatchedAnswer, any Error>] = []
      let batch = locked { _ in
        guard waitForRows() else { return nil as Batch? }
        return take(&late)
      }
      for continuation in late { continuation.resume(throwing: Batcher.timedOut) }
      guard let batch else { return nil }
      if batch.rows > 0 { return batch }
    }
  }

  /// - Returns: Whether there are rows.
  private func waitForRows() -> Bool {
    idleThreads += 1
    defer { idleThreads -= 1 }
    while pendingRows == 0 {
      if isClosed { return false }
      pthread_cond_wait(change, lock)
    }
    if options.delay > 0 { waitForMore() }
    return true
  }

  /// Until there is a whole batch, or the oldest request has waited for as long as it may.
  private func waitForMore() {
    while pendingRows > 0, pendingRows < options.greatestBatch, !isClosed {
      skipDone()
      let end = queue[first].start + options.delay * 1000
      guard Clock.now < end else { return }
      var time = timespec(tv_sec: end / 1_000_000_000, tv_nsec: end % 1_000_000_000)
      pthread_cond_timedwait(change, lock, &time)
    }
  }

  private func skipDone() {
    while first < queue.count, queue[first].next == queue[first].count { first += 1 }
    if first == queue.count || first > 256 {
      queue.removeFirst(first)
      first = 0
    }
  }

  /// This thread's share of the rows that wait. Requests that are too late are taken out.
  private func take(_ late: inout [UnsafeContinuation<BatchedAnswer, any Error>]) -> Batch {
    let share = min(options.greatestBatch, (pendingRows + idleThreads) / (idleThreads + 1))
    var batch = Batch()
    let now = Clock.now
    while batch.rows < share {
      skipDone()
      guard first < queue.count else { break }
      let request = queue[first]
      if let deadline = request.deadline, deadline <= now {
        if let continuation = takeContinuation(failing: request) { late.append(continuation) }
        continue
      }
      let room = min(share - batch.rows, RowPredictor.rowsAtOnce - batch.rows % RowPredictor.rowsAtOnce)
      let rows = request.next..<min(request.count, request.next + room)
      if request.next == 0 { request.taken = now }
      request.next = rows.upperBound
      pendingRows -= rows.count
      batch.append(request, rows)
    }
    skipDone()
    return batch
  }

  /// Notes that rows are done, and answers when all are, or the first fails.
  func finish(_ request: BatchedRequest, rows: Int, nanoseconds: Int, _ failure: (any Error)?) {
    let continuation = locked { _ in
      request.remaining -= rows
      request.computed += nanoseconds
      if failure != nil { return takeContinuation(failing: request) }
      guard request.remaining == 0 else { return nil }
      defer { request.continuation = nil }
      return request.continuation
    }
    guard let failure else {
      continuation?.resume(
        returning: BatchedAnswer(
          values: Array(request.values), queued: request.taken - request.start, computed: request.computed))
      return
    }
    continuation?.resume(throwing: failure)
  }
}
