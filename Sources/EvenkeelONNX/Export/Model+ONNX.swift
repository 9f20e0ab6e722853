import Evenkeel

extension Model {
  /// Writes the model to an ONNX file, whole or not at all: with its scaling, what becomes of a table's columns, and what the
  /// outputs mean. `folded()` gives the model without batch norms.
  ///
  /// A network's sequences have their full length in a graph.
  ///
  /// ```swift
  /// try model.writeONNX(to: "wine.onnx")
  /// ```
  /// - Throws: `EvenkeelError`: `usage` that names a layer or column that no operator carries out, or if this build has no
  ///   ONNX files; `cannotWrite`.
  public func writeONNX(to path: String, _ options: ONNXOptions = ONNXOptions()) throws {
    let bytes = try onnxBytes(options)
    try bytes.withUnsafeBytes { try AtomicFile.write([$0], to: path) }
  }

  /// The same in memory.
  package func onnxBytes(_ options: ONNXOptions = ONNXOptions()) throws -> [UInt8] {
    try ONNXFile.bytes(of: onnx(options))
  }

  func onnx(_ options: ONNXOptions) throws -> ONNXModel {
    guard ONNXOptions.opsets.contains(options.opset) else {
      throw EvenkeelError.usage(
        "The opset is \(options.opset); expected \(ONNXOptions.opsets.lowerBound) to \(ONNXOptions.opsets.upperBound).")
    }
    var export = try ModelExport(self, options)
    try export.run()
    return ONNXModel(
      irVersion: options.irVersion,
      opsets: [("", options.opset)]
        + (export.usesMachineLearning ? [("ai.onnx.ml", options.machineLearningOpset)] : []),
      producer: "evenkeel", producerVersion: Release.version, summary: export.summary,
      metadata: try export.metadata(), graph: export.graph.graph)
  }
}

/// A model on its way to a graph: inputs, scaling, layers, outputs.
struct ModelExport {
  let model: Model
  let options: ONNXOptions
  let network: PlacedNetwork
  var graph: ONNXGraphBuilder
  private let tensors: [String: Tensor]

  init(_ model: Model, _ options: ONNXOptions) throws {
    (self.model, self.options) = (model, options)
    network = try model.network.placed()
    graph = ONNXGraphBuilder(opset: options.opset)
    tensors = Dictionary(
      uniqueKeysWithValues: model.parameters.map { ($0.name, $0.values) } + model.buffers.map { ($0.name, $0.values) })
  }

  mutating func run() throws {
    let input = try addInputs()
    let output = try add(network.items, from: input, isFirst: true)
    try addOutputs(addRows(of: output))
  }

  var usesMachineLearning: Bool { graph.graph.nodes.contains { $0.domain == "ai.onnx.ml" } }

  /// - Parameter isFirst: Whether `input` is the network's own.
  private mutating func add(_ items: [PlacedNetwork.Item], from input: String, isFirst: Bool = false) throws -> String {
    var value = input
    for (index, item) in items.enumerated() {
      switch item {
      case .layer(let placed):
        guard let layer = placed.layer as? any ONNXExportable else {
          throw EvenkeelError.usage(
            "Layer \(placed.path): \(type(of: placed.layer).kind) has no ONNX form; a layer of your own conforms to ONNXExportable to be exported.",
            layer: placed.path)
        }
        let site = ONNXSite(placed, isFirst: isFirst && index == 0, tensors: tensors)
        value = try layer.export(site, from: value, to: &graph)
      case .block(let block):
        let end = try add(block.items, from: value)
        value = graph.add("Add", at: block.path, [end, try add(block.shortcut, from: value)])
      }
    }
    return value
  }

  /// A row for each example of what the network gives, features last, or of what the members of an ensemble give together.
  private mutating func addRows(of output: String) -> String {
    guard network.output.rank > 1 else { return output }
    guard network.members == 1 else { return graph.merged(output, model.output?.loss) }
    return graph.add("Flatten", at: "output", [graph.featuresLast(output, rank: network.output.rank, at: "output")])
  }
}
