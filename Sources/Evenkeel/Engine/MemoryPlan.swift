/// Places buffers that live at different times in one arena.
struct MemoryPlan {
  /// A buffer: its size in floats, and the first and last time at which it is in use.
  struct Buffer {
    let count: Int
    var first: Int
    var last: Int
  }

  /// The start of every buffer in floats, a multiple of 16.
  let offsets: [Int]
  /// The size of the arena in floats.
  let count: Int

  /// Largest first, each at the lowest place that no buffer in use at the same time occupies.
  init(_ buffers: [Buffer]) {
    var offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []
    var end = 0
    for index in buffers.indices.sorted(by: { (-buffers[$0].count, $0) < (-buffers[$1].count, $1) }) {
      let buffer = buffers[index]
      let size = (buffer.count + 15) / 16 * 16
      var offset = 0
      for other in placed.sorted(by: { offsets[$0] < offsets[$1] })
      where buffers[other].first <= buffer.last && buffer.first <= buffers[other].last {
        let otherSize = (buffers[other].count + 15) / 16 * 16
        if offset + size <= offsets[other] { break }
        offset = max(offset, offsets[other] + otherSize)
      }
      offsets[index] = offset
      placed.append(index)
      end = max(end, offset + size)
    }
    self.offsets = offsets
    count = end
  }
}
