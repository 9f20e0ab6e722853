import Evenkeel
internal import FoundationEssentials

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
    let table = try file.description("evenkeel.table", as: TableEncoding.self)
    var file = file
    // What a threshold makes of probabilities is told beside the graph.
    if try file.description("evenkeel.output", as: OutputDescription.self)?.threshold != nil {
      file.graph.outputs.removeAll { $0.name == "label" }
    }
    var graph = try GraphImport(file, input: try input(of: file, table))
    try graph.run()
    let outputs = try ImportedOutputs(graph)
    var model = try outputs.model(of: graph, file)
    model.encoding = table
    model.images = try file.description("evenkeel.images", as: ImageInput.self)
    model.training = try file.description("training", as: TrainingSummary.self)
    if let table, table.hasNamedColumns { try requireSameColumns(file, model) }
    if !model.network.layers.contains(where: { $0 is BatchNorm }), file.producer.contains("pytorch") {
      notes.append(
        "it has no batch norms; PyTorch folds them unless torch.onnx.export is called with optimize=False.")
    }
    return ONNXImport(model, notes: notes, inputAxes: Array((graph.inputAxes ?? [0, 1]).dropFirst()))
  }

  /// The value by which examples enter the network.
  private static func input(of file: ONNXModel, _ table: TableEncoding?) throws -> ONNXValue {
    if let table, file.graph.nodes.contains(where: { $0.outputs == ["features"] }) {
      return ONNXValue(
        name: "features", element: table.isInDouble ? .double : .float, dimensions: [nil, table.featureNames.count])
    }
    let constants = Set(file.graph.constants.map(\.name))
    let inputs = file.graph.inputs.filter { !constants.contains($0.name) }
    guard inputs.count == 1 else {
      throw EvenkeelError.data(
        "it has \(inputs.count) inputs (\(inputs.prefix(8).map { "\"\($0.name)\"" }.joined(separator: ", "))); expected one."
      )
    }
    return inputs[0]
  }

  /// The columns of a table are known from the file's description, which must say what its nodes do.
  private static func requireSameColumns(_ file: ONNXModel, _ model: Model) throws {
    guard let end = file.graph.nodes.firstIndex(where: { $0.outputs == ["features"] }) else { return }
    var options = ONNXOptions()
    options.opset = min(max(file.opset, ONNXOptions.opsets.lowerBound), ONNXOptions.opsets.upperBound)
    let again = try model.onnx(options).graph
    let names = Set(file.graph.nodes[...end].flatMap(\.inputs))
    func constants(_ graph: ONNXGraph) -> Set<ONNXTensor> { Set(graph.constants.filter { names.contains($0.name) }) }
    guard again.nodes.count > end, again.nodes[...end] == file.graph.nodes[...end],
      again.inputs.map(\.name) == file.graph.inputs.map(\.name), constants(again) == constants(file.graph)
    else { throw EvenkeelError.data("what its nodes make of the columns is not what evenkeel.table says.") }
  }
}

extension ONNXModel {
  /// What Evenkeel wrote beside the graph; nil if that is nothing.
  fileprivate func description<Value: Decodable>(_ key: String, as: Value.Type) throws -> Value? {
    guard metadata("evenkeel.version") != nil, let text = metadata(key) else { return nil }
    guard let value = try? JSONDecoder().decode(Value.self, from: Data(text.utf8)) else {
      throw EvenkeelError.data("what it says under \"\(key)\" is damaged.")
    }
    return value
  }
}

extension ImportedOutputs {
  fileprivate func model(of graph: GraphImport, _ file: ONNXModel) throws -> Model {
    var given = try file.description("evenkeel.output", as: OutputDescription.self)
    var last = last
    // A temperature is kept beside the network, as the file tells it.
    if let temperature = given?.temperature, loss != nil {
      if let affine = last.affine, affine.operation == .multiply, affine.values == [Double(Float(1 / temperature))],
        let previous = last.previous, previous.depth > 0
      {
        last = previous
      } else {
        given?.temperature = nil
      }
    }
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
    model.scaling = layers.scaling
    model.output = description(given, loss, target, width: graph.shape(of: last).count)
    return model
  }

  /// What the file says of the outputs, if that is what its nodes do; else what these do.
  private func description(
    _ given: OutputDescription?, _ loss: Loss?, _ target: [ImportedAffine], width: Int
  ) -> OutputDescription? {
    let names = (0..<width).map { "output\($0)" }
    if let loss {
      if let given, given.loss.isSoftmax == loss.isSoftmax, !given.loss.isRegression,
        given.classLabels == labels || given.classLabels.isEmpty && !loss.isSoftmax
          || given.threshold != nil && given.classLabels.count == labels.count
      {
        return given
      }
      return OutputDescription(loss: loss, classLabels: labels, targetNames: labels.isEmpty ? names : [])
    }
    guard !target.isEmpty else { return nil }
    var (scale, shift) = target.coefficients(count: width)
    if target.count == 2, target[0].operation == .multiply, target[1].operation == .add,
      target.allSatisfy({ $0.values.count == width })
    {
      // As they are, without a rounding.
      (scale, shift) = (target[0].values, target[1].values)
    }
    if let given, given.loss.isRegression, given.targetMean == shift, given.targetDeviation == scale { return given }
    return OutputDescription(
      loss: .meanSquaredError, targetNames: names, targetMean: shift, targetDeviation: scale)
  }
}
