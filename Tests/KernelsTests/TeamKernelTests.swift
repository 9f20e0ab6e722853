import Glibc
import Kernels
import Synchronization
import Testing

/// Runs a Swift function as a team's job.
private func runTeam(_ items: Int, threads: Int, _ body: @escaping @Sendable (_ item: Int, _ member: Int) -> Void) {
  final class Job: Sendable {
    let body: @Sendable (Int, Int) -> Void
    init(_ body: @escaping @Sendable (Int, Int) -> Void) { self.body = body }
  }
  let job = Job(body)
  withExtendedLifetime(job) {
    ek_team_run(
      { context, item, member in Unmanaged<Job>.fromOpaque(context!).takeUnretainedValue().body(item, Int(member)) },
      Unmanaged.passUnretained(job).toOpaque(), items, Int32(threads))
  }
}

@Test func everyItemOfAJobRunsOnceOnAMemberBelowItsThreads() {
  for items in [0, 1, 2, 3, 17, 1000] {
    for threads in [1, 2, 3, 8] {
      let runs = Mutex([Int](repeating: 0, count: items))
      let members = Mutex(Set<Int>())
      runTeam(items, threads: threads) { item, member in
        runs.withLock { $0[item] += 1 }
        _ = members.withLock { $0.insert(member) }
      }
      #expect(runs.withLock { $0.allSatisfy { $0 == 1 } })
      #expect(members.withLock { $0.allSatisfy { $0 >= 0 && $0 < threads } })
    }
  }
}

/// The helper that takes an item first keeps it until all others are done: had each member a share of its own, this would not end.
@Test func whoIsHeldUpHoldsBackOneItem() {
  let items = 200
  for _ in 0..<20 {
    let done = Atomic(0)
    let held = Atomic(false)
    let gaveUp = Atomic(false)
    runTeam(items, threads: 3) { _, member in
      if member > 0, held.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged {
        var waits = 0
        while done.load(ordering: .acquiring) < items - 1, waits < 10_000_000 {
          waits += 1
          if waits % 100 == 0 { usleep(10) }
        }
        gaveUp.store(waits == 10_000_000, ordering: .relaxed)
      } else if member == 0 {
        usleep(20)
      }
      done.wrappingAdd(1, ordering: .releasing)
    }
    #expect(done.load(ordering: .relaxed) == items && !gaveUp.load(ordering: .relaxed))
  }
}

@Test func jobsOfSeveralThreadsAtOnceAndJobsWithinJobsAreComplete() {
  let total = Atomic(0)
  runTeam(6, threads: 6) { _, _ in
    for _ in 0..<50 {
      runTeam(40, threads: 4) { _, _ in total.wrappingAdd(1, ordering: .relaxed) }
    }
  }
  #expect(total.load(ordering: .relaxed) == 6 * 50 * 40)
  var threads: [pthread_t] = []
  for _ in 0..<4 {
    var thread = pthread_t()
    let started = pthread_create(
      &thread, nil,
      { context in
        let total = Unmanaged<Total>.fromOpaque(context!).takeUnretainedValue()
        for _ in 0..<100 { runTeam(64, threads: 3) { _, _ in total.value.wrappingAdd(1, ordering: .relaxed) } }
        return nil
      }, Unmanaged.passUnretained(shared).toOpaque())
    if started == 0 { threads.append(thread) }
  }
  for thread in threads { pthread_join(thread, nil) }
  #expect(shared.value.load(ordering: .relaxed) == threads.count * 100 * 64)
}

private final class Total: Sendable { let value = Atomic(0) }
private let shared = Total()
