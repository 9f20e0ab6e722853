import Evenkeel

/// A layer that an ONNX graph can carry out. Every built-in layer is one; a layer of your own conforms to be exported.
public protocol ONNXExportable: Layer {
  /// Adds the nodes that do what the layer does in prediction.
  ///
  /// Values in a graph have the rows first and the features second: `[N, C]`, `[N, C, L]` for sequences, `[N, C, H, W]` for images.
  /// - Parameters:
  ///   - site: The layer's shapes, path and parameters.
  ///   - input: The name of the value that the layer takes.
  ///   - graph: What the nodes are added to.
  /// - Returns: The name of what it gives.
  /// - Throws: `EvenkeelError` with code `usage` for options that no operator has.
  func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String
}

/// A layer's place in a network that is exported.
public struct ONNXSite: Sendable {
  /// The path in stored files, after which nodes are named.
  public let path: String
  /// The shapes of one example, features last.
  public let input, output: Shape
  /// Whether the layer reads the network's own input.
  let isFirst: Bool
  private let tensors: [String: Tensor]

  init(_ layer: PlacedLayer, isFirst: Bool, tensors: [String: Tensor]) {
    (path, input, output) = (layer.path, layer.input, layer.output)
    (self.isFirst, self.tensors) = (isFirst, tensors)
  }

  /// The number of axes after the features.
  var positionRank: Int { input.rank - 1 }

  /// A parameter or buffer of the layer by its name in stored files; nil if it has none of that name.
  public func tensor(_ name: String) -> Tensor? { tensors["\(path).\(name)"] }

  /// The same as a constant of the graph, in its own shape or in `dimensions`.
  public func constant(_ name: String, _ dimensions: [Int]? = nil, to graph: inout ONNXGraphBuilder) -> String? {
    tensor(name).map {
      graph.constant(ONNXTensor("\(path).\(name)", dimensions ?? $0.shape.dimensions, floats: $0.values))
    }
  }

  /// One number per feature: γ, β or a statistic; `absent` for all if the layer has none of that name.
  func features(_ name: String, else absent: Float, to graph: inout ONNXGraphBuilder) -> String {
    constant(name, to: &graph)
      ?? graph.constant(
        ONNXTensor(
          "\(path).\(name)", [input.featureCount], floats: [Float](repeating: absent, count: input.featureCount)))
  }

  /// γ x + β with what the layer has of them, for `x` in the graph's layout.
  func scaledAndShifted(_ x: String, to graph: inout ONNXGraphBuilder) -> String {
    let dimensions = [input.featureCount] + [Int](repeating: 1, count: positionRank)
    var x = x
    if let scale = constant("weight", dimensions, to: &graph) { x = graph.add("Mul", at: path, [x, scale]) }
    if let shift = constant("bias", dimensions, to: &graph) { x = graph.add("Add", at: path, [x, shift]) }
    return x
  }
}
