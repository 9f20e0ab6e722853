import Evenkeel

extension PiecewiseLinear: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    let features = try ChosenFeatures(features, of: site.input, kind: Self.kind)
    let parts = PiecewiseParts(self, site, features: features.chosen.count)
    let at = site.path, dimensions = [features.chosen.count, bins + 1]
    func constant(_ name: String, _ values: [Float], _ graph: inout ONNXGraphBuilder) -> String {
      graph.constant(ONNXTensor("\(at).\(name)", dimensions, floats: values))
    }
    let x = graph.column(features, of: input, site)
    let difference = graph.add("Sub", at: at, [x, constant("left", parts.left, &graph)])
    let share = graph.add("Div", at: at, [difference, constant("extent", parts.extent, &graph)])
    let notBelow = graph.add("Max", at: at, [share, constant("least", parts.least, &graph)])
    let limited = graph.add("Min", at: at, [notBelow, constant("most", parts.most, &graph)])
    let slopes = site.constant("slope", [dimensions[0], 1, width], to: &graph)!
    let weights = graph.add(
      "Concat", at: at, [site.constant("weight", to: &graph)!, slopes], ["axis": .integer(1)])
    return graph.vectors(of: limited, weights, width: width, before: nil, features, from: input, site)
  }
}

/// The bins of every feature and, after them, its slope, as a bin without limits: the share of each is
/// v = min(max((x − left) / extent, least), most).
private struct PiecewiseParts {
  var left: [Float] = []
  var extent: [Float] = []
  var least: [Float] = []
  var most: [Float] = []

  init(_ layer: PiecewiseLinear, _ site: ONNXSite, features: Int) {
    let bins = layer.bins, edges = site.tensor("edges")!.values
    for feature in 0..<features {
      let own = edges[feature * (bins + 1)..<(feature + 1) * (bins + 1)]
      let first = own.startIndex
      let used = (0..<bins).last { own[first + $0 + 1] > own[first + $0] }.map { $0 + 1 } ?? 0
      for bin in 0..<bins {
        // A bin that is not used gives 0.
        let isUsed = bin < used
        left.append(isUsed ? own[first + bin] : 0)
        extent.append(isUsed ? own[first + bin + 1] - own[first + bin] : 1)
        least.append(isUsed && bin == 0 ? -.infinity : 0)
        most.append(isUsed ? (bin == used - 1 ? .infinity : 1) : 0)
      }
      left.append(0)
      extent.append(1)
      least.append(-.infinity)
      most.append(.infinity)
    }
  }
}

extension Periodic: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    let features = try ChosenFeatures(features, of: site.input, kind: Self.kind)
    let at = site.path
    let turns = graph.add(
      "Mul", at: at, [graph.column(features, of: input, site), site.constant("frequencies", to: &graph)!])
    // Whole turns would cost the angle its digits.
    let part = graph.add("Sub", at: at, [turns, graph.add("Round", at: at, [turns])])
    let angle = graph.add("Mul", at: at, [part, graph.constant("\(at).turn", 2 * .pi)])
    let waves = graph.add(
      "Concat", at: at, [graph.add("Cos", at: at, [angle]), graph.add("Sin", at: at, [angle])], ["axis": .integer(2)])
    let weights = site.constant("weight", to: &graph)!
    return graph.vectors(of: waves, weights, width: width, before: "Relu", features, from: input, site)
  }
}

extension ONNXGraphBuilder {
  /// The chosen features on the second axis, and a third of extent 1.
  fileprivate mutating func column(_ features: ChosenFeatures, of input: String, _ site: ONNXSite) -> String {
    let x = columns(features.chosen, of: input, width: site.input.count, at: site.path)
    return reshape(x, to: [features.chosen.count, 1], at: site.path)
  }

  /// What a layer gives whose features become vectors: Σ v_t W_t + b of each chosen one, then the others as they are.
  /// - Parameters:
  ///   - values: v, `[N, features, T]`.
  ///   - weights: W, `[features, T, width]`.
  ///   - activation: The operator that the vectors go through.
  fileprivate mutating func vectors(
    of values: String, _ weights: String, width: Int, before activation: String?, _ features: ChosenFeatures,
    from input: String, _ site: ONNXSite
  ) -> String {
    let at = site.path, count = features.chosen.count * width
    let byFeature = add("Transpose", at: at, [values], ["perm": .integers([1, 0, 2])])
    let products = add("MatMul", at: at, [byFeature, weights])
    let byRow = add("Transpose", at: at, [products], ["perm": .integers([1, 0, 2])])
    let bias = site.constant("bias", [count], to: &self)!
    var vectors = add("Add", at: at, [reshape(byRow, to: [count], at: at), bias])
    if let activation { vectors = add(activation, at: at, [vectors]) }
    guard !features.rest.isEmpty else { return vectors }
    let others = columns(features.rest, of: input, width: site.input.count, at: at)
    return add("Concat", at: at, [vectors, others], ["axis": .integer(1)])
  }
}

extension Embedding: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    let features = try ChosenFeatures(features, of: site.input, kind: Self.kind)
    let at = site.path, all = site.input.count
    let x = graph.columns(features.chosen, of: input, width: all, at: at)
    // What is no category's number stands for entry 0.
    let zero = graph.constant("\(at).zero", 0)
    let limits = graph.constant(ONNXTensor("\(at).counts", [counts.count], floats: counts.map { Float($0) }))
    let isNumber = graph.add(
      "And", at: at, [graph.add("GreaterOrEqual", at: at, [x, zero]), graph.add("Less", at: at, [x, limits])])
    let number = graph.cast(graph.add("Where", at: at, [isNumber, x, zero]), to: .int64, at: at)
    let starts = graph.constant(
      ONNXTensor("\(at).starts", [counts.count], integers: counts.indices.map { counts[..<$0].reduce(0, +) }))
    let entries = graph.add("Add", at: at, [number, starts])
    let found = graph.add("Gather", at: at, [site.constant("weight", to: &graph)!, entries])
    let vectors = graph.reshape(found, to: [counts.count * width], at: at)
    guard !features.rest.isEmpty else { return vectors }
    let others = graph.columns(features.rest, of: input, width: all, at: at)
    return graph.add("Concat", at: at, [others, vectors], ["axis": .integer(1)])
  }
}
