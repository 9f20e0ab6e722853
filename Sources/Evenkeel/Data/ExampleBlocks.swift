/// The order in which examples are read that lie in a file larger than memory: blocks that follow each other in the file come in random
/// order, and the examples of some blocks in a row are mixed, so that what is read at a time lies in few places.
package struct ExampleBlocks: Hashable, Codable, Sendable {
  /// The examples of a block, but for the last one.
  package let size: Int
  /// The blocks whose examples are mixed.
  package let window: Int

  package init(size: Int = 4096, window: Int = 16) { (self.size, self.window) = (size, window) }

  /// An order of `count` examples.
  package func order(of count: Int, _ random: inout RandomNumbers) -> [Int32] {
    var blocks = (0..<Int32((count + size - 1) / size)).map { $0 }
    random.shuffle(&blocks)
    var order: [Int32] = []
    order.reserveCapacity(count)
    for first in stride(from: 0, to: blocks.count, by: window) {
      var mixed: [Int32] = []
      for block in blocks[first..<min(first + window, blocks.count)] {
        mixed += Int32(Int(block) * size)..<Int32(min((Int(block) + 1) * size, count))
      }
      random.shuffle(&mixed)
      order += mixed
    }
    return order
  }
}
