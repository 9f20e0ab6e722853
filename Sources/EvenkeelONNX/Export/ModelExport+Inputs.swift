import Evenkeel

extension ModelExport {
  /// Adds the inputs and what becomes of them before the first layer.
  /// - Returns: The network's input: features second.
  mutating func addInputs() throws -> String {
    let shape = model.network.input
    var (value, layout): (String, ONNXOptions.Layout)
    if let encoding = model.encoding {
      let isDouble = encoding.isInDouble
      if encoding.hasNamedColumns, options.inputs == .columns {
        value = addColumns(encoding)
      } else {
        value = graph.input("features", isDouble ? .double : .float, [nil, shape.count])
      }
      if shape.rank > 1 { value = graph.reshape(value, to: shape.dimensions, at: "table") }
      value = try addScaling(to: value, features: .nhwc, isDouble: isDouble)
      layout = .nhwc
    } else {
      layout = imageLayout
      value = graph.input("input", .float, [nil] + (layout == .nhwc ? shape.dimensions : shape.featuresFirst))
      value = try addScaling(to: value, features: layout, isDouble: false)
    }
    guard shape.rank > 1, layout == .nhwc, !startsWithFlatten else { return value }
    return graph.featuresSecond(value, rank: shape.rank, at: "input")
  }

  /// The order of the input's axes.
  private var imageLayout: ONNXOptions.Layout { startsWithFlatten ? .nhwc : options.layout }

  /// For the features of an example and its positions, the axis of the graph's input.
  var inputAxes: [Int] {
    let rank = network.input.rank
    return model.encoding == nil && imageLayout == .nchw ? Array(1...rank) : [rank] + (1..<rank)
  }

  /// Whether the network lays out an input of two axes as it lies: images without channels.
  private var startsWithFlatten: Bool {
    network.input.rank == 2 && network.items.first?.layer is Flatten
  }

  /// (x − mean) / deviation, and 0 for a constant channel; then the curves of a table's numbers.
  /// - Parameters:
  ///   - features: Where the channels are.
  ///   - isDouble: Whether `value` has doubles; the result has floats.
  private mutating func addScaling(
    to value: String, features layout: ONNXOptions.Layout, isDouble: Bool
  ) throws -> String {
    let standardized = try addStandardization(to: value, features: layout, isDouble: isDouble)
    guard let curves = model.scaling?.curves else { return standardized }
    let shape = model.network.input
    guard shape.rank > 1 else { return graph.bent(standardized, by: curves, width: shape.count) }
    let row = graph.reshape(standardized, to: [shape.count], at: "table")
    return graph.reshape(graph.bent(row, by: curves, width: shape.count), to: shape.dimensions, at: "table")
  }

  private mutating func addStandardization(
    to value: String, features layout: ONNXOptions.Layout, isDouble: Bool
  ) throws -> String {
    let at = "scaling"
    guard let scaling = model.scaling,
      scaling.mean.contains(where: { $0 != 0 }) || scaling.deviation.contains(where: { $0 != 1 })
    else {
      return isDouble ? graph.add("Cast", at: at, [value], ["to": .integer(ONNXElement.float.rawValue)]) : value
    }
    let dimensions = scalingDimensions(scaling.mean.count, layout)
    /// Channels that are no axis of the input are there once a value.
    func values<Number>(_ channels: [Number]) -> [Number] {
      (0..<dimensions.reduce(1, *)).map { channels[$0 % channels.count] }
    }
    guard isDouble || scaling.isBeyondFloats else {
      let mean = graph.constant(ONNXTensor("scaling.mean", dimensions, floats: values(scaling.floatMean)))
      let scale = graph.constant(ONNXTensor("scaling.scale", dimensions, floats: values(scaling.floatScale)))
      return graph.add("Mul", at: at, [graph.add("Sub", at: at, [value, mean]), scale])
    }
    var value = value
    if !isDouble { value = graph.add("Cast", at: at, [value], ["to": .integer(ONNXElement.double.rawValue)]) }
    let mean = graph.constant(ONNXTensor("scaling.mean", dimensions, doubles: values(scaling.mean)))
    value = graph.add("Sub", at: at, [value, mean])
    if let remainder = scaling.remainder, remainder.contains(where: { $0 != 0 }) {
      let rest = graph.constant(ONNXTensor("scaling.remainder", dimensions, doubles: values(remainder)))
      value = graph.add("Sub", at: at, [value, rest])
    }
    let scales = scaling.deviation.map { $0 > 0 ? 1 / $0 : 0 }
    let scale = graph.constant(ONNXTensor("scaling.scale", dimensions, doubles: values(scales)))
    value = graph.add("Mul", at: at, [value, scale])
    return graph.add("Cast", at: at, [value], ["to": .integer(ONNXElement.float.rawValue)])
  }

  /// The extents of the scaling's constants: one for all, one a channel, or one a value.
  private func scalingDimensions(_ count: Int, _ layout: ONNXOptions.Layout) -> [Int] {
    let shape = model.network.input
    if count == 1 { return [1] }
    let isFirst = layout == .nchw && shape.rank > 1
    if count == shape.featureCount {
      return isFirst ? [count] + [Int](repeating: 1, count: shape.rank - 1) : [count]
    }
    precondition(!isFirst && shape.count % count == 0, "Scalings are by channel, by feature or for all.")
    return shape.dimensions
  }
}

// What becomes of a table's columns.
extension ModelExport {
  /// Adds an input for each column, and the features that they give.
  private mutating func addColumns(_ encoding: TableEncoding) -> String {
    // Names of columns stay as they are: they are taken first.
    let inputs = encoding.columns.enumerated().map { index, column in
      let name = column.name.isEmpty ? "column_\(index + 1)" : column.name
      switch column.kind {
      case .numeric: return graph.input(name, encoding.isInDouble ? .double : .float, [nil, 1])
      case .date: return graph.input(name, .double, [nil, 1])
      case .categorical, .embedded: return graph.input(name, .string, [nil, 1])
      }
    }
    var parts: [String] = []
    for (column, input) in zip(encoding.columns, inputs) {
      parts += addFeatures(of: column, from: input, isDouble: encoding.isInDouble)
    }
    return graph.add("Concat", giving: "features", parts, ["axis": .integer(1)])
  }

  private mutating func addFeatures(
    of column: TableEncoding.Column, from input: String, isDouble: Bool
  ) -> [String] {
    let number = isDouble ? ONNXElement.double : .float
    let toNumber = ["to": ONNXAttribute.integer(number.rawValue)]
    switch column.kind {
    case .numeric(let mean, let hasIndicator):
      let isMissing = graph.add("IsNaN", at: input, [input])
      let constant =
        isDouble
        ? ONNXTensor("\(input).mean", [1], doubles: [mean]) : ONNXTensor("\(input).mean", [1], floats: [Float(mean)])
      let value = graph.add("Where", at: input, [isMissing, graph.constant(constant), input])
      return [value] + (hasIndicator ? [graph.add("Cast", at: input, [isMissing], toNumber)] : [])
    case .categorical(let categories):
      let places = graph.add(
        "OneHotEncoder", giving: "\(input)/OneHotEncoder", [input],
        ["cats_strings": .texts(categories), "zeros": .integer(1)], domain: "ai.onnx.ml")
      let row = graph.add("Flatten", at: input, [places])
      return [isDouble ? graph.add("Cast", at: input, [row], toNumber) : row]
    case .embedded(let categories):
      let numbers = [1] + categories.indices.map { Float($0 + TableEncoding.firstCategory) }
      let place = graph.add(
        "LabelEncoder", giving: "\(input)/LabelEncoder", [input],
        ["keys_strings": .texts([""] + categories), "values_floats": .floats(numbers), "default_float": .float(0)],
        domain: "ai.onnx.ml")
      return [isDouble ? graph.add("Cast", at: input, [place], toNumber) : place]
    case .date(let encoding):
      let (features, isMissing) = graph.dateFeatures(input, encoding, at: input)
      let values = isDouble ? features : graph.cast(features, to: .float, at: input)
      return [values] + (encoding.hasIndicator ? [graph.add("Cast", at: input, [isMissing], toNumber)] : [])
    }
  }
}
