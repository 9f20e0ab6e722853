import Evenkeel

extension InputScaling {
  /// What the network gets for `inputs`, to the bit.
  package func scaled(_ inputs: [Float]) -> [Float] {
    inputs.indices.map { index in
      let channel = index % mean.count
      return (inputs[index] - Float(mean[channel])) * (deviation[channel] > 0 ? 1 / Float(deviation[channel]) : 0)
    }
  }
}

extension Targets {
  /// Targets for `loss`, as the library takes them and as the reference does.
  package static func made(
    for loss: ReferenceLoss, rows: Int, outputs: Int, _ numbers: inout Numbers
  ) -> (real: Targets, values: [Double]) {
    let names = (0..<outputs).map { "output \($0)" }
    if case .softmax = loss {
      let labels = (0..<rows).map { Int32($0 * 7 % outputs) }
      return (
        .classes(labels, labels: names), labels.flatMap { label in (0..<outputs).map { Int32($0) == label ? 1 : 0 } }
      )
    }
    let values = numbers.many(rows * outputs).map { abs($0) }
    guard !loss.isRegression else {
      // Regression targets are learned in standardized units, each in its own.
      var standardized = values.map { Double($0) }
      for output in 0..<outputs {
        let own = stride(from: output, to: values.count, by: outputs)
        let mean = own.reduce(0) { $0 + Double(values[$1]) } / Double(rows)
        let variance = own.reduce(0) { $0 + (Double(values[$1]) - mean) * (Double(values[$1]) - mean) } / Double(rows)
        for at in own {
          standardized[at] = Double(Float((Double(values[at]) - mean) / (variance > 0 ? variance.squareRoot() : 1)))
        }
      }
      return (.values(values.map { Double($0) }, names: names), standardized)
    }
    return (.values(values.map { Double($0) }, names: names), values.map { Double($0) })
  }
}

extension ReferenceLoss {
  fileprivate var isRegression: Bool {
    switch self {
    case .squared, .huber: true
    case .softmax, .sigmoid: false
    }
  }
}
