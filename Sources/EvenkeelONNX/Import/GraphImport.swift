import Evenkeel

/// Follows an example through a graph, node by node, and notes which layers do what the nodes do.
struct GraphImport {
  let model: ONNXModel
  var values: [String: ImportedValue] = [:]
  /// Nodes that no layer does, with the reason if there is one.
  private var unknown: [String] = []
  /// The extents of the input after the rows, as they are in the graph.
  let extents: [Int]
  /// For rows, features and positions, the axis of the graph's input; nil until an operator tells.
  var inputAxes: [Int]?
  /// The rows in shapes of a graph for batches of one size.
  let fixedRows: Int?
  let root: ImportedStep
  /// The node that is being followed, in errors.
  private(set) var current = ""

  /// - Parameter input: The name of the value that examples enter by, and the extents of its axes.
  init(_ model: ONNXModel, input: ONNXValue) throws {
    self.model = model
    guard let dimensions = input.dimensions, (2...4).contains(dimensions.count) else {
      throw EvenkeelError.data(
        "the input \"\(input.name)\" has \(input.dimensions.map { "\($0.count)" } ?? "an unknown number of") axes; expected rows of features [N, C], sequences or images."
      )
    }
    let extents = dimensions.dropFirst().compactMap(\.self)
    guard extents.count == dimensions.count - 1, let count = Shape.checkedCount(extents), count < 1 << 31 else {
      throw EvenkeelError.data(
        "the input \"\(input.name)\" has an open extent beside the number of rows; expected examples of one shape.")
    }
    (self.extents, fixedRows) = (extents, dimensions[0])
    root = ImportedStep(.input, after: nil, node: input.name, shape: Shape(extents))
    if extents.count == 1 { inputAxes = [0, 1] }
    for constant in model.graph.constants { values[constant.name] = .constant(constant) }
    values[input.name] = .examples(
      ImportedExamples(
        step: root, axes: Array(0..<dimensions.count), isSettled: extents.count == 1,
        isDouble: input.element == .double))
  }

  /// Follows all nodes that the outputs need.
  /// - Throws: `EvenkeelError` with code `data` that names all nodes that no layer does, or a name that nothing gives.
  mutating func run() throws {
    try requireOneGiver()
    let needed = neededNodes()
    for (index, node) in model.graph.nodes.enumerated() where needed.contains(index) {
      current = "\"\(node.name.isEmpty ? node.outputs.first ?? "" : node.name)\" (\(node.kind))"
      let inputs = try node.inputs.map { name -> ImportedValue? in
        guard !name.isEmpty else { return nil }
        guard let value = values[name] else {
          throw EvenkeelError.data("the node \(current) reads \"\(name)\", which no node before it gives.")
        }
        return value
      }
      var result = ImportedValue.unknown
      let isBehindUnknown = inputs.contains { if case .unknown = $0 { true } else { false } }
      if !isBehindUnknown || !Self.isKnown(node) {
        do { result = try follow(node, inputs).asKnown } catch let error as Unsupported {
          unknown.append(error.reason.map { "\(current.dropLast()): \($0))" } ?? current)
        }
      }
      for (place, output) in node.outputs.enumerated() where !output.isEmpty {
        values[output] = place == 0 ? result : .unknown
      }
    }
    guard unknown.isEmpty else { throw Self.noLayer(unknown) }
  }

  /// - Throws: `EvenkeelError` with code `data` that names a value that more than one node gives.
  private func requireOneGiver() throws {
    var names = Set(model.graph.constants.map(\.name))
    for output in model.graph.nodes.flatMap(\.outputs) where !output.isEmpty && !names.insert(output).inserted {
      throw EvenkeelError.data("two nodes or constants give \"\(output)\".")
    }
  }

  static func noLayer(_ nodes: [String]) -> EvenkeelError {
    let shown = nodes.prefix(20).joined(separator: ", ") + (nodes.count > 20 ? ", …" : "")
    return .data(
      nodes.count == 1
        ? "no layer does what the node \(shown) does." : "no layers do what \(nodes.count) nodes do: \(shown).")
  }

  /// The places of the nodes that the outputs need.
  private func neededNodes() -> Set<Int> {
    var givers: [String: Int] = [:]
    for (index, node) in model.graph.nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { givers[output] = index }
    }
    var needed: Set<Int> = []
    var names = model.graph.outputs.map(\.name)
    while let name = names.popLast() {
      // What examples enter by needs no node.
      guard values[name] == nil, let index = givers[name], needed.insert(index).inserted else { continue }
      names += model.graph.nodes[index].inputs
    }
    return needed
  }

  /// Whether anything is known of the operator: of others a node is listed even behind one that nothing is known of.
  private static func isKnown(_ node: ONNXNode) -> Bool {
    (node.domain.isEmpty || node.domain == "ai.onnx.ml") && operators.contains(node.kind)
  }

  private static let operators: Set = [
    "Add", "ArgMax", "ArrayFeatureExtractor", "AveragePool", "BatchNormalization", "Cast", "CastLike", "Concat",
    "Constant", "ConstantOfShape", "Conv", "Div", "Dropout", "Elu", "Erf", "Expand", "Flatten", "Gather", "Gelu",
    "Gemm",
    "GlobalAveragePool", "Greater", "GreaterOrEqual", "GroupNormalization", "Identity", "InstanceNormalization",
    "LayerNormalization", "LeakyRelu", "MatMul", "MaxPool", "Mish", "Mul", "Neg", "Pad", "Pow", "RMSNormalization",
    "Range", "Reciprocal", "ReduceMean", "Relu", "Reshape", "Scaler", "Shape", "Sigmoid", "Slice", "Softmax",
    "Softplus",
    "Sqrt", "Squeeze", "Sub", "Swish", "Tanh", "Transpose", "Unsqueeze", "Where", "ZipMap",
  ]

  private mutating func follow(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue {
    guard Self.isKnown(node), node.kind == "Constant" || !inputs.isEmpty else { throw Unsupported() }
    if let value = try followConstants(node, inputs) { return value }
    if let value = try followShape(node, inputs) { return value }
    if let value = try followOutput(node, inputs) { return value }
    if let value = try followArithmetic(node, inputs) { return value }
    if let value = try followLayer(node, inputs) { return value }
    throw Unsupported()
  }
}

// Axes and steps.
extension GraphImport {
  /// The input's shape, features last, once its axes are known.
  var inputShape: Shape {
    guard let inputAxes else { return Shape(extents) }
    return Shape((inputAxes.dropFirst(2) + [inputAxes[1]]).map { extents[$0 - 1] })
  }

  /// Whether what `step` gives still has the axes of the graph's input.
  private func isRaw(_ step: ImportedStep) -> Bool {
    var step = step
    while step.affine != nil, let previous = step.previous { step = previous }
    return step === root
  }

  /// The shape of one example, features last.
  func shape(of step: ImportedStep) -> Shape { isRaw(step) ? inputShape : step.shape }

  /// The same examples with axes that are rows, features and positions. An operator that asks for them and comes first decides
  /// what the input's axes are: rows, features, then positions.
  mutating func settled(_ examples: ImportedExamples) -> ImportedExamples {
    guard !examples.isSettled else { return examples }
    let order = inputAxes ?? examples.axes.compactMap(\.self)
    inputAxes = order
    var settled = examples
    settled.axes = examples.axes.map { axis in axis.flatMap { order.firstIndex(of: $0) } }
    settled.isSettled = true
    return settled
  }

  /// The extents in the graph.
  func dimensions(of examples: ImportedExamples) -> [ImportedSize] {
    let extents = examples.isSettled ? shape(of: examples.step).featuresFirst : extents
    return examples.axes.map { axis in axis.map { $0 == 0 ? .rows : .fixed(extents[$0 - 1]) } ?? .fixed(1) }
  }

  /// Examples in the order of rows, features, positions, as most operators take them.
  mutating func inOrder(_ value: ImportedValue?) throws -> ImportedExamples {
    guard case .examples(let examples)? = value else { throw Unsupported("its input is not what a layer gives") }
    let settled = settled(examples)
    guard settled.axes == (0..<settled.axes.count).map({ $0 }), settled.groups == nil,
      settled.axes.count == shape(of: settled.step).rank + 1
    else { throw Unsupported("its input does not have the features on the second axis") }
    return settled
  }

  /// What `layer` makes of `examples`.
  func append(
    _ layer: any Layer, _ tensors: [String: Tensor] = [:], to examples: ImportedExamples
  ) throws -> ImportedExamples {
    let shape: Shape
    do { shape = try layer.outputShape(for: self.shape(of: examples.step)) } catch let error as EvenkeelError {
      throw Unsupported(error.message)
    }
    var result = examples
    result.step = ImportedStep(.layer(layer, tensors), after: examples.step, node: current, shape: shape)
    if shape.rank != self.shape(of: examples.step).rank { result.axes = Array(0...shape.rank) }
    return result
  }

  func append(_ part: ImportedStep.Part, to examples: ImportedExamples) -> ImportedExamples {
    var result = examples
    result.step = ImportedStep(
      .part(part), after: examples.step, node: current, shape: shape(of: examples.step))
    return result
  }

  func append(_ affine: ImportedAffine, to examples: ImportedExamples) -> ImportedExamples {
    var result = examples
    result.step = ImportedStep(
      .affine(affine), after: examples.step, node: current, shape: shape(of: examples.step))
    return result
  }
}

extension ONNXNode {
  func integer(_ name: String) -> Int? { if case .integer(let value)? = attributes[name] { value } else { nil } }
  func float(_ name: String) -> Float? { if case .float(let value)? = attributes[name] { value } else { nil } }
  func text(_ name: String) -> String? { if case .text(let value)? = attributes[name] { value } else { nil } }
  func integers(_ name: String) -> [Int]? { if case .integers(let values)? = attributes[name] { values } else { nil } }
  func floats(_ name: String) -> [Float]? { if case .floats(let values)? = attributes[name] { values } else { nil } }
  func texts(_ name: String) -> [String]? { if case .texts(let values)? = attributes[name] { values } else { nil } }

  /// A number as it was written: 1e-5, not the double nearest to the float.
  func number(_ name: String, else absent: Double) -> Double {
    float(name).flatMap { Double($0.description) } ?? absent
  }
}

extension [ImportedValue?] {
  subscript(constant place: Int) -> ONNXTensor? {
    if place < count, case .constant(let tensor)? = self[place] { tensor } else { nil }
  }
  subscript(examples place: Int) -> ImportedExamples? {
    if place < count, case .examples(let examples)? = self[place] { examples } else { nil }
  }
  /// Integers that are all known or the number of rows.
  subscript(sizes place: Int) -> [ImportedSize]? {
    guard place < count else { return nil }
    if case .sizes(let sizes, _)? = self[place] { return sizes }
    return self[constant: place]?.integers.map { $0.map { .fixed($0) } }
  }
  /// Integers that are all known.
  subscript(integers place: Int) -> [Int]? {
    self[sizes: place].flatMap { sizes in
      let known = sizes.compactMap { if case .fixed(let size) = $0 { size } else { nil } }
      return known.count == sizes.count ? known : nil
    }
  }
}
