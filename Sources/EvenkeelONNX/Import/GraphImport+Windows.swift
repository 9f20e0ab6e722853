import Evenkeel

// Convolutions, pools and the padding before them.
extension GraphImport {
  /// What a convolution or a pool makes of examples.
  mutating func windowed(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
    let flat = withoutUnitAxis(node, inputs)
    let (given, values) = flat.map { ($0.node, $0.inputs) } ?? (node, inputs)
    var result = try node.kind == "Conv" ? convolution(given, values) : pool(given, values)
    if let flat { result.axes.insert(nil, at: flat.axis) }
    return result
  }

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

  mutating func padding(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
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
}
