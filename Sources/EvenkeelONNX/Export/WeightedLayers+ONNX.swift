import Evenkeel

extension Dense: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    guard site.input.rank > 1 else {
      let tensors = ["weight", "bias"].compactMap { site.constant($0, to: &graph) }
      return graph.add("Gemm", at: site.path, [input] + tensors, ["transB": .integer(1)])
    }
    // W on the left, as features come before positions.
    let products = graph.add("MatMul", at: site.path, [site.constant("weight", to: &graph)!, input])
    return site.constant("bias", [units, 1], to: &graph).map { graph.add("Add", at: site.path, [products, $0]) }
      ?? products
  }
}

extension Convolution: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    try windows.export("Conv", site, from: input, to: &graph, ["group": .integer(groups)])
  }
}

extension DepthwiseConvolution: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    try windows.export("Conv", site, from: input, to: &graph, ["group": .integer(site.input.featureCount)])
  }
}

extension Convolution1D: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    try windows.export("Conv", site, from: input, to: &graph, ["group": .integer(groups)])
  }
}

extension MaxPool: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    try windows.export("MaxPool", site, from: input, to: &graph)
  }
}

extension AveragePool: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) throws -> String {
    // Padding counts as zeros.
    try windows.export("AveragePool", site, from: input, to: &graph, ["count_include_pad": .integer(1)])
  }
}

extension GlobalAveragePool: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    let mean = graph.add("GlobalAveragePool", at: site.path, [input])
    return graph.add("Flatten", at: site.path, [mean])
  }
}

extension Windows {
  /// A node whose windows are these; weights and a bias are its further inputs.
  fileprivate func export(
    _ kind: String, _ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder,
    _ options: [String: ONNXAttribute] = [:]
  ) throws -> String {
    let (height, width) = try axes(of: site.input, kind: kind)
    let axes = site.input.rank == 2 ? [width] : [height, width]
    var attributes = options
    attributes["kernel_shape"] = .integers(axes.map(\.kernel))
    attributes["strides"] = .integers(axes.map(\.stride))
    attributes["pads"] = .integers(axes.map(\.before) + axes.map(\.after))
    if kind == "Conv" { attributes["dilations"] = .integers(axes.map(\.dilation)) }
    let tensors = ["weight", "bias"].compactMap { site.constant($0, to: &graph) }
    return graph.add(kind, at: site.path, [input] + tensors, attributes)
  }
}
