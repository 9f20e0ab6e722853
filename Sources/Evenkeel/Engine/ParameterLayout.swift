/// Where every parameter and running statistic of a network lies in a model's buffers.
///
/// Weights come first, then all that is kept out of weight decay, so that decay is a boundary and not a list. Each starts
/// at a cache line.
package final class ParameterLayout: Sendable {
  package struct Entry: Sendable {
    /// The name in stored files: `0.weight`.
    package let name: String
    package let description: ParameterDescription
    package let offset: Int
    package var count: Int { description.shape.count }
  }

  struct Statistics: Sendable {
    /// The batch norm's path: `1`.
    let name: String
    let features: Int
    /// Where its means start; the variances follow them.
    let offset: Int
  }

  /// In the order of the network.
  package let entries: [Entry]
  let statistics: [Statistics]
  /// The offsets of a layer's parameters by its path.
  package let offsets: [String: [Int]]
  package let statisticsIndex: [String: Int]
  /// The floats in front of the first parameter that is no weight.
  let weightCount: Int
  package let count: Int
  /// The number of learned values, which `count` fills up to whole cache lines.
  var learnedCount: Int { entries.reduce(0) { $0 + $1.count } }
  let statisticsCount: Int
  let output: Shape
  /// As many examples as are predicted together: few enough for the largest value of the network to stay in a cache.
  let rowsAtOnce: Int

  init(_ network: Network) throws {
    var described: [(layer: String, ParameterDescription)] = []
    var statistics: [Statistics] = []
    var statisticsCount = 0
    var longest = 1
    output = try network.walk { layer, name, input in
      longest = max(longest, input.count)
      for parameter in try layer.parameters(for: input) { described.append((name, parameter)) }
      if layer is BatchNorm {
        statistics.append(Statistics(name: name, features: input.featureCount, offset: statisticsCount))
        statisticsCount += 2 * input.featureCount
      }
    }
    var next = 0
    var offsetOf = [Int](repeating: 0, count: described.count)
    rowsAtOnce = max(1, min(512, (1 << 20) / longest))
    func place(_ matches: (ParameterRole) -> Bool) throws {
      for (index, (layer, parameter)) in described.enumerated() where matches(parameter.role) {
        offsetOf[index] = next
        guard let count = Shape.checkedCount(parameter.shape.dimensions), count < 1 << 40 else {
          throw EvenkeelError.usage("Layer \(layer): its \(parameter.name) of shape \(parameter.shape) is too large.")
        }
        next += (count + 15) / 16 * 16
      }
    }
    try place { $0 == .weight }
    weightCount = next
    try place { $0 != .weight }
    count = next
    entries = described.indices.map {
      Entry(
        name: "\(described[$0].layer).\(described[$0].1.name)", description: described[$0].1, offset: offsetOf[$0])
    }
    offsets = Dictionary(
      described.indices.map { (described[$0].layer, [offsetOf[$0]]) }, uniquingKeysWith: { $0 + $1 })
    self.statistics = statistics
    self.statisticsCount = statisticsCount
    statisticsIndex = Dictionary(uniqueKeysWithValues: statistics.indices.map { (statistics[$0].name, $0) })
  }

  /// The name of the parameter that holds position `offset` of the buffer.
  func name(at offset: Int) -> String {
    entries.first { $0.offset <= offset && offset < $0.offset + $0.count }?.name ?? "padding"
  }
}
