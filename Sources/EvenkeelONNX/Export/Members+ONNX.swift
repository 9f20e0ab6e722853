import Evenkeel

// Members are positions, the third axis of a graph's values.

extension Ensemble: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    let x = site.input.rank == 1 ? graph.reshape(input, to: [site.input.featureCount, 1], at: site.path) : input
    let weight = site.constant("weight", to: &graph)!
    let scale = graph.add("Transpose", at: site.path, [weight], ["perm": .integers([1, 0])])
    return graph.add("Mul", at: site.path, [x, scale])
  }
}

extension MemberDense: ONNXExportable {
  public func export(_ site: ONNXSite, from input: String, to graph: inout ONNXGraphBuilder) -> String {
    let at = site.path, members = site.input.dimensions[0]
    let weight = site.constant("weight", to: &graph)!
    let weights = graph.add("Transpose", at: at, [weight], ["perm": .integers([0, 2, 1])])
    let byMember = graph.add("Transpose", at: at, [input], ["perm": .integers([2, 0, 1])])
    let products = graph.add("MatMul", at: at, [byMember, weights])
    let sums = graph.add("Add", at: at, [products, site.constant("bias", [members, 1, units], to: &graph)!])
    return graph.add("Transpose", at: at, [sums], ["perm": .integers([1, 2, 0])])
  }
}

extension ONNXGraphBuilder {
  /// What members give together: outputs that mean the mean of their probabilities, or values.
  /// - Parameters:
  ///   - outputs: `[N, width, members]`.
  ///   - loss: What they were trained for; nil for plain ones.
  mutating func merged(_ outputs: String, _ loss: Loss?) -> String {
    let at = "members"
    let kind = loss.flatMap { $0.isRegression ? nil : $0.isSoftmax ? "Softmax" : "Sigmoid" }
    guard let kind else { return mean(outputs, over: 2, keepsAxis: false, at: at) }
    let shares = add(kind, at: at, [outputs], kind == "Softmax" ? ["axis": .integer(1)] : [:])
    let exact = mean(cast(shares, to: .double, at: at), over: 2, keepsAxis: false, at: at)
    var logits = logarithm(exact, at: at)
    if kind == "Sigmoid" {
      let other = add("Sub", at: at, [double("\(at).one", 1), exact])
      logits = add("Sub", at: at, [logits, logarithm(other, at: at)])
    }
    return cast(logits, to: .float, at: at)
  }

  /// Of a probability, which may be 0.
  private mutating func logarithm(_ share: String, at path: String) -> String {
    let positive = add("Max", at: path, [share, double("\(path).least", OutputDescription.leastProbability)])
    return add("Log", at: path, [positive])
  }
}
