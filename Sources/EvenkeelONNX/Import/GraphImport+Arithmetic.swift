import Evenkeel

// Operators on numbers one by one, and the patterns that they make.
extension GraphImport {
  /// nil for a node of another sort.
  mutating func followArithmetic(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    switch node.kind {
    case "Add", "Sub", "Mul", "Div":
      guard inputs.count == 2 else { throw Unsupported() }
      if let value = try computed(node.kind, inputs) { return value }
      switch (inputs[0], inputs[1]) {
      case (.examples(let x)?, .constant(let c)?): return .examples(try affine(node.kind, x, c))
      case (.constant(let c)?, .examples(let x)?): return .examples(try affine(node.kind, of: c, x))
      case (.examples(let x)?, .examples(let y)?): return .examples(try combined(node.kind, x, y))
      default: throw Unsupported()
      }
    case "Scaler": return try scaler(node, inputs)
    case "Erf": return .examples(append(.erf, to: try examples(inputs)))
    case "Sqrt":
      if let values = inputs[constant: 0], let numbers = values.doubles {
        return .constant(
          values.element == .double
            ? ONNXTensor("", values.dimensions, doubles: numbers.map { $0.squareRoot() })
            : ONNXTensor("", values.dimensions, floats: numbers.map { Float($0).squareRoot() }))
      }
      return .examples(append(.sqrt, to: try examples(inputs)))
    case "Reciprocal": return .examples(append(.reciprocal, to: try examples(inputs)))
    case "Pow":
      guard inputs.count == 2, inputs[constant: 1]?.doubles == [2] else { throw Unsupported("its exponent is not 2") }
      return .examples(append(.square, to: try examples(inputs)))
    case "Neg": return .examples(try affine("Mul", try examples(inputs), ONNXTensor("", [], floats: [-1])))
    case "ReduceMean": return .examples(try mean(node, inputs))
    case "Greater", "GreaterOrEqual":
      guard let examples = inputs[examples: 0], let limit = inputs[constant: 1]?.doubles, limit.count == 1 else {
        throw Unsupported()
      }
      return .exceeds(examples.step, limit[0])
    case "Where":
      // Softplus as PyTorch computes it: x itself where x is large.
      guard inputs.count == 3, case .exceeds(let step, let limit)? = inputs[0], let x = inputs[examples: 1],
        let y = inputs[examples: 2], x.step === step, y.step.layer is Softplus, y.step.previous === step, limit >= 15
      else { throw Unsupported() }
      return .examples(y)
    default: return nil
    }
  }

  func examples(_ inputs: [ImportedValue?]) throws -> ImportedExamples {
    guard let examples = inputs[examples: 0] else { throw Unsupported() }
    return examples
  }

  /// What a node makes of constants or sizes; nil if an input is neither.
  private func computed(_ kind: String, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    if let left = inputs[integers: 0], let right = inputs[integers: 1] {
      guard left.count == right.count || left.count == 1 || right.count == 1 else { throw Unsupported() }
      let count = max(left.count, right.count)
      let values = try (0..<count).map { index -> Int in
        let (a, b) = (left[left.count == 1 ? 0 : index], right[right.count == 1 ? 0 : index])
        let (value, overflow) =
          switch kind {
          case "Add": a.addingReportingOverflow(b)
          case "Sub": a.subtractingReportingOverflow(b)
          case "Mul": a.multipliedReportingOverflow(by: b)
          default: a.dividedReportingOverflow(by: b)
          }
        guard !overflow else { throw Unsupported("its sizes are out of range") }
        return value
      }
      let larger = [inputs[constant: 0], inputs[constant: 1]].compactMap(\.self).max {
        ($0.count, $0.dimensions.count) < ($1.count, $1.dimensions.count)
      }
      guard let larger, larger.count == count else { throw Unsupported() }
      return .constant(ONNXTensor("", larger.dimensions, integers: values))
    }
    guard let left = inputs[constant: 0], let right = inputs[constant: 1], let a = left.doubles, let b = right.doubles,
      a.count == b.count && left.dimensions == right.dimensions || a.count == 1 || b.count == 1
    else { return nil }
    let larger = a.count >= b.count ? left : right
    let values = (0..<max(a.count, b.count)).map { index -> Double in
      let (x, y) = (a[a.count == 1 ? 0 : index], b[b.count == 1 ? 0 : index])
      return switch kind {
      case "Add": x + y
      case "Sub": x - y
      case "Mul": x * y
      default: x / y
      }
    }
    return .constant(
      larger.element == .double
        ? ONNXTensor("", larger.dimensions, doubles: values)
        : ONNXTensor("", larger.dimensions, floats: values.map { Float($0) }))
  }

  /// x + c, x − c, x · c or x / c.
  private func affine(_ kind: String, _ x: ImportedExamples, _ c: ONNXTensor) throws -> ImportedExamples {
    let operations: [String: ImportedAffine.Operation] = [
      "Add": .add, "Sub": .subtract, "Mul": .multiply, "Div": .divide,
    ]
    guard let values = c.doubles, x.groups == nil, x.flattened == nil || c.count == 1 else {
      throw Unsupported("its constant has another shape than the features")
    }
    guard values.allSatisfy(\.isFinite), kind != "Div" || !values.contains(0) else {
      throw Unsupported("its constant is not finite")
    }
    var axis: Int?
    if c.count != 1 {
      // Shapes are aligned at their ends.
      let offset = x.axes.count - c.dimensions.count
      let long = c.dimensions.indices.filter { c.dimensions[$0] != 1 }
      guard long.count == 1, offset + long[0] > 0, let own = x.axes[offset + long[0]],
        dimensions(of: x)[offset + long[0]] == .fixed(c.count)
      else { throw Unsupported("its constant of shape \(Shape(c.dimensions)) has another shape than the features") }
      axis = own
    } else if c.dimensions.count > x.axes.count {
      throw Unsupported("its constant has more axes than the examples")
    }
    let unit = kind == "Add" || kind == "Sub" ? 0.0 : 1
    if values == [unit], c.element != .double { return x }
    return append(
      ImportedAffine(
        operation: operations[kind]!, values: values, axis: axis, isRaw: !x.isSettled,
        isDouble: x.isDouble || c.element == .double), to: x)
  }

  /// c + x, c − x or c · x.
  private func affine(_ kind: String, of c: ONNXTensor, _ x: ImportedExamples) throws -> ImportedExamples {
    switch kind {
    case "Sub": return try affine("Add", affine("Mul", x, ONNXTensor("", [], floats: [-1])), c)
    case "Div":
      guard c.count == 1 else { throw Unsupported() }
      return try affine("Mul", append(.reciprocal, to: x), c)
    default: return try affine(kind, x, c)
    }
  }

  /// (x − offset) · scale of the machine-learning domain.
  private func scaler(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue {
    guard let offset = node.floats("offset"), let scale = node.floats("scale") else { throw Unsupported() }
    let x = try affine("Sub", examples(inputs), ONNXTensor("", [offset.count], floats: offset))
    return .examples(try affine("Mul", x, ONNXTensor("", [scale.count], floats: scale)))
  }

  /// The mean over the features, or over all positions.
  private mutating func mean(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedExamples {
    let x = settled(try examples(inputs))
    guard let axes = node.integers("axes") ?? inputs[integers: 1], x.groups == nil, x.flattened == nil else {
      throw Unsupported()
    }
    let chosen = Set(axes.map { $0 < 0 ? $0 + x.axes.count : $0 })
    guard !chosen.contains(0) else {
      throw Unsupported("it is over the rows, as norms are in training; export it in evaluation mode")
    }
    guard chosen.allSatisfy(x.axes.indices.contains) else { throw Unsupported("its axes are out of range") }
    let own = Set(chosen.compactMap { x.axes[$0] })
    let rank = shape(of: x.step).rank
    let keeps = (node.integer("keepdims") ?? 1) == 1
    if own == [1], keeps { return append(.mean, to: x) }
    guard rank > 1, own == Set(2...rank) else { throw Unsupported("it is not over all positions") }
    var result = try append(GlobalAveragePool(), to: x)
    result.axes = x.axes.enumerated().compactMap { place, axis -> Int?? in
      chosen.contains(place) ? (keeps ? .some(nil) : nil) : .some(axis)
    }
    return result
  }

  /// What two branches make together.
  private mutating func combined(
    _ kind: String, _ x: ImportedExamples, _ y: ImportedExamples
  ) throws -> ImportedExamples {
    let (x, y) = (settled(x), settled(y))
    guard x.flattened == y.flattened, x.groups == nil, y.groups == nil else { throw Unsupported() }
    switch kind {
    case "Add":
      guard x.axes == y.axes else { throw Unsupported("its inputs have different axes") }
      return try layerNorm(x, y) ?? layerNorm(y, x) ?? sum(x, y)
    case "Sub":
      guard y.step.part == .mean, y.step.previous === x.step else { throw Unsupported() }
      return append(.centered, to: x)
    case "Mul":
      if x.step === y.step { return append(.square, to: x) }
      if let result = try product(x, y) ?? product(y, x) { return result }
      if y.step.part == .reciprocal, let root = y.step.previous { return try normalized(x, by: root) }
      if x.step.part == .reciprocal, let root = x.step.previous { return try normalized(y, by: root) }
      if let result = scaled(x, by: y.step) ?? scaled(y, by: x.step) { return result }
      throw Unsupported()
    default: return try normalized(x, by: y.step)
    }
  }

  /// x · g(x) where that is an activation.
  private mutating func product(_ x: ImportedExamples, _ y: ImportedExamples) throws -> ImportedExamples? {
    // Factors of what follows may have gone ahead, into the sigmoid's side.
    let (sigmoid, factors) = y.step.behindFactors
    if sigmoid.layer is Sigmoid, sigmoid.previous === x.step {
      return try factors.reduce(append(SiLU(), to: x)) { append($1, to: $0) }
    }
    if y.step.layer is Tanh, let inner = y.step.previous, inner.layer is Softplus, inner.previous === x.step {
      return try append(Mish(), to: x)
    }
    // x (1 + erf(x / √2)), of which GELU is half.
    let (base, factor, _) = x.step.scalarAffine
    let (erf, scale, shift) = y.step.scalarAffine
    guard erf.part == .erf, scale == shift, let inner = erf.previous?.scalarAffine, inner.base === base,
      abs(inner.scale - 0.5.squareRoot()) < 1e-6, inner.shift == 0, x.step.scalarAffine.shift == 0
    else { return nil }
    var start = x
    start.step = base
    let gelu = try append(GELU(), to: start)
    return factor * scale == 0.5
      ? gelu : try affine("Mul", gelu, ONNXTensor("", [], floats: [Float(2 * factor * scale)]))
  }

  /// A block and its shortcut.
  private func sum(_ x: ImportedExamples, _ y: ImportedExamples) throws -> ImportedExamples {
    if x.step === y.step { return try affine("Mul", x, ONNXTensor("", [], floats: [2])) }
    guard shape(of: x.step) == shape(of: y.step) else { throw Unsupported("its inputs have different shapes") }
    let fork = ImportedStep.fork(x.step, y.step)
    var (block, shortcut) = (x.step.steps(after: fork), y.step.steps(after: fork))
    if block.isEmpty || block.count < shortcut.count && block.isProjection || !shortcut.isProjection {
      swap(&block, &shortcut)
    }
    guard shortcut.isEmpty || shortcut.isProjection else { throw Unsupported("neither branch is a shortcut") }
    var result = x
    result.step = ImportedStep(
      .block(block, shortcut: shortcut), after: fork, node: current, shape: shape(of: x.step))
    return result
  }
}

extension [ImportedStep] {
  /// Whether the steps may be the shortcut of a block: none, or one layer with weights and what normalizes after it.
  fileprivate var isProjection: Bool {
    guard let first else { return true }
    guard first.layer is Dense || first.layer is Convolution || first.layer is Convolution1D else { return false }
    return dropFirst().allSatisfy { $0.affine != nil || $0.layer?.norm != nil }
  }
}
