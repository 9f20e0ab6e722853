import Evenkeel

// What changes no number: shapes and copies.
extension GraphImport {
  /// nil for a node of another sort.
  mutating func followShape(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    switch node.kind {
    case "Identity", "CastLike": return inputs.first ?? nil
    case "Dropout":
      guard inputs.count < 3 || inputs[integers: 2] == [0] else { throw Unsupported("it drops values") }
      return inputs[0]
    case "Cast": return try cast(inputs, to: node.integer("to") ?? 0)
    case "Shape":
      let sizes: [ImportedSize]
      if let examples = inputs[examples: 0], examples.groups == nil {
        sizes = dimensions(of: examples)
      } else if let tensor = inputs[constant: 0] {
        sizes = tensor.dimensions.map { .fixed($0) }
      } else {
        return nil
      }
      let start = node.integer("start") ?? 0
      let end = node.integer("end") ?? sizes.count
      let range = clamped(start, sizes.count)..<max(clamped(start, sizes.count), clamped(end, sizes.count))
      return .sizes(Array(sizes[range]), isScalar: false)
    case "Transpose": return try transpose(node, inputs)
    case "Flatten":
      guard let examples = inputs[examples: 0] else { return nil }
      guard (node.integer("axis") ?? 1) == 1 else { throw Unsupported("it keeps another axis than the first") }
      return .examples(try flattened(examples))
    case "Reshape": return try reshape(inputs)
    case "Squeeze", "Unsqueeze": return try unitAxes(node, inputs)
    case "Gather", "Slice", "Concat": return try parts(node, inputs)
    default: return nil
    }
  }

  private func clamped(_ place: Int, _ count: Int) -> Int { min(max(place < 0 ? place + count : place, 0), count) }

  private func cast(_ inputs: [ImportedValue?], to code: Int) throws -> ImportedValue? {
    guard let element = ONNXElement(rawValue: code), let value = inputs.first else { return nil }
    switch value {
    case .examples(var examples):
      guard [.float, .double, .float16].contains(element) else { throw Unsupported("it makes no fractions") }
      examples.isDouble = element == .double
      return .examples(examples)
    case .constant(let tensor):
      if element == .double, let values = tensor.doubles {
        return .constant(ONNXTensor("", tensor.dimensions, doubles: values))
      }
      if element == .float, let values = tensor.floats {
        return .constant(ONNXTensor("", tensor.dimensions, floats: values))
      }
      if element == .int64, let values = tensor.doubles, values.allSatisfy({ abs($0) < 1e15 }) {
        return .constant(ONNXTensor("", tensor.dimensions, integers: values.map { Int($0) }))
      }
      throw Unsupported()
    default: return value
    }
  }

  private func transpose(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    if var examples = inputs[examples: 0] {
      let order = node.integers("perm") ?? Array(examples.axes.indices.reversed())
      guard order.count == examples.axes.count, Set(order) == Set(examples.axes.indices), order[0] == 0 else {
        throw Unsupported("it moves the rows")
      }
      guard examples.groups == nil else { throw Unsupported("it divides features into groups") }
      examples.axes = order.map { examples.axes[$0] }
      return .examples(examples)
    }
    guard let tensor = inputs[constant: 0] else { return nil }
    let rank = tensor.dimensions.count
    let order = node.integers("perm") ?? Array((0..<rank).reversed())
    guard order.count == rank, Set(order) == Set(0..<rank) else { throw Unsupported("its perm is damaged") }
    return .constant(tensor.transposed(order))
  }

  // Reshape.

  private mutating func reshape(_ inputs: [ImportedValue?]) throws -> ImportedValue? {
    guard let target = inputs[sizes: 1] else { return nil }
    if let examples = inputs[examples: 0] { return .examples(try reshaped(examples, to: target)) }
    if case .constant(let tensor)? = inputs[0] { return .constant(try tensor.reshaped(inputs[integers: 1] ?? [])) }
    // Labels, and other things of one value an example.
    return inputs[0]
  }

  private mutating func reshaped(_ examples: ImportedExamples, to target: [ImportedSize]) throws -> ImportedExamples {
    let sizes = dimensions(of: examples)
    let count = shape(of: examples.step).count
    guard let first = target.first else { throw Unsupported("it leaves no axis") }
    // The others, of which one may be open.
    var others = target.dropFirst().enumerated().map { index, size -> Int? in
      guard case .fixed(let extent) = size else { return nil }
      if extent == 0, index + 1 < sizes.count, case .fixed(let same) = sizes[index + 1] { return same }
      return extent
    }
    let isRows =
      switch first {
      case .rows: true
      case .fixed(let extent): extent == 0 || extent == fixedRows || extent == -1 && !others.contains(-1)
      }
    guard isRows, !others.contains(nil) else { throw Unsupported("it mixes examples") }
    if let open = others.firstIndex(of: -1) {
      let known = others.enumerated().reduce(1) {
        $1.offset == open ? $0 : $0.multipliedReportingOverflow(by: $1.element!).partialValue
      }
      guard known > 0, count % known == 0 else { throw Unsupported("its sizes do not fit") }
      others[open] = count / known
    }
    let extents = others.compactMap(\.self)
    guard Shape.checkedCount(extents) == count else {
      throw Unsupported("its sizes do not fit examples of \(count) values")
    }
    if examples.groups == nil, target.count == sizes.count, sizes.dropFirst().elementsEqual(extents.map { .fixed($0) })
    {
      return examples
    }
    if extents == [count], shape(of: examples.step).rank > 1 || !examples.isSettled { return try flattened(examples) }
    // Axes of extent 1 come and go.
    let wanted = extents.filter { $0 != 1 }
    let present = examples.axes.dropFirst().filter { axis in axis.map { size(of: $0, examples) != 1 } ?? false }
    if examples.groups == nil, examples.isSettled, wanted == present.map({ size(of: $0!, examples) }),
      shape(of: examples.step).rank == 1 || present.count == shape(of: examples.step).rank
    {
      var result = examples
      var next = present[...]
      result.axes = [0] + extents.map { $0 == 1 ? nil : next.removeFirst() }
      if shape(of: examples.step).rank == 1, count == 1 {
        result.axes = [0, 1] + [Int?](repeating: nil, count: extents.count - 1)
      }
      return result
    }
    var ordered = settled(examples)
    let shape = shape(of: ordered.step)
    // Back from groups.
    if ordered.groups != nil, extents == shape.featuresFirst {
      (ordered.groups, ordered.axes) = (nil, Array(0...shape.rank))
      return ordered
    }
    if ordered.groups == nil, extents.count == 2, shape.featureCount % extents[0] == 0,
      ordered.axes == (0...shape.rank).map({ $0 })
    {
      ordered.groups = extents[0]
      return ordered
    }
    throw Unsupported("no layer gives examples of the shape \(Shape(extents))")
  }

  private func size(of axis: Int, _ examples: ImportedExamples) -> Int {
    examples.isSettled ? shape(of: examples.step).featuresFirst[axis - 1] : extents[axis - 1]
  }

  mutating func flattened(_ examples: ImportedExamples) throws -> ImportedExamples {
    guard examples.groups == nil else { throw Unsupported("it flattens groups") }
    if !examples.isSettled, inputAxes == nil, extents.count == 2, examples.axes == [0, 1, 2] {
      // Images without channels: a network lays out its own input of two axes as it is.
      inputAxes = [0, 2, 1]
      var result = examples
      (result.axes, result.isSettled) = ([0, 1, 2], true)
      return try append(Flatten(), to: result)
    }
    var result = settled(examples)
    let shape = shape(of: result.step)
    if shape.rank == 1 {
      result.axes = [0, 1]
      return result
    }
    let order = result.axes.compactMap(\.self)
    guard order.count == shape.rank + 1 else { throw Unsupported("it has an axis too few") }
    if order != Array(0...shape.rank), shape.featureCount > 1 {
      guard order == [0] + (2...shape.rank) + [1] else { throw Unsupported("it flattens features between positions") }
      result.flattened = shape
    }
    return try append(Flatten(), to: result)
  }

  private func unitAxes(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    let given = node.integers("axes") ?? inputs[integers: 1]
    let isSqueeze = node.kind == "Squeeze"
    if case .sizes(let sizes, _)? = inputs[0] { return .sizes(sizes, isScalar: isSqueeze && sizes.count == 1) }
    if let tensor = inputs[constant: 0] {
      var dimensions = tensor.dimensions
      if isSqueeze {
        let rank = dimensions.count
        let axes = given.map { $0.map { $0 < 0 ? $0 + rank : $0 } } ?? dimensions.indices.filter { dimensions[$0] == 1 }
        dimensions = dimensions.enumerated().filter { !axes.contains($0.offset) }.map(\.element)
      } else {
        let rank = dimensions.count + (given?.count ?? 0)
        for axis in (given ?? []).map({ $0 < 0 ? $0 + rank : $0 }).sorted() where (0...dimensions.count).contains(axis)
        {
          dimensions.insert(1, at: axis)
        }
      }
      return .constant(try tensor.reshaped(dimensions))
    }
    guard var examples = inputs[examples: 0] else { return inputs[0] }
    guard examples.groups == nil else { throw Unsupported("it divides features into groups") }
    if isSqueeze {
      let rank = examples.axes.count
      let axes = given.map { $0.map { $0 < 0 ? $0 + rank : $0 } } ?? (0..<rank).filter { examples.axes[$0] == nil }
      guard axes.allSatisfy({ (0..<rank).contains($0) && examples.axes[$0] == nil }) else {
        throw Unsupported("it takes away an axis of the examples")
      }
      examples.axes = examples.axes.enumerated().filter { !axes.contains($0.offset) }.map(\.element)
    } else {
      let rank = examples.axes.count + (given?.count ?? 0)
      for axis in (given ?? []).map({ $0 < 0 ? $0 + rank : $0 }).sorted() {
        guard (1...examples.axes.count).contains(axis) else { throw Unsupported("it moves the rows") }
        examples.axes.insert(nil, at: axis)
      }
    }
    return .examples(examples)
  }

  /// Parts of shapes.
  private func parts(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    switch node.kind {
    case "Gather":
      guard let sizes = inputs[sizes: 0], let places = inputs[integers: 1] else { return nil }
      let isScalar = if case .constant(let tensor)? = inputs[1] { tensor.dimensions.isEmpty } else { false }
      let chosen = places.map { $0 < 0 ? $0 + sizes.count : $0 }
      guard chosen.allSatisfy(sizes.indices.contains) else { throw Unsupported("its indices are out of range") }
      return .sizes(chosen.map { sizes[$0] }, isScalar: isScalar)
    case "Slice":
      guard let sizes = inputs[sizes: 0] else { return nil }
      guard let start = node.integers("starts") ?? inputs[integers: 1],
        let end = node.integers("ends") ?? inputs[integers: 2],
        start.count == 1, end.count == 1, inputs.count < 5 || inputs[integers: 4] == [1]
      else { throw Unsupported() }
      let from = clamped(start[0], sizes.count)
      return .sizes(Array(sizes[from..<max(from, clamped(end[0], sizes.count))]), isScalar: false)
    default:
      let all = inputs.indices.map { inputs[sizes: $0] }
      guard !all.contains(nil) else { return nil }
      return .sizes(all.flatMap { $0! }, isScalar: false)
    }
  }
}
