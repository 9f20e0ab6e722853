import Evenkeel
import EvenkeelONNX
import EvenkeelTestSupport
import Testing

@Suite(.enabled(if: Python.has("numpy, onnx, onnxruntime"), "Scripts/setup test has not set up .venv"))
struct ONNXExportTests {
  @Test func onnxRuntimeGivesWhatEveryLayerPredicts() throws {
    try withTemporaryFolder { folder in
      var run = ONNXRun(folder)
      for (index, item) in try ONNXCase.all().enumerated() {
        for (place, opset) in [17, 18, 21, 23].enumerated() {
          var options = ONNXOptions()
          options.opset = opset
          options.layout = (index + place) % 2 == 0 ? .nhwc : .nchw
          options.addsLogits = place == 1
          try run.add(item, item.model, options)
          // Batch norms that follow no weights stay.
          if place == index % 4, let folded = try? item.model.folded() { try run.add(item, folded, options) }
        }
      }
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
    }
  }

  @Test(arguments: Network.presets)
  func onnxRuntimeGivesWhatBuiltInNetworksPredict(preset: String) throws {
    try withTemporaryFolder { folder in
      var run = ONNXRun(folder)
      let item = try ONNXCase(preset, Network(preset: preset), outputs: 2, rows: 4)
      try run.add(item, item.model, ONNXOptions())
      try run.add(item, item.model.folded(), ONNXOptions())
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
    }
  }

  private static let messy =
    "size,color,,age,label\n"
    + (0..<120).map { row in
      let size = row % 7 == 0 ? "" : "\(Double(row * 37 % 50) / 4)"
      let color = row % 11 == 0 ? "" : ["rot", "grün", "blau, hell"][row * 5 % 3]
      return "\(size),\"\(color)\",\(row % 4),\(1_700_000_000 + row * 86_400),\(row * 37 % 50 > 24 ? "hoch" : "tief")\n"
    }.joined()

  @Test func columnsOfATableGoInAsTheyAre() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/messy.csv"
      writeBytes(Array(Self.messy.utf8), to: path)
      var run = ONNXRun(folder)
      try run.addTable(path, target: "label")
      // With numbers and a category that training has not seen.
      let other = folder + "/other.csv"
      writeBytes(Array("size,color,,age\n,lila,2,1700000000\n1e3,rot,,1800000000\n2,,1,1700000600\n".utf8), to: other)
      try run.addTable(path, target: "label", predicting: other)
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
    }
  }

  @Test(
    .enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"),
    arguments: [
      ("tips", "tip"), ("biopsy", "class"), ("birthwt", "low"), ("mpg", "hwy"), ("msleep", "sleep_total"),
      ("Chile", "vote"), ("SLID", "wages"),
    ])
  func columnsOfARealTableGoInAsTheyAre(name: String, target: String) throws {
    try withTemporaryFolder { folder in
      var run = ONNXRun(folder)
      try run.addTable("\(dataFolder!)/tables/\(name).csv", target: target)
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
    }
  }

  @Test(arguments: [16, 24]) func anOpsetThatIsNotKnownIsRefused(opset: Int) throws {
    var options = ONNXOptions()
    options.opset = opset
    expectError("expected 17 to 23", code: .usage) {
      _ = try Model(Network(input: [3]) { Dense(2) }).onnxBytes(options)
    }
  }
}

extension ONNXRun {
  /// A model of a table after two epochs.
  static func model(of path: String, target: String) throws -> Model {
    let splits = try Dataset.read(path, target: target)
    let isValues = splits.training.targetValues != nil
    let network = Network.multilayer(
      input: splits.training.shape.count, hidden: [8], outputs: splits.training.outputCount, activation: .relu,
      normalization: .beforeActivation)
    var model = try Model(network, seed: 1)
    let trainer = Trainer(
      loss: isValues ? .meanSquaredError : .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 32)
    _ = try trainer.fit(&model, to: splits.training, epochs: 2)
    return model
  }

  /// Trains on a table and adds what the model predicts of all rows, of the same file or of another.
  mutating func addTable(_ path: String, target: String, predicting other: String? = nil) throws {
    try addTable(other ?? path, Self.model(of: path, target: target))
  }
}
