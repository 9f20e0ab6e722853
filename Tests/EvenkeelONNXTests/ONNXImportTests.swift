import Evenkeel
import EvenkeelONNX
import EvenkeelReference
import EvenkeelTestSupport
import FoundationEssentials
import Testing

private func imported(_ bytes: [UInt8]) throws -> ONNXImport {
  try ONNXImport(bytes, name: "a.onnx", folder: "/nonexistent")
}

/// The same with other letters in every place where `text` stands.
private func replacing(_ text: String, by other: String, in bytes: [UInt8]) throws -> [UInt8] {
  let (text, other) = (Array(text.utf8), Array(other.utf8))
  var changed = bytes
  for place in bytes.indices.dropLast(text.count) where bytes[place..<place + text.count].elementsEqual(text) {
    changed.replaceSubrange(place..<place + text.count, with: other)
  }
  try #require(changed != bytes && text.count == other.count)
  return changed
}

/// The file as another program's: what describes the model has a key that nobody reads.
private func withoutDescription(_ bytes: [UInt8]) throws -> [UInt8] {
  try replacing("evenkeel.model", by: "evenkeel.other", in: bytes)
}

@Suite struct ONNXImportTests {
  @Test func anExportedModelComesBackToTheLastBit() throws {
    for (index, item) in try (ONNXCase.all() + ONNXCase.tables()).enumerated() {
      var options = ONNXOptions()
      options.opset = [17, 18, 21, 23][index % 4]
      options.layout = index % 3 == 0 ? .nchw : .nhwc
      options.addsLogits = index % 2 == 0
      let bytes = try item.model.onnxBytes(options)
      let back = try imported(bytes)
      #expect(back.notes.isEmpty, "\(item.name): \(back.notes)")
      #expect(try back.model.predict(item.inputs) == item.model.predict(item.inputs), "\(item.name)")
      #expect(back.model.network == item.model.network && back.model.scaling == item.model.scaling, "\(item.name)")
      #expect(try back.model.onnxBytes(options) == bytes, "\(item.name)")
    }
  }

  @Test func aGraphOfOursIsUnderstoodWithoutItsDescription() throws {
    for (index, item) in try ONNXCase.all().enumerated() {
      var options = ONNXOptions()
      options.opset = [17, 18, 21, 23][index % 4]
      let model = try imported(withoutDescription(item.model.onnxBytes(options))).model
      let (found, expected) = try (model.predict(item.inputs).values, item.model.predict(item.inputs).values)
      let largest = expected.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 * largest }, "\(item.name)")
      // A graph does not tell of how many batches its averages are: of some.
      #expect(model.runningStatistics.allSatisfy { $0.statistics.batchCount == 1 }, "\(item.name)")
      // A graph again, which is that of this model.
      let bytes = try model.onnxBytes(options)
      #expect(try imported(bytes).model.onnxBytes(options) == bytes, "\(item.name)")
    }
  }

  @Test(arguments: Network.presets) func aBuiltInNetworkComesBackToTheLastBit(preset: String) throws {
    let item = try ONNXCase(preset, Network(preset: preset), outputs: 2, rows: 2)
    let bytes = try item.model.onnxBytes()
    let again = try imported(bytes).model
    #expect(try again.predict(item.inputs) == item.model.predict(item.inputs))
    #expect(try again.onnxBytes() == bytes)
    let followed = try imported(withoutDescription(bytes)).model
    #expect(try followed.predict(item.inputs) == item.model.predict(item.inputs))
  }

  @Test func aDescriptionOfAnotherGraphIsNotUsed() throws {
    try withTemporaryPath(".csv", containing: smallTable) { path in
      let bytes = try ONNXRun.model(of: path, target: "class").onnxBytes()
      // A file whose description and nodes say different things.
      let changed = try replacing("a/IsNaN", by: "a/IsNan", in: bytes)
      expectError("it has", code: .data) { _ = try imported(changed) }
    }
  }

  @Test func trainingGoesOnFromAnImportedModel() throws {
    let item = try ONNXCase(
      "batch norms",
      Network(input: [4]) {
        Dense(8)
        BatchNorm()
        ReLU()
        Dense(3)
      }, outputs: 2)
    let again = try imported(item.model.onnxBytes()).model
    let data = try Dataset(
      item.inputs.values, shape: [4], targets: .classes((0..<64).map { Int32($0 % 3) }, labels: ["-3", "2", "7"]))
    var (one, other) = (item.model, again)
    let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.01), batchSize: 64)
    #expect(try one.evaluate(data).loss == other.evaluate(data).loss)
    #expect(
      try trainer.fit(&one, to: data, epochs: 2).epochs.map(\.trainLoss)
        == trainer.fit(&other, to: data, epochs: 2).epochs.map(\.trainLoss))
  }

  // Damaged files.

  private static let small = try! ONNXCase(
    "small",
    Network(input: [4, 4, 1]) {
      Convolution(2, kernel: 3)
      BatchNorm()
      Residual { GroupNorm(groups: 2) }
      GlobalAveragePool()
      Dense(2)
    }, outputs: 1
  ).model.onnxBytes()

  /// With what only a description brings back: dates, categories, bins and members.
  private static let described = try! {
    let rows = (0..<40).map {
      "2024-0\(1 + $0 % 9)-1\($0 % 10),\($0 % 5 == 0 ? "" : ["a", "b"][$0 % 2]),\($0 % 13),c\($0 % 3)\n"
    }
    return try withTemporaryPath(".csv", containing: "day,kind,size,class\n" + rows.joined()) { path in
      let data = try Dataset.read(path, target: "class").training
      let network = Network(input: data.shape) {
        PiecewiseLinear(bins: 2, width: 1)
        Ensemble(members: 2)
        Dense(3)
        BatchNorm()
        ReLU()
        MemberDense(data.outputCount)
      }
      var model = try Model(network, seed: 1)
      let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 16)
      _ = try trainer.fit(&model, to: data, epochs: 1)
      return try model.onnxBytes()
    }
  }()

  @Test func aFileCutOffAnywhereIsAnErrorOrAnotherModel() throws {
    #expect(try imported(Self.described).notes.isEmpty)
    for file in [Self.small, Self.described] {
      for count in file.indices {
        do { _ = try imported(Array(file[..<count])) } catch {
          #expect(error is EvenkeelError, "\(count): \(error)")
        }
      }
    }
  }

  @Test func aDamagedFileIsAnErrorOrAnotherModel() {
    fuzz(Self.small) { _ = try imported($0) }
    fuzz(Self.described) { _ = try imported($0) }
  }
}

@Suite(.enabled(if: Python.has("numpy, onnx, onnxruntime"), "Scripts/setup test has not set up .venv"))
struct ForeignONNXTests {
  /// What make_onnx.py says of a file.
  private struct Case: Decodable {
    let file: String
    /// Part of the sentence that refuses it.
    let error: String?
    /// Layers that the network must have.
    let kinds: [String]?
  }

  @Test func handMadeFilesAreUnderstoodOrRefusedWithASentence() throws {
    try withTemporaryFolder { folder in
      let made = try Python.runScript("make_onnx.py", folder)
      try #require(made.code == 0, "\(made.output)")
      let cases = try JSONDecoder().decode([Case].self, from: Data(FileBytes(folder + "/cases.json").copy))
      for item in cases {
        let path = "\(folder)/\(item.file)"
        if let sentence = item.error {
          expectError(sentence) { _ = try ONNXImport(contentsOf: path) }
          continue
        }
        do {
          let file = try ONNXImport(contentsOf: path)
          let difference = try file.difference(inputs: path + ".x.npy", outputs: path + ".y.npy")
          #expect(difference <= 1e-5, "\(item.file)")
          if let kinds = item.kinds {
            #expect(file.model.network.layers.map { type(of: $0).kind } == kinds, "\(item.file)")
          }
        } catch { Issue.record("\(item.file): \(error)") }
      }
    }
  }
  @Test func damagedHandMadeFilesAreErrorsOrOtherModels() throws {
    try withTemporaryFolder { folder in
      let made = try Python.runScript("make_onnx.py", folder)
      try #require(made.code == 0, "\(made.output)")
      let cases = try JSONDecoder().decode([Case].self, from: Data(FileBytes(folder + "/cases.json").copy))
      for item in cases where item.error == nil {
        fuzz(try FileBytes("\(folder)/\(item.file)").copy, mutations: 500) {
          _ = try ONNXImport($0, name: item.file, folder: folder)
        }
      }
    }
  }
}
