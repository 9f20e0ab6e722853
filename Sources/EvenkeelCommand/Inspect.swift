import ArgumentParser
import Evenkeel

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows layers, shapes, parameters and multiply-adds; of a model also what is wrong with its batch norms.",
    discussion:
      "Findings do not change the exit code. DATA adds what only data can tell: how far it is from the running statistics, and what that costs."
  )
  @Argument(help: "A model file.") var model: String?
  @Argument(help: "As for evaluate; what has no targets is measured without accuracy.") var data: String?
  @Option(help: "A network file, or the name of a network that ships with the program, in place of a model.")
  var network: String?
  @Option(
    help: "Examples in a batch of the training, to judge its statistics; the one that the model was trained with.")
  var batchSize: Int?
  @Flag(help: "One JSON object a line: a layer, a batch norm, an evaluation or a finding.") var json = false

  func run() throws {
    if let batchSize, batchSize < 2 {
      throw EvenkeelError(.usage, "--batch-size is \(batchSize); a batch's variance needs at least 2 examples.")
    }
    switch (model, network) {
    case (let path?, nil): try show(Model(contentsOf: path))
    case (nil, let name?):
      let network = try named(name)
      try show(network, learned: nil)
      let findings = try network.diagnose(batchSize: batchSize)
      if json || !findings.isEmpty { try DiagnosisReport(json: json).show(findings) }
    default:
      throw EvenkeelError(
        .usage, "Give a model file or --network with a file or one of \(Network.presets.joined(separator: ", ")).")
    }
  }

  private func show(_ model: Model) throws {
    let dataset = try data.map { try examples($0, for: model) }
    let diagnosis = try model.diagnose(on: dataset, batchSize: batchSize)
    try show(model.network, learned: model)
    if !json, let output = model.output {
      try emit(
        output.classLabels.isEmpty
          ? "predicts \(output.targetNames.joined(separator: ", "))"
          : "predicts one of \(output.classLabels.joined(separator: ", "))")
    }
    try DiagnosisReport(json: json).show(diagnosis)
  }

  /// The data with its targets where it has those that the model knows.
  private func examples(_ path: String, for model: Model) throws -> Dataset {
    let (dataset, warnings): (Dataset, [String])
    do { (dataset, warnings) = try Dataset.readForUse(path, by: model, targets: true) } catch let error as EvenkeelError
      where error.code == .data && path != "-"
    {
      guard let plain = try? Dataset.readForUse(path, by: model, targets: false) else { throw error }
      complain("warning: without targets, so without accuracy: \(error.message)")
      (dataset, warnings) = plain
    }
    for warning in warnings { complain("warning: \(warning)") }
    return dataset
  }

  /// The layers one by one, with the moments of the weights that `learned` has.
  private func show(_ network: Network, learned: Model?) throws {
    let layers = try network.placed().layers
    if json {
      for layer in layers {
        try emit(
          jsonObject([
            ("layer", jsonText(layer.path)), ("kind", jsonText(type(of: layer.layer).kind)),
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
      let weights = learned?.parameters.first { $0.role == .weight && $0.name.hasPrefix(layer.path + ".") }
      try emit(
        columns([
          (layer.path, 14), (type(of: layer.layer).kind, 18), (layer.output.description, 16),
          (String(layer.parameterCount), 10), (String(layer.multiplyAdds), 14),
        ]) + (weights.map { moments($0.values.values) } ?? ""))
    }
    try emit(
      "input \(network.input), \(layers.reduce(0) { $0 + $1.parameterCount }) parameters, \(layers.reduce(0) { $0 + $1.multiplyAdds }) multiply-adds an example"
    )
  }

  private func moments(_ values: [Float]) -> String {
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
    return "\(fixed(mean, 5)), \(fixed(variance.squareRoot(), 5))"
  }
}

/// Cells padded to their widths.
func columns(_ cells: [(String, Int)]) -> String {
  cells.map { $0 + String(repeating: " ", count: max(1, $1 - $0.count)) }.joined()
}
