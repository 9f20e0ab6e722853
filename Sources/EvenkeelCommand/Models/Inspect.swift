import ArgumentParser
import Evenkeel

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows layers, shapes, parameters and multiply-adds, and what is wrong with a model's batch norms.",
    discussion:
      "Findings do not change the exit code. DATA adds what only data can show: how far it is from the running statistics, and what that costs."
  )
  @Argument(help: "A model file.") var model: String?
  @Argument(help: "As for evaluate; data without targets is measured without accuracy.") var data: String?
  @Option(help: "A network file, or the name of a built-in network, instead of a model.")
  var network: String?
  @Option(
    help: "Examples in a training batch, to judge its statistics; by default those that the model was trained with.")
  var batchSize: Int?
  @OptionGroup var database: DatabaseOptions
  @OptionGroup var broken: BrokenImageOption
  @Flag(help: "Print one JSON object per line: a layer, a column, a batch norm, an evaluation or a finding.") var json =
    false

  func run() throws {
    if let batchSize, batchSize < 2 {
      throw EvenkeelError(.usage, "--batch-size is \(batchSize); a batch's variance needs at least 2 examples.")
    }
    switch (model, network) {
    case (let path?, nil): try show(Model(contentsOf: path))
    case (nil, let name?):
      let network = try NetworkOptions.named(name)
      try show(network, learned: nil)
      let findings = try network.diagnose(batchSize: batchSize)
      if json || !findings.isEmpty { try DiagnosisReport(json: json).show(findings) }
    default:
      throw EvenkeelError(
        .usage,
        "Expected either a model file, or --network with a network file or one of \(Network.presets.joined(separator: ", "))."
      )
    }
  }

  private func show(_ model: Model) throws {
    let dataset = try data.map { try examples($0, for: model) }
    let diagnosis = try model.diagnose(on: dataset, batchSize: batchSize)
    try show(model.network, learned: model)
    if let encoding = model.encoding { try show(encoding) }
    if !json, let output = model.output {
      try emit(
        output.classLabels.isEmpty
          ? "predicts \(output.targetNames.joined(separator: ", "))"
          : "predicts one of \(output.classLabels.joined(separator: ", "))")
    }
    try DiagnosisReport(json: json).show(diagnosis)
  }

  /// What the columns of a table become; of an array of numbers, how many there are.
  private func show(_ encoding: TableEncoding) throws {
    let columns = encoding.describeColumns()
    if json {
      for column in columns { try emitJSON(ColumnLine(column)) }
      return
    }
    try emit(encoding.summary)
    guard !columns.isEmpty else { return }
    try emit("")
    for line in ColumnDescription.lines(columns) { try emit(line) }
    try emit("")
  }

  /// The data with its targets where it has those that the model knows.
  private func examples(_ path: String, for model: Model) throws -> Dataset {
    let (dataset, warnings): (Dataset, [String])
    let rows = try database.rows()
    do {
      (dataset, warnings) = try Dataset.readForUse(
        path, rows: rows, by: model, targets: true, skippingBroken: broken.skipBroken)
    } catch let error as EvenkeelError
      where error.code == .data && path != "-"
    {
      guard
        let plain = try? Dataset.readForUse(
          path, rows: rows, by: model, targets: false, skippingBroken: broken.skipBroken)
      else { throw error }
      warn("without targets, so without accuracy: \(error.message)")
      (dataset, warnings) = plain
    }
    warn(warnings)
    return dataset
  }

  /// The layers one by one, with the moments of the weights that `learned` has.
  private func show(_ network: Network, learned: Model?) throws {
    let layers = try network.placed().layers
    if json {
      for layer in layers { try emitJSON(LayerLine(layer)) }
      return
    }
    let row = { (name: String, kind: String, output: String, parameters: String, multiplyAdds: String) in
      name.padded(to: 14) + kind.padded(to: 18) + output.padded(to: 16) + parameters.padded(to: 10)
        + multiplyAdds.padded(to: 14)
    }
    try emit(
      row("layer", "kind", "gives", "learns", "multiply-adds") + (learned == nil ? "" : "weights: mean, deviation"))
    for layer in layers {
      let weights = learned?.parameters.first { $0.role == .weight && $0.name.hasPrefix(layer.path + ".") }
      try emit(
        row(
          layer.path, type(of: layer.layer).kind, layer.output.description, String(layer.parameterCount),
          String(layer.multiplyAdds)) + (weights.map { moments($0.values.values) } ?? ""))
    }
    let parameters = layers.reduce(0) { $0 + $1.parameterCount }
    let multiplyAdds = layers.reduce(0) { $0 + $1.multiplyAdds }
    try emit("input \(network.input), \(parameters) parameters, \(multiplyAdds) multiply-adds per example")
  }

  private func moments(_ values: [Float]) -> String {
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
    return [mean, variance.squareRoot()].map { NumberText.plain.fixed($0, decimals: 5) }.joined(separator: ", ")
  }
}

private struct LayerLine: Encodable {
  let layer: String
  let kind: String
  let output: EncodedJSON
  let parameters: Int
  let multiplyAdds: Int

  init(_ leaf: PlacedLayer) {
    (layer, kind) = (leaf.path, type(of: leaf.layer).kind)
    output = EncodedJSON(text: leaf.output.description)
    (parameters, multiplyAdds) = (leaf.parameterCount, leaf.multiplyAdds)
  }
}
