import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import Glibc
import Synchronization
import Testing

/// Rows of two numbers, the first of which is the row's own.
private func rows(_ numbers: [Int]) throws -> [Dataset] {
  [try Dataset(numbers.flatMap { [Float($0), 1] }, shape: [2])]
}

private func batcher(
  workers: Int = 1, batch: Int = 64, queue: Int = 1024, delay: Int = 0, metrics: ModelMetrics = ModelMetrics(),
  _ predict: @escaping @Sendable (Int) throws -> Double
) throws -> Batcher {
  var options = BatcherOptions()
  (options.workers, options.greatestBatch, options.queue, options.delay) = (workers, batch, queue, delay)
  return try Batcher(width: 1, options: options, metrics: metrics) {
    { rows, failed in
      for (index, row) in zip(rows.indices, rows) {
        do { row.values[0] = try predict(Int(row.datasets[0][row.row][0])) } catch { failed(index, error) }
      }
    }
  }
}

/// A door that threads wait at until it is opened.
private final class Door: Sendable {
  private let isOpen = Atomic(false)
  let arrived = Atomic(0)

  func open() { isOpen.store(true, ordering: .releasing) }

  func pass() {
    arrived.add(1, ordering: .relaxed)
    while !isOpen.load(ordering: .acquiring) { usleep(200) }
  }

  func waitForSomebody() async throws {
    while arrived.load(ordering: .relaxed) == 0 { try await Task.sleep(nanoseconds: 200_000) }
  }
}

private func failure(_ body: () async throws -> Void) async -> ServerFailure? {
  do { try await body() } catch { return error as? ServerFailure }
  return nil
}

@Test(arguments: [(1, 64), (3, 64), (2, 1), (3, 5)])
func everyCallerGetsItsOwnRowsInTheirOrder(workers: Int, batch: Int) async throws {
  let metrics = ModelMetrics()
  let batcher = try batcher(workers: workers, batch: batch, queue: 100_000, metrics: metrics) { Double($0) * 2 }
  try await withThrowingTaskGroup(of: Void.self) { group in
    for caller in 0..<200 {
      group.addTask {
        let own = (0..<1 + caller % 23).map { caller * 100 + $0 }
        let answer = try await batcher.predict(rows(own))
        #expect(answer.values == own.map { Double($0) * 2 })
      }
    }
    try await group.waitForAll()
  }
  let values = metrics.values
  #expect(values.rows == (0..<200).reduce(0) { $0 + 1 + $1 % 23 })
  #expect(values.batchSizes.keys.allSatisfy { $0 <= batch })
  #expect(batcher.pendingRows == 0)
}

@Test func batchesFormWhileAThreadIsBusyAndOnlyThen() async throws {
  let (door, metrics) = (Door(), ModelMetrics())
  let batcher = try batcher(metrics: metrics) { number in
    if number == 0 { door.pass() }
    return Double(number)
  }
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { _ = try await batcher.predict(rows([0])) }
    try await door.waitForSomebody()
    for number in 1...10 { group.addTask { _ = try await batcher.predict(rows([number])) } }
    while batcher.pendingRows < 10 { try await Task.sleep(nanoseconds: 200_000) }
    door.open()
    try await group.waitForAll()
  }
  _ = try await batcher.predict(rows([11]))
  while metrics.values.batches < 3 { try await Task.sleep(nanoseconds: 200_000) }
  #expect(metrics.values.batchSizes.mapValues(\.count) == [1: 2, 10: 1])
}

@Test func aThreadWaitsForMoreRowsOnlyIfItIsToldTo() async throws {
  let metrics = ModelMetrics()
  // Without the second request, the first would wait for ten seconds.
  let batcher = try batcher(batch: 2, delay: 10_000_000, metrics: metrics) { Double($0) }
  async let first = batcher.predict(rows([1]))
  async let second = batcher.predict(rows([2]))
  #expect(try await [first.values, second.values] == [[1], [2]])
  while metrics.values.batches < 1 { try await Task.sleep(nanoseconds: 200_000) }
  #expect(metrics.values.batchSizes.keys.sorted() == [2])
}

@Test func aFullQueueRefusesWithoutLosingWhatIsInIt() async throws {
  let door = Door()
  let batcher = try batcher(queue: 3) { number in
    if number == 0 { door.pass() }
    return Double(number)
  }
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { _ = try await batcher.predict(rows([0])) }
    try await door.waitForSomebody()
    group.addTask {
      let answer = try await batcher.predict(rows([1, 2]))
      #expect(answer.values == [1, 2])
    }
    while batcher.pendingRows < 2 { try await Task.sleep(nanoseconds: 200_000) }
    let refused = await failure { _ = try await batcher.predict(rows([3, 4])) }
    #expect(refused?.status == 503 && refused?.retryAfter == 1)
    door.open()
    try await group.waitForAll()
  }
  // One that finds nothing waiting may be larger than the queue.
  #expect(try await batcher.predict(rows(Array(0..<10))).values.count == 10)
}

@Test func whatIsTooLateOrNotWantedLeavesTheQueue() async throws {
  let door = Door()
  let predicted = Mutex<[Int]>([])
  let batcher = try batcher { number in
    predicted.withLock { $0.append(number) }
    if number == 0 { door.pass() }
    return Double(number)
  }
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { _ = try await batcher.predict(rows([0])) }
    try await door.waitForSomebody()
    let late = await failure { _ = try await batcher.predict(rows([1]), timeout: 1_000_000) }
    #expect(late?.status == 504)
    let gone = Task { await failure { _ = try await batcher.predict(rows([2])) } }
    while batcher.pendingRows < 1 { try await Task.sleep(nanoseconds: 200_000) }
    gone.cancel()
    let status = await gone.value?.status
    #expect(status == 499)
    #expect(batcher.pendingRows == 0)
    door.open()
    try await group.waitForAll()
  }
  #expect(try await batcher.predict(rows([3])).values == [3])
  #expect(predicted.withLock { $0 } == [0, 3])
}

@Test func aRowThatFailsFailsItsOwnRequestOnly() async throws {
  struct Odd: Error {}
  let batcher = try batcher(workers: 2, batch: 4) { number in
    if number == 5 { throw Odd() }
    return Double(number)
  }
  async let good = batcher.predict(rows([1, 2, 3]))
  await #expect(throws: Odd.self) { _ = try await batcher.predict(rows(Array(0..<20))) }
  #expect(try await good.values == [1, 2, 3])
  #expect(try await batcher.predict(rows([7])).values == [7])
  #expect(batcher.pendingRows == 0)
}

@Test func whatWaitsIsAnsweredThoughTheBatcherIsGivenUp() async throws {
  let door = Door()
  var batcher: Batcher? = try batcher { number in
    if number == 0 { door.pass() }
    return Double(number)
  }
  let held = batcher!
  let answers = Task { try await held.predict(rows([0, 1, 2])).values }
  try await door.waitForSomebody()
  batcher = nil
  door.open()
  #expect(try await answers.value == [0, 1, 2])
}

@Test func optionsOutOfRangeAreNamed() {
  for (change, name): ((inout BatcherOptions) -> Void, String) in [
    ({ $0.workers = 0 }, "--workers is 0"), ({ $0.greatestBatch = 0 }, "--max-batch is 0"),
    ({ $0.delay = -1 }, "--max-delay is -1"), ({ $0.queue = 0 }, "--queue is 0"),
  ] {
    var options = BatcherOptions()
    change(&options)
    expectError(name, code: .usage) { try options.validate() }
  }
}
