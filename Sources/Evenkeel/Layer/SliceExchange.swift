import Kernels

/// How the slices of a batch are divided among ranks, and what these exchange of them.
///
/// A rank has whole slices, contiguous and as many as others or one more, or none. Its memory has room for the whole batch: rows and slices of
/// others have their places in it, which are filled where somebody needs them.
package final class SliceExchange: @unchecked Sendable {
  package let communicator: any Communicator
  private var slices: SliceBounds! = nil
  /// For each rank its first slice, then the number of slices; the same within some slices; and bytes of each rank.
  private let starts, startsWithin, counts, offsets: UnsafeMutablePointer<Int>

  package init(_ communicator: any Communicator) {
    self.communicator = communicator
    let size = communicator.size
    func allocate() -> UnsafeMutablePointer<Int> {
      let start = UnsafeMutablePointer<Int>.allocate(capacity: size + 1)
      start.initialize(repeating: 0, count: size + 1)
      return start
    }
    (starts, startsWithin, counts, offsets) = (allocate(), allocate(), allocate(), allocate())
  }

  deinit { for memory in [starts, startsWithin, counts, offsets] { memory.deallocate() } }

  /// Divides the slices of a batch; valid as long as these are.
  func take(_ slices: SliceBounds) {
    self.slices = slices
    for rank in 0...communicator.size { starts[rank] = communicator.part(of: slices.count, rank: rank).lowerBound }
  }

  /// The slices of this rank.
  var own: Range<Int> { starts[communicator.rank]..<starts[communicator.rank + 1] }
  /// Their rows.
  var ownRows: Range<Int> { rows(of: communicator.rank) }

  private func rows(of rank: Int) -> Range<Int> {
    let (first, end) = (starts[rank], starts[rank + 1])
    guard first < end else { return 0..<0 }
    return slices[first].lowerBound..<slices[end - 1].upperBound
  }

  /// Fills the rows of the other ranks: `bytes` bytes each, from `start` on.
  func gather(_ start: UnsafeMutableRawPointer, bytesOfRow bytes: Int) throws {
    for rank in 0..<communicator.size {
      let rows = rows(of: rank)
      (counts[rank], offsets[rank]) = (rows.count * bytes, rows.lowerBound * bytes)
    }
    try communicator.gather(start, counts: counts, starts: offsets)
  }

  func gather(_ rows: UnsafePointer<Float>, floatsOfRow: Int) throws {
    try gather(UnsafeMutablePointer(mutating: rows), bytesOfRow: floatsOfRow * MemoryLayout<Float>.stride)
  }

  /// Fills what belongs to the slices of the other ranks: `bytes` bytes each, from `start` on.
  func gather(_ start: UnsafeMutableRawPointer, bytesOfSlice bytes: Int) throws {
    for rank in 0..<communicator.size {
      (counts[rank], offsets[rank]) = ((starts[rank + 1] - starts[rank]) * bytes, starts[rank] * bytes)
    }
    try communicator.gather(start, counts: counts, starts: offsets)
  }

  /// The part of `count` blocks that this rank computes.
  func ownBlocks(of count: Int) -> Range<Int> { communicator.part(of: count, rank: communicator.rank) }

  /// Fills what the other ranks computed of `count` blocks, of which block i begins `offset(i)` floats from `start`.
  func gather(_ start: UnsafeMutablePointer<Float>, blocks count: Int, offset: (Int) -> Int) throws {
    for rank in 0..<communicator.size {
      let part = communicator.part(of: count, rank: rank)
      let (begin, end) = (offset(part.lowerBound), offset(part.upperBound))
      counts[rank] = (end - begin) * MemoryLayout<Float>.stride
      offsets[rank] = begin * MemoryLayout<Float>.stride
    }
    try communicator.gather(start, counts: counts, starts: offsets)
  }

  /// What has failed where ranks with other slices do not notice; all hear of it at the end of the step.
  var failure: (any Error)?

  /// Merges the sums of some slices, each of `features` as the kernels have them and all from `start` on; the first of them has the
  /// result.
  /// - Parameter isForAll: Whether ranks without any of these slices get it too.
  func merge(
    _ slices: Range<Int>, of start: UnsafeMutablePointer<Double>, features: Int, _ merge: Merge, isForAll: Bool = true
  ) throws {
    let stride = ek_slice_stride(features)
    let (own, total) = (start + place(in: slices) * stride, start + slices.lowerBound * stride)
    var features = features
    let bytes = stride * MemoryLayout<Double>.stride
    try communicator.reduce(
      own, bytes: bytes, starts: startsWithin, merge: merge, context: &features, isForAll: isForAll)
    if own != total { total.update(from: own, count: stride) }
  }

  /// Whether this rank has any of these slices.
  func holds(_ slices: Range<Int>) -> Bool { slices.overlaps(own) }

  /// Fills what other ranks have of `parts` of the batch, `floats` each from `start` on; of several ranks with slices of one the first
  /// has it.
  func gather(_ start: UnsafeMutablePointer<Float>, _ parts: Parts, floats: Int) throws {
    var next = 0
    for rank in 0..<communicator.size {
      let first = next
      let end = starts[rank] < starts[rank + 1] ? slices[starts[rank + 1] - 1].upperBound : 0
      while next < parts.count, parts[next].lowerBound < end { next += 1 }
      counts[rank] = (next - first) * floats * MemoryLayout<Float>.stride
      offsets[rank] = first * floats * MemoryLayout<Float>.stride
    }
    try communicator.gather(start, counts: counts, starts: offsets)
  }

  /// Adds `count` floats of all slices, `stride` floats apart; those of the first slice, at `start`, have the sum.
  func sum(_ start: UnsafeMutablePointer<Float>, count: Int, stride: Int) throws {
    guard count > 0 else { return }
    let own = start + place(in: 0..<slices.count) * stride
    try communicator.sum(own, count: count, stride: stride, starts: startsWithin)
    if own != start { start.update(from: own, count: count) }
  }

  /// Notes the part of each rank in some slices.
  /// - Returns: The first of this rank's, or the first of all if it has none.
  private func place(in slices: Range<Int>) -> Int {
    for rank in 0...communicator.size {
      startsWithin[rank] = min(max(starts[rank], slices.lowerBound), slices.upperBound) - slices.lowerBound
    }
    let rank = communicator.rank
    return slices.lowerBound + (startsWithin[rank] < startsWithin[rank + 1] ? startsWithin[rank] : 0)
  }
}

/// How two slices' sums become one: moments, and sums that are added. The context is the number of features.
enum SliceMerge {
  static let moments: Merge = { low, high, _, features in
    ek_merge_moments_of(
      low!.assumingMemoryBound(to: Double.self), high!.assumingMemoryBound(to: Double.self),
      features!.assumingMemoryBound(to: Int.self).pointee)
  }
  static let sums: Merge = { low, high, _, features in
    ek_merge_sums_of(
      low!.assumingMemoryBound(to: Double.self), high!.assumingMemoryBound(to: Double.self),
      features!.assumingMemoryBound(to: Int.self).pointee)
  }
}
