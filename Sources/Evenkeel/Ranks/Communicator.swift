/// Processes that train one model together, the ranks. Each calls the same functions in the same order, from one thread; a function returns
/// when all that it waits for have called it.
///
/// What is merged over slices is merged as a balanced tree of slices (neighbors, then neighbors of these; an odd one goes up alone), whoever
/// holds them, so that numbers have the same bits on any number of ranks. Slices are contiguous over ranks, in order.
///
/// A failed exchange throws `EvenkeelError` with code `unavailable`; after it the ranks can no longer work together.
package protocol Communicator: AnyObject, Sendable {
  /// This process, from 0.
  var rank: Int { get }
  /// The number of processes.
  var size: Int { get }
  /// How far the ranks are together.
  var state: RankState { get set }
  /// What messages call a rank: its number and host.
  func name(of rank: Int) -> String

  /// Replaces the vectors of own slices by the total over all slices, at `values`, which has room for it also without own slices.
  /// - Parameters:
  ///   - bytes: The length of a vector; the next slice's follows it.
  ///   - starts: For each rank its first slice, then the number of slices.
  ///   - merge: Merges the second vector into the first; it has the context.
  ///   - isForAll: Whether ranks without own slices get the total too; otherwise they do not wait.
  func reduce(
    _ values: UnsafeMutableRawPointer, bytes: Int, starts: UnsafePointer<Int>, merge: Merge,
    context: UnsafeMutableRawPointer?, isForAll: Bool
  ) throws
  /// The same for sums of `count` floats, which may be many, `stride` floats apart.
  func sum(_ values: UnsafeMutablePointer<Float>, count: Int, stride: Int, starts: UnsafePointer<Int>) throws
  /// Gives every rank what each has: `counts` bytes for each rank, at `starts` bytes from `bytes`, own ones in place.
  func gather(_ bytes: UnsafeMutableRawPointer, counts: UnsafePointer<Int>, starts: UnsafePointer<Int>) throws
  /// Gives every rank the bytes of `root`.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws
  /// Replaces each value by the largest of all ranks.
  func agree(_ values: UnsafeMutableBufferPointer<Double>) throws
}

/// How far ranks are together, which decides what one does that cannot go on.
package enum RankState: Sendable {
  /// Each is on its own way to the next agreement.
  case apart
  /// They exchange what they compute.
  case together
  /// They have agreed to end, for the same reason.
  case ended
}

/// Merges the vector at the second pointer into that at the first; the count is 1, the last argument the context.
package typealias Merge =
  @convention(c) (UnsafeMutableRawPointer?, UnsafeRawPointer?, Int, UnsafeMutableRawPointer?) -> Void

extension Communicator {
  /// The largest of the values that the ranks have.
  func largest(_ value: Double) throws -> Double {
    var value = value
    try withUnsafeMutablePointer(to: &value) { try agree(UnsafeMutableBufferPointer(start: $0, count: 1)) }
    return value
  }
}
