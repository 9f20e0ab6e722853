import Evenkeel
import EvenkeelTestSupport
import Testing

/// Counts the exchanges of another communicator.
private final class CountingCommunicator: Communicator, @unchecked Sendable {
  private let inner: any Communicator
  /// The exchanges of sums of floats, and the bytes that ranks had from each other in others.
  private(set) var sums = 0, gatheredBytes = 0
  var rank: Int { inner.rank }
  var size: Int { inner.size }
  var state: RankState {
    get { inner.state }
    set { inner.state = newValue }
  }

  init(_ inner: any Communicator) { self.inner = inner }

  func name(of rank: Int) -> String { inner.name(of: rank) }

  func reduce(
    _ values: UnsafeMutableRawPointer, bytes: Int, starts: UnsafePointer<Int>, merge: Merge,
    context: UnsafeMutableRawPointer?, isForAll: Bool
  ) throws {
    try inner.reduce(values, bytes: bytes, starts: starts, merge: merge, context: context, isForAll: isForAll)
  }

  func sum(_ values: UnsafeMutablePointer<Float>, count: Int, stride: Int, starts: UnsafePointer<Int>) throws {
    sums += 1
    try inner.sum(values, count: count, stride: stride, starts: starts)
  }

  func gather(_ bytes: UnsafeMutableRawPointer, counts: UnsafePointer<Int>, starts: UnsafePointer<Int>) throws {
    gatheredBytes += (0..<size).reduce(0) { $0 + counts[$1] }
    try inner.gather(bytes, counts: counts, starts: starts)
  }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
    try inner.broadcast(bytes, from: root)
  }

  func agree(_ values: UnsafeMutableBufferPointer<Double>) throws { try inner.agree(values) }
}

/// The counts of rank 0 of two in a training of some steps.
private func counted(_ network: Network, batch: Int, steps: Int) throws -> (sums: Int, gatheredBytes: Int) {
  let training = TrainingCase(testDescription: "", network: network)
  let data = try training.data(batch * steps)
  let counts = ThreadRanks.run(2) { communicator in
    let counting = CountingCommunicator(communicator)
    var model = try Model(network, seed: 1)
    var trainer = training.trainer
    (trainer.batchSize, trainer.threads, trainer.communicator) = (batch, 1, counting)
    try trainer.fit(&model, to: data, epochs: 1)
    return (counting.sums, counting.gatheredBytes)
  }
  return try counts[0].get()
}

@Test func theGradientsOfAllConvolutionsAreAddedInOneExchangeAStep() throws {
  #expect(try counted(try Network(preset: "resnet20"), batch: 32, steps: 2).sums == 2)
}

/// A network without dense layers, whose rows nobody needs: the sums of the loss go around, fewer bytes than the outputs of ten classes.
@Test func ranksKeepTheirOutputsForThemselves() throws {
  let network = Network(
    input: [8, 8, 3], layers: [Convolution(10, kernel: 3), BatchNorm(), GlobalAveragePool()])
  let bytes = try counted(network, batch: 32, steps: 1).gatheredBytes
  #expect(bytes > 0 && bytes < 32 * 10 * 4)
}

/// Its gradients are 6,300 floats; the rows would be 160,000.
@Test func gradientsOfADenseLayerAreAddedWhereItsRowsAreMany() throws {
  let network = Network(input: [90], layers: [Dense(70), BatchNorm(), ReLU(), Dense(10)])
  let small = try counted(network, batch: 128, steps: 1)
  let large = try counted(network, batch: 1000, steps: 1)
  #expect(small.sums == 0 && large.sums == 1)
  // The last layer's rows, its gradients, and the loss.
  #expect(small.gatheredBytes > 128 * 160 * 4)
  #expect(large.gatheredBytes < 1000 * 85 * 4)
}
