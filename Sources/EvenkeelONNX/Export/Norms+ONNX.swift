import Evenkeel

extension BatchNorm: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    var attributes: [String: ONNXAttribute] = ["epsilon": .float(Float(epsilon))]
    // The weight of past batches, as our decay, 0.9 where it is not given; a mean of all batches has no equivalent.
    if case .exponential(let decay) = averaging, decay != 0.9 { attributes["momentum"] = .float(Float(decay)) }
    let tensors = [("weight", Float(1)), ("bias", 0), ("running_mean", 0), ("running_var", 1)].map {
      site.features($0, else: $1, to: &graph)
    }
    return graph.add("BatchNormalization", at: site.path, [input] + tensors, attributes)
  }
}

extension LayerNorm: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    guard site.input.rank > 1 else {
      let scale = site.features("weight", else: 1, to: &graph)
      let inputs = [input, scale] + [site.constant("bias", to: &graph)].compactMap(\.self)
      return graph.add("LayerNormalization", at: site.path, inputs, ["epsilon": .float(Float(epsilon))])
    }
    // Features are no last axis here.
    let mean = graph.channelMean(input, at: site.path)
    let difference = graph.add("Sub", at: site.path, [input, mean])
    return graph.divided(difference, byRootOfMeanSquareAnd: epsilon, site)
  }
}

extension RMSNorm: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    guard site.input.rank == 1, graph.opset >= 23 else {
      return graph.divided(input, byRootOfMeanSquareAnd: epsilon, site)
    }
    let scale = site.features("weight", else: 1, to: &graph)
    return graph.add("RMSNormalization", at: site.path, [input, scale], ["epsilon": .float(Float(epsilon))])
  }
}

extension ONNXGraphBuilder {
  /// γ x / √(mean of x² over the features + ε) + β.
  fileprivate mutating func divided(_ x: String, byRootOfMeanSquareAnd epsilon: Double, _ site: ONNXSite) -> String {
    let square = add("Mul", at: site.path, [x, x])
    let mean = channelMean(square, at: site.path)
    let variance = add("Add", at: site.path, [mean, constant("\(site.path).epsilon", epsilon)])
    let deviation = add("Sqrt", at: site.path, [variance])
    return site.scaledAndShifted(add("Div", at: site.path, [x, deviation]), to: &self)
  }
}

extension GroupNorm: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    // Not GroupNormalization: until version 21 its factors were one a group, and from then on the strict inference of shapes, in
    // the package onnx, does not know what it gives.
    let sets = graph.reshape(input, to: [groups, site.input.count / groups], at: site.path)
    let one = graph.constant(
      ONNXTensor("\(site.path).one", [groups], floats: [Float](repeating: 1, count: groups)))
    let zero = graph.constant(
      ONNXTensor("\(site.path).zero", [groups], floats: [Float](repeating: 0, count: groups)))
    let normalized = graph.add(
      "InstanceNormalization", at: site.path, [sets, one, zero], ["epsilon": .float(Float(epsilon))])
    return site.scaledAndShifted(
      graph.reshape(normalized, to: site.input.featuresFirst, at: site.path), to: &graph)
  }
}

extension InstanceNorm: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    let (scale, shift) = (
      site.features("weight", else: 1, to: &graph), site.features("bias", else: 0, to: &graph)
    )
    return graph.add(
      "InstanceNormalization", at: site.path, [input, scale, shift], ["epsilon": .float(Float(epsilon))])
  }
}

extension Shape {
  /// The extents of an example in a graph: features first.
  var featuresFirst: [Int] { [featureCount] + dimensions.dropLast() }
}
