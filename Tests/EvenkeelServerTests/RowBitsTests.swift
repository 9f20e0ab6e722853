import Evenkeel
import EvenkeelReference
import EvenkeelServer
import EvenkeelTestSupport
import Testing

/// Every layer and option, also over images, and networks that ship with the package.
private let networks =
  LayerCase.all.map { $0.network(inputs: 6, units: 16, outputs: 3) }
  + ["mlp", "lenet", "resnet20"].map { try! Network(preset: $0) }

/// A row has the same bits alone, in a request of many, beside the requests of others, and whoever computes it.
@Test(arguments: networks.indices)
func aRowHasTheSameBitsWhateverIsPredictedBesideIt(_ index: Int) async throws {
  let network = networks[index]
  let model = try model(network)
  let width = network.input.count
  var numbers = Numbers(index + 1)
  let values = numbers.many(11 * width)
  func rows(_ range: Range<Int>) throws -> [Dataset] {
    [try Dataset(Array(values[range.lowerBound * width..<range.upperBound * width]), shape: network.input)]
  }
  var options = BatcherOptions()
  (options.workers, options.greatestBatch) = (2, 5)
  let served = try ServedModel(try ModelEnsemble([model]), name: "a", version: 1, options: options)
  let together = try await served.batcher.predict(rows(0..<11)).values
  let outputs = together.count / 11
  try await withThrowingTaskGroup(of: Void.self) { group in
    for row in 0..<11 {
      group.addTask {
        let alone = try await served.batcher.predict(rows(row..<row + 1)).values
        #expect(alone.map(\.bitPattern) == together[row * outputs..<(row + 1) * outputs].map(\.bitPattern))
      }
    }
    try await group.waitForAll()
  }
  // They are the numbers of the library for few rows, also after many; larger batches are summed in another order.
  for few in [0..<11, 0..<1, 10..<11, 3..<11, 2..<4] {
    let values = try model.predictInDouble(rows(few)[0], threads: 1)
    guard few.count <= RowPredictor.rowsAtOnce else { continue }
    let expected = together[few.lowerBound * outputs..<few.upperBound * outputs]
    #expect(values.map(\.bitPattern) == expected.map(\.bitPattern))
  }
}

/// A row that fails among others leaves them theirs.
@Test func aRowThatIsNotFiniteFailsAlone() throws {
  let predictor = try RowPredictor(try ModelEnsemble([try model(smallNetwork, classes: ["a", "b", "c"])]))
  func predict(_ rows: [[Float]]) throws -> (values: [Double], failed: [Int]) {
    let data = [try Dataset(rows.flatMap { $0 }, shape: [4])]
    var (values, failed) = ([Double](repeating: 0, count: rows.count * predictor.width), [Int]())
    values.withUnsafeMutableBufferPointer { values in
      let rows = rows.indices.map { RowPredictor.Row(data, $0, into: values.baseAddress! + $0 * predictor.width) }
      predictor.predict(rows[...]) { index, _ in failed.append(index) }
    }
    return (values, failed)
  }
  var rows = fourRows
  rows[1][2] = .nan
  let together = try predict(rows)
  #expect(together.failed == [1])
  for row in [0, 2, 3] {
    let alone = try predict([rows[row]])
    #expect(alone.failed.isEmpty)
    #expect(alone.values == Array(together.values[row * predictor.width..<(row + 1) * predictor.width]))
  }
}

@Test func theMeanOfAnEnsembleIsTheLibrarys() async throws {
  let members = try (1...3).map { try model(smallNetwork, seed: $0, classes: ["a", "b", "c"]) }
  let ensemble = try ModelEnsemble(members)
  let served = try ServedModel(ensemble, name: "a", version: 1, options: BatcherOptions())
  let data = try Dataset(fourRows.flatMap { $0 }, shape: [4])
  let answer = try await served.batcher.predict([data, data, data]).values
  let expected = try (0..<4).flatMap { row in
    try ensemble.predictInDouble(Array(repeating: data.subset([row]), count: 3), threads: 1)
  }
  #expect(answer == expected)
}
