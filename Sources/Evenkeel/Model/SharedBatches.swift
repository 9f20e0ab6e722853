/// Batches of an inference, which ranks share: each computes some, and then all take the results of all, in their order. Alone, one after
/// the other.
struct SharedBatches {
  private let communicator: (any Communicator)?
  private let count: Int
  /// The results of a round, `floats` for each batch; empty for a process alone.
  private let results: AlignedFloats
  private let floats: Int

  /// The most batches of a rank in a round.
  private static let mostAtOnce = 8

  /// - Parameter floats: The most that result from a batch.
  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory.
  init(_ count: Int, floats: Int, among communicator: (any Communicator)?) throws {
    self.communicator = communicator.flatMap { $0.size > 1 ? $0 : nil }
    (self.count, self.floats) = (count, floats)
    let round = self.communicator.map { min(count, Self.mostAtOnce * $0.size) } ?? 0
    results = try AlignedFloats(count: round * floats, for: "The results of \(round) batches")
  }

  /// - Parameters:
  ///   - compute: Computes a batch. Ranks compute the same ones in each pass.
  ///   - take: Takes what came of each batch, which it may change, on every rank.
  ///   - end: What follows.
  /// - Throws: What one of them throws; on all ranks that of the first rank that failed, which the error names.
  func forEach(
    _ compute: (Int) throws -> UnsafeMutablePointer<Float>, take: (Int, UnsafeMutablePointer<Float>) throws -> Void,
    end: () throws -> Void = {}
  ) throws {
    guard let communicator else {
      for index in 0..<count { try take(index, compute(index)) }
      return try end()
    }
    let agreement = Agreement(among: communicator)
    let before = communicator.state
    communicator.state = .together
    var failure: (any Error)?
    func attempt(_ body: () throws -> Void) {
      guard failure == nil else { return }
      do { try body() } catch { failure = error }
    }
    let bytes = floats * MemoryLayout<Float>.stride
    for first in stride(from: 0, to: count, by: Self.mostAtOnce * communicator.size) {
      let round = min(count - first, Self.mostAtOnce * communicator.size)
      for index in communicator.part(of: round, rank: communicator.rank) {
        attempt { (results.start + index * floats).update(from: try compute(first + index), count: floats) }
      }
      try agreement.settle(failure)
      let parts = (0..<communicator.size).map { communicator.part(of: round, rank: $0) }
      try communicator.gather(
        results.start, counts: parts.map { $0.count * bytes }, starts: parts.map { $0.lowerBound * bytes })
      for index in 0..<round { attempt { try take(first + index, results.start + index * floats) } }
    }
    attempt(end)
    try agreement.settle(failure)
    communicator.state = before
  }
}
