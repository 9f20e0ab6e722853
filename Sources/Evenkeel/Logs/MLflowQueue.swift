import Glibc
import Synchronization

/// What a run has to tell an MLflow server, and the thread that tells it: a run never waits for a server, but at its end,
/// and then not for long.
final class MLflowQueue: Sendable {
  private struct State {
    var metrics: [MLflowMetric] = []
    var end: RunEnd.Status?
    var isOver = false
    /// What somebody should be told.
    var problem: String?
  }
  private let state = Mutex(State())
  private let server: MLflowServer
  private let experiment: String

  /// The most values that wait; older ones give way.
  private static let most = 20_000
  /// Milliseconds between two looks into the queue, between two messages, and after a failure.
  private static let (look, pace, pause) = (50, 2_000, 10_000)

  init(_ server: MLflowServer, experiment: String) { (self.server, self.experiment) = (server, experiment) }

  func add(_ metrics: [MLflowMetric]) {
    state.withLock { state in
      guard !state.isOver else { return }
      state.metrics += metrics.filter(\.value.isFinite)
      if state.metrics.count > Self.most { state.metrics.removeFirst(state.metrics.count - Self.most) }
    }
  }

  /// What went wrong, once.
  func takeProblem() -> String? {
    state.withLock { state in
      defer { state.problem = nil }
      return state.problem
    }
  }

  /// Starts the thread that tells of `run`.
  func begin(_ run: MLflowRun) {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(queue: self, run: run))
    let status = pthread_create(
      &thread, nil,
      { context in
        // Signals are for others, that of a broken pipe included.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        let work = Unmanaged<Work>.fromOpaque(context!).takeRetainedValue()
        work.queue.tell(work.run)
        return nil
      }, work.toOpaque())
    guard status == 0 else {
      work.release()
      return fail("the system gives no thread")
    }
    pthread_detach(thread)
  }

  private final class Work {
    let queue: MLflowQueue
    let run: MLflowRun
    init(queue: MLflowQueue, run: MLflowRun) { (self.queue, self.run) = (queue, run) }
  }

  /// Tells how the run ended, and waits until that and all before is told, ten seconds at most.
  func end(_ status: RunEnd.Status) {
    state.withLock { $0.end = status }
    for _ in 0..<10_000 / Self.look where !state.withLock(\.isOver) { usleep(UInt32(Self.look) * 1000) }
    if !state.withLock(\.isOver) { fail("it took no more than ten seconds after the run's end") }
  }

  /// The end of telling.
  private func fail(_ reason: String) {
    state.withLock {
      $0.problem = "MLflow at \(server.name): \(reason); the run goes on without it."
      $0.isOver = true
      $0.metrics = []
    }
  }

  /// The thread: sends what has come, until the end is told.
  private func tell(_ run: MLflowRun) {
    var (run, wait, hasWarned) = (run, 0, false)
    while true {
      let end = state.withLock(\.end)
      if end == nil, wait > 0 {
        usleep(UInt32(Self.look) * 1000)
        wait -= Self.look
        continue
      }
      let metrics = state.withLock(\.metrics)
      do {
        try run.send(metrics, end: end, to: server, experiment: experiment)
        wait = Self.pace
        state.withLock { $0.metrics.removeFirst(min(metrics.count, $0.metrics.count)) }
        if end != nil { return state.withLock { $0.isOver = true } }
      } catch {
        switch error {
        case .refused(let reason): return fail(reason)
        case .unreachable(let reason):
          if end != nil, !hasWarned { return fail(reason) }
          if end != nil { return state.withLock { $0.isOver = true } }
          if !hasWarned {
            state.withLock {
              $0.problem = "MLflow at \(server.name): \(reason); it is tried again, and the run goes on."
            }
          }
          hasWarned = true
          wait = Self.pause
        }
      }
    }
  }
}

/// A run in MLflow: a new one, or the one that an earlier process began.
struct MLflowRun: Sendable {
  let tags: [MLflowPair]
  let params: [MLflowPair]
  /// What the run is known by when it goes on.
  let identity: String
  let goesOn: Bool
  private var id: String?
  /// The steps that MLflow has of each key from before.
  private var known: [String: Int] = [:]

  init(tags: [MLflowPair], params: [MLflowPair], identity: String, goesOn: Bool) {
    (self.tags, self.params, self.identity, self.goesOn) = (tags, params, identity, goesOn)
  }

  static let identityTag = "evenkeel.run"

  mutating func send(
    _ metrics: [MLflowMetric], end: RunEnd.Status?, to server: MLflowServer, experiment: String
  ) throws(MLflowServer.Failure) {
    if id == nil { id = try begin(on: server, experiment) }
    let id = id!
    let news = metrics.filter { $0.step > known[$0.key] ?? -1 }
    for start in stride(from: 0, to: news.count, by: MLflowBatch.most) {
      let part = Array(news[start..<min(news.count, start + MLflowBatch.most)])
      try server.post("runs/log-batch", MLflowBatch(run_id: id, metrics: part), as: MLflowNothing.self)
      // Should a later part fail, this one is not sent again.
      for metric in part { known[metric.key] = metric.step }
    }
    guard let end else { return }
    let status = [.finished: "FINISHED", .interrupted: "KILLED", .failed: "FAILED"][end]!
    try server.post(
      "runs/update", MLflowUpdate(run_id: id, status: status, end_time: Int(secondsSince1970() * 1000)),
      as: MLflowNothing.self)
  }

  /// - Returns: The run's id.
  private mutating func begin(
    on server: MLflowServer, _ experiment: String
  ) throws(MLflowServer.Failure) -> String {
    let place = try self.experiment(experiment, on: server)
    if goesOn {
      let found: MLflowSearch.Answer = try server.post(
        "runs/search",
        MLflowSearch(experiment_ids: [place], filter: "tags.`\(Self.identityTag)` = '\(identity)'"))
      if let run = found.runs?.first {
        for last in run.data?.metrics ?? [] { known[last.key] = last.step ?? 0 }
        try server.post(
          "runs/update", MLflowUpdate(run_id: run.info.run_id, status: "RUNNING", end_time: nil), as: MLflowNothing.self
        )
        return run.info.run_id
      }
    }
    let made: MLflowNewRun.Answer = try server.post(
      "runs/create",
      MLflowNewRun(experiment_id: place, start_time: Int(secondsSince1970() * 1000), tags: tags))
    // Where the parameters fail, the run is there all the same.
    id = made.run.info.run_id
    try server.post(
      "runs/log-batch", MLflowBatch(run_id: made.run.info.run_id, params: params), as: MLflowNothing.self)
    return made.run.info.run_id
  }

  /// The id of an experiment, which is made if there is none of that name.
  private func experiment(_ name: String, on server: MLflowServer) throws(MLflowServer.Failure) -> String {
    do {
      let found: MLflowExperiment = try server.get("experiments/get-by-name", "experiment_name", name)
      return found.experiment.experiment_id
    } catch .refused {
      let made: MLflowNewExperiment.Answer = try server.post("experiments/create", MLflowNewExperiment(name: name))
      return made.experiment_id
    }
  }
}
