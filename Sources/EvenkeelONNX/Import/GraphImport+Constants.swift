import Evenkeel

// Constants that nodes hold or compute of others, as exporters leave them around the sizes of padding and of reshaping.
extension GraphImport {
  /// nil for a node that is none or that examples go through.
  func followConstants(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    switch node.kind {
    case "Constant":
      if case .tensor(let tensor)? = node.attributes["value"] { return .constant(tensor) }
      if let value = node.integer("value_int") { return .constant(ONNXTensor("", [], integers: [value])) }
      if let values = node.integers("value_ints") { return .constant(ONNXTensor("", [values.count], integers: values)) }
      if let value = node.float("value_float") { return .constant(ONNXTensor("", [], floats: [value])) }
      if let values = node.floats("value_floats") { return .constant(ONNXTensor("", [values.count], floats: values)) }
      throw Unsupported()
    case "Range":
      guard let start = inputs[integers: 0], let end = inputs[integers: 1], inputs[integers: 2] == [1],
        start.count == 1, end.count == 1, (0...16).contains(start[0]), (start[0]...16).contains(end[0])
      else { return nil }
      return .constant(ONNXTensor("", [end[0] - start[0]], integers: Array(start[0]..<end[0])))
    case "ConstantOfShape":
      guard let sizes = inputs[integers: 0] else { return nil }
      var value = ONNXTensor("", [1], floats: [0])
      if case .tensor(let tensor)? = node.attributes["value"], tensor.count == 1 { value = tensor }
      return try value.taking([Int](repeating: 0, count: count(of: sizes, [])), sizes).map { .constant($0) }
    case "Expand":
      // One number made many; sizes that are one already.
      guard let target = inputs[integers: 1] else { return nil }
      if Shape.checkedCount(target) == 1, inputs[constant: 0]?.count != 1 { return inputs[0] }
      guard let tensor = inputs[constant: 0], tensor.count == 1 else { return nil }
      return try tensor.taking([Int](repeating: 0, count: count(of: target, [])), target).map { .constant($0) }
    case "Gather":
      guard let tensor = inputs[constant: 0], case .constant(let indices)? = inputs.last ?? nil, inputs.count == 2,
        let places = indices.integers
      else { return nil }
      let axis = try axis(node.integer("axis") ?? 0, of: tensor)
      let extent = tensor.dimensions[axis]
      let chosen = places.map { $0 < 0 ? $0 + extent : $0 }
      guard chosen.allSatisfy((0..<extent).contains) else { throw Unsupported("its indices are out of range") }
      return try taking(chosen, indices.dimensions, along: axis, of: tensor)
    case "Slice": return try slice(node, inputs)
    case "Concat":
      let tensors = inputs.indices.compactMap { inputs[constant: $0] }
      guard tensors.count == inputs.count, let first = tensors.first else { return nil }
      let axis = try axis(node.integer("axis") ?? 0, of: first)
      _ = try count(of: [tensors.reduce(0) { $0 + $1.count }], tensors)
      // An extent of 0 hides how large the others are.
      _ = try count(of: Array(first.dimensions[..<axis]), tensors)
      guard let joined = ONNXTensor(joining: tensors, along: axis) else { throw Unsupported("its inputs do not fit") }
      return .constant(joined)
    default: return nil
    }
  }

  /// The most values that a few bytes of a file may become: more channels than any network has.
  private static let mostCopies = 1 << 16

  /// The number of values of the shape `dimensions`, which nodes make of `sources`.
  /// - Throws: `Unsupported` where that is more than small or than there were.
  private func count(of dimensions: [Int], _ sources: [ONNXTensor]) throws -> Int {
    let most = max(Self.mostCopies, sources.map(\.count).max() ?? 0)
    guard let count = Shape.checkedCount(dimensions), count <= most else {
      throw Unsupported("its sizes are out of range")
    }
    return count
  }

  private func axis(_ given: Int, of tensor: ONNXTensor) throws -> Int {
    let axis = given < 0 ? given + tensor.dimensions.count : given
    guard tensor.dimensions.indices.contains(axis) else { throw Unsupported("its axis is out of range") }
    return axis
  }

  /// The parts `places` of an axis, which `extents` takes the place of.
  private func taking(
    _ places: [Int], _ extents: [Int], along axis: Int, of tensor: ONNXTensor
  ) throws -> ImportedValue? {
    let before = tensor.dimensions[..<axis], after = tensor.dimensions[(axis + 1)...]
    let dimensions = before + extents + after
    _ = try count(of: Array(dimensions), [tensor])
    // An extent of 0 hides how large the others are.
    let (outer, inner) = (try count(of: Array(before), [tensor]), try count(of: Array(after), [tensor]))
    let sources = (0..<outer).flatMap { row in
      places.flatMap { place in (0..<inner).map { (row * tensor.dimensions[axis] + place) * inner + $0 } }
    }
    return tensor.taking(sources, Array(dimensions)).map { .constant($0) }
  }

  private func slice(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    guard var tensor = inputs[constant: 0] else { return nil }
    guard let starts = node.integers("starts") ?? inputs[integers: 1],
      let ends = node.integers("ends") ?? inputs[integers: 2], starts.count == ends.count
    else { throw Unsupported() }
    let axes = node.integers("axes") ?? inputs[integers: 3] ?? Array(starts.indices)
    let steps = inputs[integers: 4] ?? [Int](repeating: 1, count: starts.count)
    guard axes.count == starts.count, steps.count == starts.count, steps.allSatisfy({ abs($0) == 1 }) else {
      throw Unsupported("its steps are not 1")
    }
    for (index, given) in axes.enumerated() {
      let axis = try axis(given, of: tensor), extent = tensor.dimensions[axis]
      func place(_ given: Int, _ range: ClosedRange<Int>) -> Int {
        min(max(given < 0 ? given + extent : given, range.lowerBound), range.upperBound)
      }
      let places =
        steps[index] > 0
        ? Array(
          place(starts[index], 0...extent)..<max(place(starts[index], 0...extent), place(ends[index], 0...extent)))
        : Array(stride(from: place(starts[index], -1...extent - 1), to: place(ends[index], -1...extent - 1), by: -1))
      guard case .constant(let part)? = try taking(places, [places.count], along: axis, of: tensor) else { return nil }
      tensor = part
    }
    return .constant(tensor)
  }
}

extension ONNXTensor {
  /// The values at `places`, in the shape `dimensions`; nil if these are not as many.
  func taking(_ places: [Int], _ dimensions: [Int]) -> ONNXTensor? {
    guard Shape.checkedCount(dimensions) == places.count else { return nil }
    let content: Content =
      switch self.content {
      case .floats(let values): .floats(places.map { values[$0] })
      case .doubles(let values): .doubles(places.map { values[$0] })
      case .integers(let values): .integers(places.map { values[$0] })
      case .texts(let values): .texts(places.map { values[$0] })
      }
    return ONNXTensor(name, dimensions, element, content)
  }

  /// Tensors one after the other along an axis; nil where their shapes or kinds do not fit.
  fileprivate init?(joining tensors: [ONNXTensor], along axis: Int) {
    let first = tensors[0]
    var dimensions = first.dimensions
    dimensions[axis] = 0
    for tensor in tensors {
      var others = tensor.dimensions
      guard others.indices.contains(axis), others[axis] < 1 << 31, tensor.element == first.element else { return nil }
      dimensions[axis] += others[axis]
      others[axis] = dimensions[axis]
      guard others == dimensions else { return nil }
    }
    let outer = dimensions[..<axis].reduce(1, *)
    func joined<Value>(_ parts: [[Value]]) -> [Value] {
      (0..<outer).flatMap { row in
        parts.flatMap { $0[row * ($0.count / outer)..<(row + 1) * ($0.count / outer)] }
      }
    }
    let content: Content
    switch first.content {
    case .floats: content = .floats(joined(tensors.map { $0.floats! }))
    case .doubles: content = .doubles(joined(tensors.map { $0.doubles! }))
    case .integers: content = .integers(joined(tensors.map { $0.integers! }))
    case .texts: return nil
    }
    self.init("", dimensions, first.element, content)
  }

  /// The same values with axis `order[i]` in the place of axis i.
  func transposed(_ order: [Int]) -> ONNXTensor {
    var strides = [Int](repeating: 1, count: dimensions.count)
    // Without a value they are of no use, and may be out of range.
    for axis in dimensions.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] &* dimensions[axis + 1] }
    let target = order.map { dimensions[$0] }
    let steps = order.map { strides[$0] }
    var places = [Int](repeating: 0, count: order.count)
    var sources: [Int] = []
    sources.reserveCapacity(count)
    for _ in 0..<count {
      sources.append(zip(places, steps).reduce(0) { $0 + $1.0 * $1.1 })
      for axis in places.indices.reversed() {
        places[axis] += 1
        if places[axis] < target[axis] { break }
        places[axis] = 0
      }
    }
    return taking(sources, target)!
  }

  /// - Throws: `Unsupported` where the values do not fill `dimensions`; one may be −1, 0 keeps an extent.
  func reshaped(_ target: [Int]) throws -> ONNXTensor {
    var dimensions = target.enumerated().map { $1 == 0 && $0 < self.dimensions.count ? self.dimensions[$0] : $1 }
    if let open = dimensions.firstIndex(of: -1) {
      dimensions[open] = 1
      guard let known = Shape.checkedCount(dimensions), known > 0, count % known == 0 else {
        throw Unsupported("its sizes do not fit")
      }
      dimensions[open] = count / known
    }
    guard Shape.checkedCount(dimensions) == count else { throw Unsupported("its sizes do not fit") }
    var result = self
    result.dimensions = dimensions
    return result
  }
}
