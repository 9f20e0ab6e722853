import Evenkeel

/// A model read from an ONNX file, of Evenkeel or of another program.
///
/// ```swift
/// let model = try ONNXImport(contentsOf: "resnet.onnx").model
/// ```
public struct ONNXImport: Sendable {
  /// The model, to predict with or to train on.
  public let model: Model
  /// What a user should know about the file, a sentence each.
  public let notes: [String]
  /// For the features of an example of `model` and its positions, the axis of the graph's input: [1, 2, 3] for images that have
  /// features first, [3, 1, 2] for those that have them last.
  let inputAxes: [Int]

  /// Reads an ONNX file, and the files beside it that it refers to.
  /// - Throws: `EvenkeelError`: `noInput` if there is no such file; `data` that names what is damaged, or every node that no layer
  ///   does; `usage` if this build has no ONNX files.
  public init(contentsOf path: String) throws {
    try self.init(try ONNXFile.read(path), name: path)
  }

  /// The same from memory.
  /// - Parameter folder: Where files that it refers to lie.
  package init(_ bytes: [UInt8], name: String, folder: String) throws {
    try self.init(try bytes.withUnsafeBytes { try ONNXFile.read($0, name: name, folder: folder) }, name: name)
  }

  private init(_ file: ONNXModel, name: String) throws {
    do { self = try Self.imported(file) } catch let error as EvenkeelError {
      throw EvenkeelError.data(error.at(name).message)
    }
  }

  private init(_ model: Model, notes: [String], inputAxes: [Int]) {
    (self.model, self.notes, self.inputAxes) = (model, notes, inputAxes)
  }

  private static func imported(_ file: ONNXModel) throws -> ONNXImport {
    var notes: [String] = []
    guard file.opset >= 7 else {
      throw EvenkeelError.data("its operators have the version \(file.opset); expected 7 or newer.")
    }
    if file.opset > 25 || file.irVersion > 14 {
      notes.append("the file is newer than what is known here (opset \(file.opset), IR version \(file.irVersion)).")
    }
    do {
      if let own = try DescribedModel(file) { return ONNXImport(own.model, notes: notes, inputAxes: own.inputAxes) }
    } catch let error as EvenkeelError {
      notes.append("it is read as a file of another program, because \(error.message)")
    }
    var graph = try GraphImport(file, input: try input(of: file))
    try graph.run()
    let model = try ImportedOutputs(graph).model(of: graph)
    if !model.network.layers.contains(where: { $0 is BatchNorm }), file.producer.contains("pytorch") {
      notes.append(
        "it has no batch norms; PyTorch folds them unless torch.onnx.export is called with optimize=False.")
    }
    return ONNXImport(model, notes: notes, inputAxes: Array((graph.inputAxes ?? [0, 1]).dropFirst()))
  }

  /// The value by which examples enter the network.
  private static func input(of file: ONNXModel) throws -> ONNXValue {
    let constants = Set(file.graph.constants.map(\.name))
    let inputs = file.graph.inputs.filter { !constants.contains($0.name) }
    guard inputs.count == 1 else {
      throw EvenkeelError.data(
        "it has \(inputs.count) inputs (\(inputs.prefix(8).map { "\"\($0.name)\"" }.joined(separator: ", "))); expected one."
      )
    }
    return inputs[0]
  }
}

extension ImportedOutputs {
  fileprivate func model(of graph: GraphImport) throws -> Model {
    var last = last
    // What turns outputs into values in the target's unit is computed in double.
    var target: [ImportedAffine] = []
    while loss == nil, let affine = last.affine, affine.isDouble, let previous = last.previous, previous.depth > 0 {
      target.insert(affine, at: 0)
      last = previous
    }
    let layers = try ImportedLayers(last.steps(after: graph.root), of: graph, isNetwork: true)
    var model = try Model(Network(input: graph.inputShape, layers: layers.layers.map(\.layer)), seed: 0)
    var tensors: [String: Tensor] = [:]
    for (index, layer) in layers.layers.enumerated() {
      for (name, values) in layer.tensors { tensors["\(index).\(name)"] = values }
    }
    for parameter in model.parameters {
      guard let values = tensors[parameter.name] else {
        throw EvenkeelError.data("it has no values for \(parameter.name), which its layers need.")
      }
      try model.setParameter(parameter.name, to: values)
    }
    for buffer in model.buffers {
      if let values = tensors[buffer.name] { try model.setBuffer(buffer.name, to: values) }
    }
    // A graph has averages without the count of their batches, as files of other programs may.
    for layer in try model.network.placed().layers {
      for (index, buffer) in layer.buffers.enumerated() {
        guard case .count(let whenMissing) = buffer.content else { continue }
        model.state.write { $0.buffers(of: layer.path).count(index).pointee = whenMissing }
      }
    }
    // What another program trained takes its inputs as they are: none is fitted when training goes on.
    model.scaling = layers.scaling ?? InputScaling(mean: [0], deviation: [1], remainder: [0])
    model.output = description(target, width: graph.shape(of: last).count)
    return model
  }

  /// What the nodes make of the network's outputs; nil for nothing.
  private func description(_ target: [ImportedAffine], width: Int) -> OutputDescription? {
    let names = (0..<width).map { "output\($0)" }
    if let loss { return OutputDescription(loss: loss, classLabels: labels, targetNames: labels.isEmpty ? names : []) }
    guard !target.isEmpty else { return nil }
    let (scale, shift) = target.coefficients(count: width)
    return OutputDescription(
      loss: .meanSquaredError, targetNames: names, targetMean: shift, targetDeviation: scale)
  }
}
