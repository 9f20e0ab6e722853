import Evenkeel
import Glibc
import Synchronization

/// Runs trials, one thread each, as many at a time as there are processors, and keeps their results in a store.
package struct TrialRunner: Sendable {
  package let store: RunStore
  package let data: LaboratoryData
  /// Trials at a time.
  package let threads: Int

  package init(store: RunStore, data: LaboratoryData, threads: Int = Machine.threads) {
    (self.store, self.data, self.threads) = (store, data, threads)
  }

  /// The number of requested trials that are done.
  package struct Progress: Sendable {
    package let done: Int
    package let total: Int
    /// Of those, the ones that this call ran.
    package let ran: Int
    /// What came since the last report, what was done before this call included.
    package let results: [(trial: Trial, result: TrialResult)]
    /// Seconds since the call.
    package let seconds: Double
    /// An estimate from the trials so far; nil before the first.
    package var secondsLeft: Double? { ran == 0 ? nil : seconds / Double(ran) * Double(total - done) }
  }

  /// Runs those of `trials` that are not done, and returns the results of all.
  ///
  /// A trial that another process runs is waited for, and taken over if that process ends.
  /// - Parameters:
  ///   - shouldStart: Asked before every trial, from several threads; once it says no, no new trial starts, those that
  ///     run are finished, and the results may be incomplete.
  ///   - shouldStop: Asked after every training step, from several threads.
  ///   - onProgress: Called on the calling thread, at most several times per second.
  /// - Throws: `EvenkeelError`: `interrupted` if `shouldStop` said so; of a trial that cannot be carried out, before any is in the
  ///   store; of the store.
  @discardableResult
  package func run(
    _ trials: [Trial], shouldStart: @escaping @Sendable () -> Bool = { true },
    shouldStop: @escaping @Sendable () -> Bool = { false }, onProgress: (Progress) -> Void = { _ in }
  ) throws -> [Trial: TrialResult] {
    var distinct: [Trial] = []
    var seen: Set<Trial> = []
    for trial in trials where seen.insert(trial).inserted { distinct.append(trial) }
    let known = try store.results(of: distinct)
    let waiting = distinct.filter { known[$0] == nil }
    try data.requireFit(waiting)
    try store.add(waiting)
    let board = Board(waiting, done: distinct.compactMap { trial in known[trial].map { (trial, $0) } })
    let clock = ContinuousClock()
    let start = clock.now
    func report() {
      onProgress(
        Progress(
          done: board.doneCount, total: distinct.count, ran: board.ranCount, results: board.takeNews(),
          seconds: (clock.now - start) / .seconds(1))
      )
    }
    report()
    let (store, data) = (store, data)
    var workers: [Worker] = []
    do {
      for _ in 0..<min(threads, waiting.count) {
        workers.append(
          try Worker { board.work(in: store, on: data, shouldStop: shouldStop, shouldStart: shouldStart) })
      }
    } catch {
      // Fewer do as well, but none.
      if workers.isEmpty { throw error }
    }
    var lastSign = clock.now
    while !board.isFinished(workers: workers.count) {
      usleep(50_000)
      report()
      if clock.now - lastSign > .seconds(RunOwner.interval) {
        lastSign = clock.now
        do { try store.touch() } catch { board.fail(error) }
      }
    }
    for worker in workers { worker.join() }
    report()
    if let error = board.error {
      try? store.release()
      throw error
    }
    guard !board.wasStopped else {
      try store.release()
      throw EvenkeelError(
        .interrupted,
        "Interrupted; \(board.doneCount) of \(distinct.count) trials are done and kept in \(store.path). Run the same command again to continue."
      )
    }
    return board.results
  }
}

/// What the threads of one call share: the trials to take, and the results of those that were taken.
private final class Board: Sendable {
  private struct State {
    var waiting: [Trial]
    var results: [Trial: TrialResult] = [:]
    /// Those that were not reported yet.
    var news: [(trial: Trial, result: TrialResult)] = []
    /// Results of this call.
    var ran = 0
    var error: (any Error)?
    var wasStopped = false
    var finished = 0

    mutating func add(_ result: TrialResult, of trial: Trial) {
      results[trial] = result
      news.append((trial, result))
    }
  }
  private let state: Mutex<State>

  init(_ waiting: [Trial], done: [(Trial, TrialResult)]) {
    var state = State(waiting: waiting.reversed())
    for (trial, result) in done { state.add(result, of: trial) }
    self.state = Mutex(state)
  }

  func takeNews() -> [(trial: Trial, result: TrialResult)] {
    state.withLock { state in
      defer { state.news = [] }
      return state.news
    }
  }

  var doneCount: Int { state.withLock { $0.results.count } }
  var ranCount: Int { state.withLock { $0.ran } }
  var results: [Trial: TrialResult] { state.withLock { $0.results } }
  var error: (any Error)? { state.withLock { $0.error } }
  var wasStopped: Bool { state.withLock { $0.wasStopped } }
  func isFinished(workers: Int) -> Bool { state.withLock { $0.finished == workers } }
  func fail(_ error: any Error) { state.withLock { if $0.error == nil { $0.error = error } } }

  /// A worker's loop: first trials that nobody has taken, then those that other processes work on.
  func work(
    in store: RunStore, on data: LaboratoryData, shouldStop: @Sendable () -> Bool, shouldStart: @Sendable () -> Bool
  ) {
    func mustEnd() -> Bool {
      if shouldStop() { state.withLock { $0.wasStopped = true } }
      return state.withLock { $0.wasStopped || $0.error != nil }
    }
    /// Those that another process runs.
    var elsewhere: [Trial] = []
    do {
      while !mustEnd(), shouldStart() {
        if let trial = state.withLock({ $0.waiting.popLast() }) {
          if try !take(trial, in: store, on: data, mustEnd) { elsewhere.append(trial) }
        } else if elsewhere.isEmpty {
          break
        } else {
          elsewhere = try elsewhere.filter { try !take($0, in: store, on: data, mustEnd) }
          if !elsewhere.isEmpty { usleep(300_000) }
        }
      }
    } catch { fail(error) }
    state.withLock { $0.finished += 1 }
  }

  /// - Returns: Whether the trial is settled.
  private func take(_ trial: Trial, in store: RunStore, on data: LaboratoryData, _ mustEnd: () -> Bool) throws -> Bool {
    let key = try trial.key
    guard try store.claim(key) else {
      guard let result = try store.result(key) else { return false }
      state.withLock { $0.add(result, of: trial) }
      return true
    }
    do {
      guard let result = try trial.run(on: data, shouldStop: mustEnd) else { return true }
      try store.finish(key, result)
      state.withLock {
        $0.add(result, of: trial)
        $0.ran += 1
      }
    } catch let error as EvenkeelError where error.code == .usage {
      try store.fail(key, error.message)
      throw error
    }
    return true
  }
}

/// A separate thread: trials compute for long and would block the shared pool, and oneDNN's kernels need a deep stack.
private final class Worker {
  private var thread = pthread_t()

  /// - Throws: `EvenkeelError` with code `internal` if the system gives no thread.
  init(_ body: @escaping @Sendable () -> Void) throws {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 16 << 20)
    defer { pthread_attr_destroy(&attributes) }
    let box = Unmanaged.passRetained(Box(body))
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    guard status == 0 else {
      box.release()
      throw EvenkeelError(.internal, "No thread can be started: \(String(cString: strerror(status))).")
    }
  }

  func join() { pthread_join(thread, nil) }

  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
