import Evenkeel
import EvenkeelONNX
import EvenkeelTestSupport
import Testing

/// A layer of a user's own with a parameter, a buffer and an option: min(w x, ceiling) per feature, or |w x| below the ceiling.
private struct CappedGain: Layer, ONNXExportable {
  static let kind = "cappedGain"
  var isAbsolute = false

  func parameters(for input: Shape) -> [ParameterDescription] {
    [ParameterDescription(name: "gain", shape: [input.featureCount], role: .scale, start: .constant(2))]
  }

  func buffers(for input: Shape) -> [BufferDescription] {
    [BufferDescription(name: "ceiling", shape: [input.featureCount], start: 0.5, minimum: 0)]
  }

  func makeOperation(for site: LayerSite) -> any LayerOperation {
    CappedGainOperation(isAbsolute: isAbsolute, features: site.input.featureCount)
  }

  func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    let dimensions = [site.input.featureCount] + [Int](repeating: 1, count: site.input.rank - 1)
    var value = graph.add("Mul", at: site.path, [input, site.constant("gain", dimensions, to: &graph)!])
    if isAbsolute { value = graph.add("Abs", at: site.path, [value]) }
    return graph.add("Min", at: site.path, [value, site.constant("ceiling", dimensions, to: &graph)!])
  }
}

/// The models of these tests are not trained, so there is nothing to give back.
private struct CappedGainOperation: LayerOperation {
  let isAbsolute: Bool
  let features: Int
  var backwardReads: BackwardReads { [] }
  func forward(_ pass: ForwardPass) {
    for index in 0..<pass.rows * pass.inputLength {
      let value = pass.parameter(0)[index % features] * pass.input[index]
      pass.output[index] = min(isAbsolute ? abs(value) : value, pass.buffer(0)[index % features])
    }
  }
  func backward(_ pass: BackwardPass) {}
}

/// One that no program registers.
private struct Unregistered: Layer, LayerOperation, ONNXExportable {
  static let kind = "unregistered"
  var backwardReads: BackwardReads { [] }
  func forward(_ pass: ForwardPass) {
    for index in 0..<pass.rows * pass.inputLength { pass.output[index] = 2 * pass.input[index] }
  }
  func backward(_ pass: BackwardPass) {}
  func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    graph.add("Mul", at: site.path, [input, graph.constant("\(site.path).two", 2)])
  }
}

/// One that says nothing of ONNX.
private struct Doubling: Layer, LayerOperation {
  static let kind = "doubling"
  var backwardReads: BackwardReads { [] }
  func forward(_ pass: ForwardPass) {
    for index in 0..<pass.rows * pass.inputLength { pass.output[index] = 2 * pass.input[index] }
  }
  func backward(_ pass: BackwardPass) {}
}

@Suite struct OwnLayerONNXTests {
  /// The layer alone, first, in a block, and on rows, sequences and images.
  private static func cases() throws -> [ONNXCase] {
    LayerRegistry.register(CappedGain.self)
    return try [
      ONNXCase("rows", Network(input: [3], layers: [CappedGain(), Dense(2)]), outputs: 3),
      ONNXCase("alone", Network(input: [3], layers: [CappedGain(isAbsolute: true)]), outputs: 1),
      ONNXCase(
        "sequences",
        Network(input: [5, 4]) {
          CappedGain(isAbsolute: true); Flatten(); Dense(3)
        }, outputs: 2),
      ONNXCase(
        "images",
        Network(input: [4, 5, 3]) {
          Convolution(6, kernel: 3)
          Residual {
            CappedGain(); BatchNorm()
          }
          GlobalAveragePool()
          Dense(3)
        }, outputs: 1),
    ]
  }

  @Test(.enabled(if: Python.has("numpy, onnx, onnxruntime"), "Scripts/setup test has not set up .venv"))
  func onnxRuntimeGivesWhatALayerOfOnesOwnPredicts() throws {
    try withTemporaryFolder { folder in
      var run = ONNXRun(folder)
      for item in try Self.cases() {
        for (opset, layout) in [(17, .nhwc), (18, .nchw), (21, .nhwc), (23, .nchw)] as [(Int, ONNXOptions.Layout)] {
          var options = ONNXOptions()
          (options.opset, options.layout) = (opset, layout)
          try run.add(item, item.model, options)
        }
      }
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
    }
  }

  @Test func aLayerOfOnesOwnComesBackToTheLastBit() throws {
    for item in try Self.cases() {
      let bytes = try item.model.onnxBytes()
      let again = try ONNXImport(bytes, name: "a.onnx", folder: "/nonexistent").model
      #expect(again.network == item.model.network, "\(item.name)")
      #expect(try again.predict(item.inputs) == item.model.predict(item.inputs), "\(item.name)")
      #expect(try again.onnxBytes() == bytes, "\(item.name)")
    }
  }

  /// Its nodes are followed as those of another program are, which a note says.
  @Test func aLayerThatTheReaderDoesNotKnowIsNamed() throws {
    let model = try Model(Network(input: [3], layers: [Dense(2), Unregistered()]))
    let back = try ONNXImport(model.onnxBytes(), name: "a.onnx", folder: "/nonexistent")
    #expect(back.notes.count == 1 && back.notes[0].contains("\"unregistered\""), "\(back.notes)")
    #expect(try back.model.predict([1, -2, 3]) == model.predict([1, -2, 3]))
  }

  @Test func aLayerWithoutAnONNXFormIsRefusedByName() throws {
    let network = Network(input: [3]) {
      Dense(4)
      Residual { Doubling() }
      Dense(2)
    }
    expectError("Layer 1.block.0: doubling has no ONNX form", code: .usage) { _ = try Model(network).onnxBytes() }
  }
}
