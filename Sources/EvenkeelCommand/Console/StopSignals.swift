import Glibc
import Synchronization

/// SIGINT, SIGTERM and SIGHUP while a model is trained: the step under way is finished, the place saved.
///
/// They are blocked before any thread is started, so that no handler ever runs on a thread that computes, and a thread of
/// their own waits for them. Before training starts, and the second time, they end the program at once.
enum StopSignals {
  fileprivate enum State: Int { case reading, training, asked }
  fileprivate static let state = Atomic(State.reading.rawValue)

  fileprivate static var set: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGINT)
    sigaddset(&set, SIGTERM)
    // Whoever started the program with nohup wants it to go on.
    var hangUp = sigaction()
    sigaction(SIGHUP, nil, &hangUp)
    if unsafeBitCast(hangUp.__sigaction_handler.sa_handler, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self) {
      sigaddset(&set, SIGHUP)
    }
    return set
  }

  /// Call it before anything that may start a thread.
  static func watch() {
    var signals = set
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    var thread: pthread_t = 0
    if pthread_create(&thread, nil, waitForSignals, nil) != 0 { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
  }

  /// From here on there is something to save.
  static func trainingStarts() { state.store(State.training.rawValue, ordering: .sequentiallyConsistent) }

  /// Whether the run was asked to stop.
  static var haveCome: Bool { state.load(ordering: .relaxed) == State.asked.rawValue }
}

private func waitForSignals(_: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  var signals = StopSignals.set
  while true {
    var signal: Int32 = 0
    guard sigwait(&signals, &signal) == 0 else { continue }
    let (first, _) = StopSignals.state.compareExchange(
      expected: StopSignals.State.training.rawValue, desired: StopSignals.State.asked.rawValue,
      ordering: .sequentiallyConsistent)
    if !first { _exit(130) }
  }
}
