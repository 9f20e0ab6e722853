import Evenkeel
import Foundation

/// Ranks that are threads of this process, for tests: each gets a communicator.
package enum ThreadRanks {
  /// Runs `body` on as many threads as ranks.
  /// - Returns: What each rank made, or threw. Once one has thrown, what others wait for throws too.
  package static func run<Result>(
    _ size: Int, _ body: @escaping @Sendable (any Communicator) throws -> Result
  ) -> [Swift.Result<Result, any Error>] {
    let meeting = Meeting(size: size)
    nonisolated(unsafe) var results = [Swift.Result<Result, any Error>?](repeating: nil, count: size)
    let ended = DispatchGroup()
    for rank in 0..<size {
      ended.enter()
      let thread = Thread {
        let result = Swift.Result { try body(ThreadCommunicator(rank, meeting)) }
        if case .failure = result { meeting.leave() }
        meeting.lock.withLock { results[rank] = result }
        ended.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    ended.wait()
    return results.map { $0! }
  }
}

/// Where all ranks wait for one another, each with something to show.
private final class Meeting: @unchecked Sendable {
  let size: Int
  let lock = NSCondition()
  private var shown: [UnsafeMutableRawPointer?]
  private var waiting = 0, round = 0
  private var hasLeft = false
  /// Where only some ranks wait for one another.
  private var parts: [Range<Int>: Meeting] = [:]

  func part(_ ranks: Range<Int>) -> Meeting {
    lock.withLock {
      if let part = parts[ranks] { return part }
      let part = Meeting(size: ranks.count)
      part.hasLeft = hasLeft
      parts[ranks] = part
      return part
    }
  }

  init(size: Int) {
    self.size = size
    shown = Array(repeating: nil, count: size)
  }

  func leave() {
    let parts = lock.withLock {
      hasLeft = true
      lock.broadcast()
      return Array(self.parts.values)
    }
    for part in parts { part.leave() }
  }

  /// Waits until all ranks are here.
  func meet() throws {
    lock.lock()
    defer { lock.unlock() }
    let current = round
    waiting += 1
    if waiting == size {
      (waiting, round) = (0, round + 1)
      lock.broadcast()
    }
    while round == current, !hasLeft { lock.wait() }
    if round == current { throw EvenkeelError(.unavailable, "Another rank has left.") }
  }

  /// Lets every rank look at what all show, before they go on.
  func meet(_ rank: Int, showing pointer: UnsafeMutableRawPointer, look: ([UnsafeMutableRawPointer]) -> Void) throws {
    lock.withLock { shown[rank] = pointer }
    try meet()
    look(lock.withLock { shown.map { $0! } })
    try meet()
  }
}

private final class ThreadCommunicator: Communicator, @unchecked Sendable {
  let rank: Int
  private let meeting: Meeting
  var size: Int { meeting.size }
  var state = RankState.apart

  init(_ rank: Int, _ meeting: Meeting) { (self.rank, self.meeting) = (rank, meeting) }

  func name(of rank: Int) -> String { "Rank \(rank)" }

  func reduce(
    _ values: UnsafeMutableRawPointer, bytes: Int, starts: UnsafePointer<Int>, merge: Merge,
    context: UnsafeMutableRawPointer?, isForAll: Bool
  ) throws {
    guard !isForAll else {
      return try reduce(values, bytes: bytes, stride: bytes, starts: starts, merge: merge, context: context)
    }
    guard starts[rank] < starts[rank + 1] else { return }
    let first = (0..<size).first { starts[$0 + 1] > 0 }!
    let end = (0..<size).last { starts[$0] < starts[size] }! + 1
    let holders = ThreadCommunicator(rank - first, meeting.part(first..<end))
    try holders.reduce(values, bytes: bytes, stride: bytes, starts: starts + first, merge: merge, context: context)
  }

  private func reduce(
    _ values: UnsafeMutableRawPointer, bytes: Int, stride: Int, starts: UnsafePointer<Int>, merge: Merge,
    context: UnsafeMutableRawPointer?
  ) throws {
    let slices = starts[size]
    let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, slices) * bytes, alignment: 64)
    defer { copy.deallocate() }
    try meeting.meet(rank, showing: values) { shown in
      for rank in 0..<size {
        for slice in starts[rank]..<starts[rank + 1] {
          (copy + slice * bytes).copyMemory(from: shown[rank] + (slice - starts[rank]) * stride, byteCount: bytes)
        }
      }
    }
    var apart = 1
    while apart < slices {
      for slice in Swift.stride(from: 0, to: slices - apart, by: 2 * apart) {
        merge(copy + slice * bytes, copy + (slice + apart) * bytes, 1, context)
      }
      apart *= 2
    }
    values.copyMemory(from: copy, byteCount: bytes)
  }

  func sum(_ values: UnsafeMutablePointer<Float>, count: Int, stride: Int, starts: UnsafePointer<Int>) throws {
    var count = count
    try reduce(
      values, bytes: 4 * count, stride: 4 * stride, starts: starts,
      merge: { low, high, _, count in
        let (low, high) = (low!.assumingMemoryBound(to: Float.self), high!.assumingMemoryBound(to: Float.self))
        for index in 0..<count!.assumingMemoryBound(to: Int.self).pointee { low[index] += high[index] }
      }, context: &count)
  }

  func gather(_ bytes: UnsafeMutableRawPointer, counts: UnsafePointer<Int>, starts: UnsafePointer<Int>) throws {
    try meeting.meet(rank, showing: bytes) { shown in
      for other in 0..<size where other != rank {
        (bytes + starts[other]).copyMemory(from: shown[other] + starts[other], byteCount: counts[other])
      }
    }
  }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
    guard let start = bytes.baseAddress else { return }
    try meeting.meet(rank, showing: start) { shown in
      if rank != root { start.copyMemory(from: shown[root], byteCount: bytes.count) }
    }
  }

  func agree(_ values: UnsafeMutableBufferPointer<Double>) throws {
    var largest = Array(values)
    try meeting.meet(rank, showing: UnsafeMutableRawPointer(values.baseAddress!)) { shown in
      for other in shown {
        let theirs = other.assumingMemoryBound(to: Double.self)
        for index in largest.indices { largest[index] = max(largest[index], theirs[index]) }
      }
    }
    for index in largest.indices { values[index] = largest[index] }
  }
}
