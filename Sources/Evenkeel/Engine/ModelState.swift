import Synchronization

/// What a model learned and keeps: one block of memory each for parameters, for the buffers' values and for their
/// counts. Copied before a write if shared.
package final class ModelState: @unchecked Sendable {
  package let layout: ParameterLayout
  package let parameters: AlignedFloats
  let bufferValues: AlignedFloats
  let bufferCounts: UnsafeMutablePointer<Int>
  /// A unique number that changes with the parameters and buffers.
  package private(set) var version = ModelState.nextVersion()

  private static let versions = Atomic<UInt64>(0)
  private static func nextVersion() -> UInt64 { versions.wrappingAdd(1, ordering: .relaxed).newValue }

  /// Changes parameters or buffers: whatever was derived from them is made again afterwards.
  package func write<Result>(_ body: (ModelState) throws -> Result) rethrows -> Result {
    defer { version = Self.nextVersion() }
    return try body(self)
  }

  /// A state with its buffers as before training and with parameters of 0.
  /// - Throws: `EvenkeelError` with code `usage` if there is not enough memory.
  package init(_ layout: ParameterLayout) throws {
    self.layout = layout
    parameters = try AlignedFloats(
      count: layout.count, for: "A network of \(layout.learnedCount) learned values", code: .usage)
    bufferValues = AlignedFloats(count: layout.bufferValueCount)
    bufferCounts = .allocate(capacity: max(layout.bufferCountCount, 1))
    bufferCounts.initialize(repeating: 0, count: max(layout.bufferCountCount, 1))
    for buffer in layout.buffers {
      guard case .values(let start, _) = buffer.description.content else { continue }
      (bufferValues.start + buffer.offset).update(repeating: start, count: buffer.description.shape.count)
    }
  }

  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory.
  package convenience init(copying other: ModelState) throws {
    self.init(
      buffersOf: other,
      parameters: try AlignedFloats(
        copying: other.parameters, for: "A copy of the network's \(other.layout.learnedCount) learned values"))
  }

  /// A state with the same parameters and separate buffers.
  convenience init(sharingParametersOf other: ModelState) {
    self.init(buffersOf: other, parameters: other.parameters)
  }

  private init(buffersOf other: ModelState, parameters: AlignedFloats) {
    layout = other.layout
    self.parameters = parameters
    bufferValues = AlignedFloats(copying: other.bufferValues)
    bufferCounts = .allocate(capacity: max(layout.bufferCountCount, 1))
    bufferCounts.initialize(from: other.bufferCounts, count: max(layout.bufferCountCount, 1))
  }

  /// Takes over the buffers of `other`.
  func copyBuffers(from other: ModelState) {
    bufferValues.start.update(from: other.bufferValues.start, count: bufferValues.count)
    bufferCounts.update(from: other.bufferCounts, count: layout.bufferCountCount)
  }

  /// Takes over the buffers of `layer` from the same layer at `source` in `other`.
  package func copyBuffers(of layer: PlacedLayer, from source: String, in other: ModelState) {
    let (to, from) = (buffers(of: layer.path), other.buffers(of: source))
    for (index, buffer) in layer.buffers.enumerated() {
      switch buffer.content {
      case .values: to.values(index).update(from: from.values(index), count: buffer.shape.count)
      case .count: to.count(index).pointee = from.count(index).pointee
      }
    }
  }

  deinit { bufferCounts.deallocate() }

  /// Draws the parameters: the same seed, the same bits.
  package func initialize(seed: UInt64) {
    let key = RandomKey(seed: seed).branch(RandomStream.initialization)
    write { state in
      for (index, entry) in layout.entries.enumerated() {
        let values = UnsafeMutableBufferPointer(start: state.parameters.start + entry.offset, count: entry.count)
        let deviation: Double
        switch entry.description.start {
        case .constant(let value):
          values.update(repeating: value)
          continue
        case .signs:
          var random = RandomNumbers(key.branch(index))
          for position in values.indices { values[position] = random.uniform() < 0.5 ? -1 : 1 }
          continue
        case .normal(let given): deviation = given
        case .weights(let initialization, let inputs, let outputs):
          deviation = initialization.deviation(inputs: inputs, outputs: outputs)
        }
        var random = RandomNumbers(key.branch(index))
        for position in values.indices { values[position] = Float(deviation * random.normal()) }
      }
    }
  }

  /// The buffers of the layer at `path`.
  package func buffers(of path: String) -> LayerBuffers {
    LayerBuffers(bufferValues.start, bufferCounts, offsets: layout.places(of: path).buffers)
  }

  /// The parameters and buffers of the layer at these places.
  package func memory(_ places: LayerPlaces) -> LayerMemory {
    LayerMemory(
      parameters: parameters.start, offsets: places.parameters,
      buffers: LayerBuffers(bufferValues.start, bufferCounts, offsets: places.buffers))
  }
}

extension PlacedLayer {
  /// The running statistics that the layer keeps, by PyTorch's names for them; nil for a layer without these names.
  private var runningStatistics: (mean: Int, variance: Int, count: Int?)? {
    guard layer.traits.contains(.runningStatistics),
      let mean = buffers.firstIndex(where: { $0.name == "running_mean" }),
      let variance = buffers.firstIndex(where: { $0.name == "running_var" }),
      buffers[mean].shape.count == input.featureCount, buffers[variance].shape.count == input.featureCount
    else { return nil }
    return (mean, variance, buffers.firstIndex { $0.name == "num_batches_tracked" })
  }

  fileprivate func runningStatistics(in buffers: LayerBuffers) -> RunningStatistics? {
    runningStatistics.map { place in
      func values(_ index: Int) -> [Float] {
        Array(UnsafeBufferPointer(start: buffers.values(index), count: input.featureCount))
      }
      return RunningStatistics(
        mean: values(place.mean), variance: values(place.variance),
        batchCount: place.count.map { buffers.count($0).pointee } ?? 1)
    }
  }
}

extension ModelState {
  /// The running statistics of `layer`; nil if it keeps none.
  func runningStatistics(of layer: PlacedLayer) -> RunningStatistics? {
    layer.runningStatistics(in: buffers(of: layer.path))
  }
}
