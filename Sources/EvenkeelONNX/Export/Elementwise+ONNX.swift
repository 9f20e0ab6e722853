import Evenkeel

extension Flatten: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    site.input.rank == 1 ? input : graph.add("Flatten", at: site.path, [input])
  }
}

extension Reshape: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    let values = graph.featuresLast(input, rank: site.input.rank, at: site.path)
    let reshaped = graph.reshape(values, to: shape.dimensions, at: site.path)
    return graph.featuresSecond(reshaped, rank: shape.rank, at: site.path)
  }
}

extension Dropout: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String { input }
}

extension ReLU: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    graph.add("Relu", at: site.path, [input])
  }
}

extension LeakyReLU: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    graph.add("LeakyRelu", at: site.path, [input], ["alpha": .float(Float(slope))])
  }
}

extension ELU: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    graph.add("Elu", at: site.path, [input], ["alpha": .float(Float(alpha))])
  }
}

extension GELU: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    guard graph.opset < 20 else { return graph.add("Gelu", at: site.path, [input]) }
    let root = graph.constant("\(site.path).root", 0.5.squareRoot())
    let inner = graph.add("Erf", at: site.path, [graph.add("Mul", at: site.path, [input, root])])
    let sum = graph.add("Add", at: site.path, [inner, graph.constant("\(site.path).one", 1)])
    let product = graph.add("Mul", at: site.path, [input, sum])
    return graph.add("Mul", at: site.path, [product, graph.constant("\(site.path).half", 0.5)])
  }
}

extension SiLU: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    graph.add("Mul", at: site.path, [input, graph.add("Sigmoid", at: site.path, [input])])
  }
}

extension Sigmoid: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    graph.add("Sigmoid", at: site.path, [input])
  }
}

extension Tanh: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    graph.add("Tanh", at: site.path, [input])
  }
}

extension Softplus: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    graph.add("Softplus", at: site.path, [input])
  }
}

extension Mish: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    let factor = graph.add("Tanh", at: site.path, [graph.add("Softplus", at: site.path, [input])])
    return graph.add("Mul", at: site.path, [input, factor])
  }
}
