import Evenkeel

// Operators that are layers.
extension GraphImport {
  /// nil for a node of another sort.
  mutating func followLayer(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    switch node.kind {
    case "Gemm", "MatMul": return .examples(try dense(node, inputs))
    case "Pad": return .examples(try padding(node, inputs))
    case "Conv", "MaxPool", "AveragePool": return .examples(try windowed(node, inputs))
    case "GlobalAveragePool":
      let x = try inOrder(inputs.first ?? nil)
      var result = try append(GlobalAveragePool(), to: x)
      result.axes = [0, 1] + [Int?](repeating: nil, count: x.axes.count - 2)
      return .examples(result)
    case "BatchNormalization": return .examples(try batchNorm(node, inputs))
    case "LayerNormalization", "RMSNormalization": return .examples(try featureNorm(node, inputs))
    case "InstanceNormalization", "GroupNormalization": return .examples(try positionNorm(node, inputs))
    default:
      guard let layer = try activation(node) else { return nil }
      guard let examples = inputs[examples: 0], examples.groups == nil else { throw Unsupported() }
      return .examples(try append(layer, to: settled(examples)))
    }
  }

  private func activation(_ node: ONNXNode) throws -> (any Layer)? {
    switch node.kind {
    case "Relu": return ReLU()
    case "LeakyRelu": return LeakyReLU(slope: node.number("alpha", else: 0.01))
    case "Elu": return ELU(alpha: node.number("alpha", else: 1))
    case "Gelu":
      guard node.text("approximate") ?? "none" == "none" else { throw Unsupported("it is the approximation by tanh") }
      return GELU()
    case "Sigmoid": return Sigmoid()
    case "Tanh": return Tanh()
    case "Softplus": return Softplus()
    case "Mish": return Mish()
    case "Swish":
      guard node.number("alpha", else: 1) == 1 else { throw Unsupported("its alpha is not 1") }
      return SiLU()
    default: return nil
    }
  }

  /// One number per feature, or none.
  func features(_ inputs: [ImportedValue?], _ place: Int, _ count: Int, _ what: String) throws -> Tensor? {
    guard place < inputs.count, inputs[place] != nil else { return nil }
    guard let values = inputs[constant: place]?.floats, values.count == count else {
      throw Unsupported("its \(what) is not a constant of \(count) values")
    }
    return Tensor(values, shape: [count])
  }

  private mutating func dense(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
    guard var x = inputs[examples: 0] else { throw Unsupported("its first input is a constant") }
    x = settled(x)
    let width = shape(of: x.step).count
    guard shape(of: x.step).rank == 1, x.axes == [0, 1], x.groups == nil else {
      throw Unsupported("its input is not flat; expected [N, features]")
    }
    guard var weight = inputs[constant: 1], weight.dimensions.count == 2 else {
      throw Unsupported("its weights are not a constant of two axes")
    }
    if node.kind == "Gemm" {
      guard node.number("alpha", else: 1) == 1, node.number("beta", else: 1) == 1, node.integer("transA") ?? 0 == 0
      else { throw Unsupported("its alpha and beta are not 1, or it transposes its input") }
    }
    let isTransposed = node.kind == "Gemm" && node.integer("transB") ?? 0 == 1
    if !isTransposed { weight = weight.transposed([1, 0]) }
    guard weight.dimensions[1] == width, let values = weight.floats, weight.dimensions[0] > 0 else {
      throw Unsupported("its weights have the shape \(Shape(weight.dimensions)) for \(width) features")
    }
    let units = weight.dimensions[0]
    var tensors = ["weight": Tensor(values, shape: [units, width])]
    if let flattened = x.flattened {
      tensors["weight"] = Tensor(featuresFirst(values, flattened), shape: [units, width])
      x.flattened = nil
    }
    if node.kind == "Gemm", inputs.count > 2, let bias = inputs[constant: 2]?.floats {
      guard bias.count == units || bias.count == 1 else { throw Unsupported("its bias has \(bias.count) values") }
      tensors["bias"] = Tensor(bias.count == units ? bias : [Float](repeating: bias[0], count: units), shape: [units])
    }
    return try append(Dense(units, bias: tensors["bias"] == nil ? .absent : .present), tensors, to: x)
  }

  /// The columns of weights over examples that were flattened features last, in the order in which `Flatten` lays them.
  private func featuresFirst(_ weights: [Float], _ shape: Shape) -> [Float] {
    let (features, positions) = (shape.featureCount, shape.count / shape.featureCount)
    var result = weights
    for row in stride(from: 0, to: weights.count, by: shape.count) {
      for feature in 0..<features {
        for position in 0..<positions {
          result[row + feature * positions + position] = weights[row + position * features + feature]
        }
      }
    }
    return result
  }

  // Norms.

  private mutating func batchNorm(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
    guard node.integer("training_mode") ?? 0 == 0, node.integer("spatial") ?? 1 == 1 else {
      throw Unsupported("it normalizes with the statistics of the batch; export it in evaluation mode")
    }
    let x: ImportedExamples
    if let flat = inputs[examples: 0], flat.flattened == nil { x = try inOrder(inputs[0]) } else { throw Unsupported() }
    let count = shape(of: x.step).featureCount
    var tensors: [String: Tensor] = [:]
    for (place, name) in ["weight", "bias", "running_mean", "running_var"].enumerated() {
      guard let values = try features(inputs, place + 1, count, name) else { throw Unsupported("it lacks an input") }
      tensors[name] = values
    }
    // Training goes on from these averages, so that they are not divided as those of the first batches are.
    let norm = BatchNorm(
      epsilon: node.number("epsilon", else: 1e-5),
      averaging: .exponential(decay: node.number("momentum", else: 0.9)), debiased: false)
    return try append(norm, tensors, to: x)
  }

  /// Layer and RMS norm over the last axis.
  private mutating func featureNorm(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
    guard let given = inputs[examples: 0], given.groups == nil, given.flattened == nil else { throw Unsupported() }
    let x = settled(given)
    let count = shape(of: x.step).featureCount
    let axis = node.integer("axis") ?? -1
    guard axis == -1 || axis == x.axes.count - 1, x.axes.last == 1 else {
      throw Unsupported("it is not over the features alone")
    }
    var tensors: [String: Tensor] = [:]
    tensors["weight"] = try features(inputs, 1, count, "scale")
    if node.kind == "RMSNormalization" {
      return try append(RMSNorm(epsilon: node.number("epsilon", else: 1e-5)), tensors, to: x)
    }
    tensors["bias"] = try features(inputs, 2, count, "bias")
    return try append(
      LayerNorm(epsilon: node.number("epsilon", else: 1e-5), shift: tensors["bias"] != nil), tensors, to: x)
  }

  /// Instance and group norm.
  private mutating func positionNorm(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
    let epsilon = node.number("epsilon", else: 1e-5)
    if var x = inputs[examples: 0], let groups = x.groups {
      guard node.kind == "InstanceNormalization",
        let scale = inputs[constant: 1]?.floats, let shift = inputs[constant: 2]?.floats,
        scale == [Float](repeating: 1, count: groups), shift == [Float](repeating: 0, count: groups)
      else { throw Unsupported("its groups have factors of their own") }
      x.groups = nil
      var result = try append(GroupNorm(groups: groups, epsilon: epsilon, scale: false, shift: false), to: x)
      result.groups = groups
      return result
    }
    let x = try inOrder(inputs.first ?? nil)
    let count = shape(of: x.step).featureCount
    var tensors: [String: Tensor] = [:]
    tensors["weight"] = try features(inputs, 1, count, "scale")
    tensors["bias"] = try features(inputs, 2, count, "bias")
    if node.kind == "InstanceNormalization" { return try append(InstanceNorm(epsilon: epsilon), tensors, to: x) }
    guard model.opset >= 21, let groups = node.integer("num_groups") else {
      throw Unsupported("until opset 21 its factors were one a group")
    }
    return try append(GroupNorm(groups: groups, epsilon: epsilon), tensors, to: x)
  }
}
