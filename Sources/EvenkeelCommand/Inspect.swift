import ArgumentParser
import Evenkeel

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows layers, shapes, parameters and multiply-adds; of a model also the health of every batch norm.")
  @Argument(help: "A model file.") var model: String?
  @Option(help: "A network file, or the name of a network that ships with the program, in place of a model.")
  var network: String?
  @Flag(help: "One JSON object a line: a layer or a batch norm's health.") var json = false

  func run() throws {
    switch (model, network) {
    case (let path?, nil): try show(Model(contentsOf: path))
    case (nil, let name?):
      try show(named(name), learned: nil)
    default:
      throw EvenkeelError(
        .usage, "Give a model file or --network with a file or one of \(Network.presets.joined(separator: ", ")).")
    }
  }

  private func show(_ model: Model) throws {
    try show(model.network, learned: model)
    let health = try model.network.leaves().compactMap { layer in
      (layer.layer as? BatchNorm).map { Health($0, layer.name, of: model) }
    }
    if json {
      for norm in health { try emit(norm.object) }
      return
    }
    if let output = model.output {
      try emit(
        output.classLabels.isEmpty
          ? "predicts \(output.targetNames.joined(separator: ", "))"
          : "predicts one of \(output.classLabels.joined(separator: ", "))")
    }
    guard !health.isEmpty else { return }
    try emit(
      "\n"
        + columns([
          ("batch norm", 14), ("γ", 18), ("β", 18), ("μ", 20), ("σ²", 20), ("batches", 9),
        ]))
    for norm in health {
      try emit(
        columns([
          (norm.name, 14), (range(norm.scale), 18), (range(norm.shift), 18), (range(norm.statistics.mean), 20),
          (range(norm.statistics.variance), 20), (String(norm.statistics.batchCount), 9),
        ]))
    }
    for norm in health { for finding in norm.findings { try emit("\(norm.name): \(finding)") } }
    if health.allSatisfy(\.findings.isEmpty) { try emit("Every batch norm is in order.") }
  }

  /// The layers one by one, with the moments of the weights that `learned` has.
  private func show(_ network: Network, learned: Model?) throws {
    let layers = try network.leaves()
    if json {
      for layer in layers {
        try emit(
          jsonObject([
            ("layer", jsonText(layer.name)), ("kind", jsonText(type(of: layer.layer).kind)),
            ("output", layer.output.description), ("parameters", "\(layer.parameterCount)"),
            ("multiplyAdds", "\(layer.multiplyAdds)"),
          ]))
      }
      return
    }
    try emit(
      columns([("layer", 14), ("kind", 18), ("gives", 16), ("learns", 10), ("multiply-adds", 14)])
        + (learned == nil ? "" : "weights: mean, deviation"))
    for layer in layers {
      let weights = learned?.parameters.first { $0.role == .weight && $0.name.hasPrefix(layer.name + ".") }
      try emit(
        columns([
          (layer.name, 14), (type(of: layer.layer).kind, 18), (layer.output.description, 16),
          (String(layer.parameterCount), 10), (String(layer.multiplyAdds), 14),
        ]) + (weights.map { moments($0.values.values) } ?? ""))
    }
    try emit(
      "input \(network.input), \(layers.reduce(0) { $0 + $1.parameterCount }) parameters, \(layers.reduce(0) { $0 + $1.multiplyAdds }) multiply-adds an example"
    )
  }

  private func columns(_ cells: [(String, Int)]) -> String {
    cells.map { $0 + String(repeating: " ", count: max(1, $1 - $0.count)) }.joined()
  }

  private func range(_ values: [Float]) -> String {
    guard let low = values.min(), let high = values.max() else { return "fixed" }
    return "\(short(low)) … \(short(high))"
  }

  private func moments(_ values: [Float]) -> String {
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
    return "\(fixed(mean, 5)), \(fixed(variance.squareRoot(), 5))"
  }

  private func short(_ value: Float) -> String {
    abs(value) >= 1e5 || (value != 0 && abs(value) < 1e-3) ? scientific(Double(value)) : fixed(Double(value), 3)
  }

  private func scientific(_ value: Double) -> String {
    var (mantissa, exponent) = (value, 0)
    while abs(mantissa) >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while abs(mantissa) < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    return "\(fixed(mantissa, 1))e\(exponent)"
  }
}

/// What can be read off the parameters and averages of one batch norm.
private struct Health {
  let name: String
  let epsilon: Double
  let scale: [Float]
  let shift: [Float]
  let statistics: RunningStatistics

  init(_ layer: BatchNorm, _ name: String, of model: Model) {
    self.name = name
    epsilon = layer.epsilon
    func values(_ role: ParameterRole) -> [Float] {
      model.parameters.first { $0.role == role && $0.name.hasPrefix(name + ".") }?.values.values ?? []
    }
    scale = values(.scale)
    shift = values(.shift)
    statistics = model.runningStatistics.first { $0.name == name }!.statistics
  }

  /// Features that were the same in every example: their variance is below ε.
  var constant: Int { statistics.variance.count { Double($0) < epsilon } }
  /// Features that the scale has all but switched off.
  var faint: Int { scale.count { abs($0) < 0.01 } }

  var findings: [String] {
    var findings: [String] = []
    let features = statistics.mean.count
    if statistics.batchCount == 0 { findings.append("no batch was averaged; it predicts with mean 0 and variance 1.") }
    if constant > 0 { findings.append("\(constant) of \(features) features are constant (σ² below ε).") }
    if faint > 0 { findings.append("\(faint) of \(features) features are all but switched off (|γ| below 0.01).") }
    return findings
  }

  var object: String {
    jsonObject([
      ("batchNorm", jsonText(name)), ("features", "\(statistics.mean.count)"),
      ("batches", "\(statistics.batchCount)"), ("lowestScale", number(scale.min())),
      ("highestScale", number(scale.max())), ("lowestShift", number(shift.min())),
      ("highestShift", number(shift.max())), ("lowestMean", number(statistics.mean.min())),
      ("highestMean", number(statistics.mean.max())), ("lowestVariance", number(statistics.variance.min())),
      ("highestVariance", number(statistics.variance.max())), ("constantFeatures", "\(constant)"),
      ("faintFeatures", "\(faint)"),
    ])
  }

  private func number(_ value: Float?) -> String? { jsonNumber(value.map(Double.init)) }
}
