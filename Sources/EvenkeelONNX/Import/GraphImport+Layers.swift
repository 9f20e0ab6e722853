import Evenkeel

// Operators that are layers.
extension GraphImport {
  /// nil for a node of another sort.
  mutating func followLayer(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    switch node.kind {
    case "Gemm", "MatMul": return .examples(try dense(node, inputs))
    case "Pad": return .examples(try padding(node, inputs))
    case "Conv", "MaxPool", "AveragePool":
      let isConvolution = node.kind == "Conv"
      if let flat = withoutUnitAxis(node, inputs) {
        var result = try isConvolution ? convolution(flat.node, flat.inputs) : pool(flat.node, flat.inputs)
        result.axes.insert(nil, at: flat.axis)
        return .examples(result)
      }
      return .examples(try isConvolution ? convolution(node, inputs) : pool(node, inputs))
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
  private func features(_ inputs: [ImportedValue?], _ place: Int, _ count: Int, _ what: String) throws -> Tensor? {
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

  // Windows.

  /// Windows over a sequence that lies in the graph as an image of extent 1 along `axis`, as windows over the sequence; nil for others.
  private func withoutUnitAxis(
    _ node: ONNXNode, _ inputs: [ImportedValue?]
  ) -> (node: ONNXNode, inputs: [ImportedValue?], axis: Int)? {
    guard var examples = inputs[examples: 0], examples.axes.count == 4,
      let axis = (2...3).first(where: { examples.axes[$0] == nil })
    else { return nil }
    var (node, inputs) = (node, inputs)
    let place = axis - 2
    let kernel = node.integers("kernel_shape") ?? inputs[constant: 1].map { Array($0.dimensions.dropFirst(2)) } ?? []
    guard kernel.count == 2, kernel[place] == 1 else { return nil }
    for (name, values) in node.attributes {
      guard case .integers(var values) = values else { continue }
      if name == "pads" {
        guard values.count == 4, values[place] == 0, values[place + 2] == 0 else { return nil }
        values.remove(at: place + 2)
      }
      guard values.indices.contains(place) else { return nil }
      values.remove(at: place)
      node.attributes[name] = .integers(values)
    }
    if node.kind == "Conv" {
      guard var weight = inputs[constant: 1], weight.dimensions.count == 4, weight.dimensions[axis] == 1 else {
        return nil
      }
      weight.dimensions.remove(at: axis)
      inputs[1] = .constant(weight)
    }
    examples.axes.remove(at: axis)
    inputs[0] = .examples(examples)
    return (node, inputs, axis)
  }

  private mutating func padding(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
    let x = try inOrder(inputs.first ?? nil)
    let rank = x.axes.count
    guard node.text("mode") ?? "constant" == "constant",
      let pads = node.integers("pads") ?? inputs[integers: 1], pads.count == 2 * rank,
      inputs.count < 3 || inputs[2] == nil || inputs[constant: 2]?.doubles == [0],
      pads[0] == 0, pads[1] == 0, pads[rank] == 0, pads[rank + 1] == 0, pads.allSatisfy({ (0...4096).contains($0) })
    else { throw Unsupported("it pads with something else than zeros around positions") }
    return append(.padding(Array(pads[2..<rank] + pads[(rank + 2)...])), to: x)
  }

  /// The windows of a node over `x`, and what lies before zeros that a node added around it.
  private func windows(
    _ node: ONNXNode, _ x: inout ImportedExamples, kernel: [Int], padsBefore: Bool
  ) throws -> (kernel: Extent, stride: Extent, dilation: Extent, padding: Padding) {
    let axes = kernel.count
    guard (1...2).contains(axes), axes == x.axes.count - 2, kernel.allSatisfy({ (1...4096).contains($0) }) else {
      throw Unsupported("its windows have \(axes) axes")
    }
    let strides = node.integers("strides") ?? [Int](repeating: 1, count: axes)
    let dilations = node.integers("dilations") ?? [Int](repeating: 1, count: axes)
    var pads = node.integers("pads") ?? [Int](repeating: 0, count: 2 * axes)
    guard strides.count == axes, dilations.count == axes, pads.count == 2 * axes,
      (strides + dilations).allSatisfy({ (1...4096).contains($0) }), pads.allSatisfy({ (0...4096).contains($0) })
    else { throw Unsupported("its strides, dilations or pads are out of range") }
    if padsBefore, case .padding(let zeros)? = x.step.part, let previous = x.step.previous {
      pads = zip(pads, zeros).map(+)
      x.step = previous
    }
    let extents = shape(of: x.step).dimensions
    let spans = (0..<axes).map { (kernel[$0] - 1) * dilations[$0] + 1 }
    let automatic = node.text("auto_pad") ?? "NOTSET"
    if automatic.hasPrefix("SAME") {
      for axis in 0..<axes {
        let outputs = (extents[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (outputs - 1) * strides[axis] + spans[axis] - extents[axis])
        (pads[axis], pads[axes + axis]) = (total / 2, total - total / 2)
        if automatic == "SAME_LOWER" { pads.swapAt(axis, axes + axis) }
      }
    }
    if node.integer("ceil_mode") ?? 0 == 1 {
      guard (0..<axes).allSatisfy({ (extents[$0] + pads[$0] + pads[axes + $0] - spans[$0]) % strides[$0] == 0 }) else {
        throw Unsupported("its last windows reach over the edge (ceil_mode)")
      }
    }
    let same = spans.map { ($0 - 1) / 2 } + spans.map { $0 - 1 - ($0 - 1) / 2 }
    let padding: Padding
    if pads.allSatisfy({ $0 == 0 }) {
      padding = .valid
    } else if pads == same {
      padding = .same
    } else if pads.allSatisfy({ $0 == pads[0] }) {
      padding = .each(pads[0])
    } else {
      // A sequence has left and right.
      let (top, bottom) = axes == 1 ? (0, 0) : (pads[0], pads[2])
      padding = .sides(top: top, bottom: bottom, left: pads[axes - 1], right: pads[2 * axes - 1])
    }
    func extent(_ values: [Int]) -> Extent {
      Extent(height: axes == 1 ? values[0] : values[0], width: values[axes - 1])
    }
    return (extent(kernel), extent(strides), extent(dilations), padding)
  }

  private mutating func convolution(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
    var x = try inOrder(inputs.first ?? nil)
    guard let weight = inputs[constant: 1], weight.dimensions.count == x.axes.count, let values = weight.floats else {
      throw Unsupported("its weights are not a constant of \(x.axes.count) axes")
    }
    let (filters, channels) = (weight.dimensions[0], shape(of: x.step).featureCount)
    let groups = node.integer("group") ?? 1
    guard groups > 0, filters > 0, channels % groups == 0, weight.dimensions[1] == channels / groups else {
      throw Unsupported("its weights have the shape \(Shape(weight.dimensions)) for \(channels) channels")
    }
    let (kernel, stride, dilation, padding) = try windows(
      node, &x, kernel: Array(weight.dimensions.dropFirst(2)), padsBefore: true)
    var tensors = ["weight": Tensor(values, shape: Shape(weight.dimensions))]
    tensors["bias"] = try features(inputs, 2, filters, "bias")
    let bias = tensors["bias"] == nil ? Bias.absent : .present
    let layer: any Layer
    if x.axes.count == 3 {
      layer = Convolution1D(
        filters, kernel: kernel.width, stride: stride.width, padding: padding, dilation: dilation.width,
        groups: groups, bias: bias)
    } else if groups == channels, channels > 1, filters % channels == 0 {
      layer = DepthwiseConvolution(
        kernel: kernel, multiplier: filters / channels, stride: stride, padding: padding, dilation: dilation,
        bias: bias)
    } else {
      layer = Convolution(
        filters, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups, bias: bias)
    }
    return try append(layer, tensors, to: x)
  }

  private mutating func pool(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
    var x = try inOrder(inputs.first ?? nil)
    guard let sides = node.integers("kernel_shape") else { throw Unsupported("it has no kernel_shape") }
    var (kernel, stride, dilation, padding) = try windows(node, &x, kernel: sides, padsBefore: false)
    guard dilation.height == 1, dilation.width == 1 else { throw Unsupported("its windows are dilated") }
    // Over a sequence, windows of height 1.
    if x.axes.count == 3 { (kernel.height, stride.height) = (kernel.width, stride.width) }
    if node.kind == "MaxPool" { return try append(MaxPool(kernel, stride: stride, padding: padding), to: x) }
    guard padding == .valid || node.integer("count_include_pad") ?? 0 == 1 else {
      throw Unsupported("its means leave the padding out; expected count_include_pad = 1")
    }
    return try append(AveragePool(kernel, stride: stride, padding: padding), to: x)
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
