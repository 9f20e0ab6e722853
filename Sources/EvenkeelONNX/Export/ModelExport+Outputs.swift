import Evenkeel
internal import FoundationEssentials

extension ModelExport {
  /// Adds what the outputs mean: classes and probabilities, or values in the targets' units.
  /// - Parameter values: What the network gives, a row an example.
  mutating func addOutputs(_ values: String) throws {
    let width = network.outputCount
    guard let output = model.output else { return name(values, "output", .float, [nil, width]) }
    if options.addsLogits { name(values, "logits", .float, [nil, width]) }
    if output.loss.isRegression { return addValues(values, output, width) }
    var values = values
    if let temperature = output.temperature {
      values = graph.add("Mul", at: "output", [values, graph.constant("output.sharpness", 1 / temperature)])
    }
    let probabilities = output.loss.isSoftmax ? "Softmax" : "Sigmoid"
    guard !output.classLabels.isEmpty else {
      return graph.output(graph.add(probabilities, giving: "prediction", [values]), .float, [nil, width])
    }
    let shares: String
    if output.classLabels.count == 2, width == 1 {
      let second = graph.add(probabilities, at: "output", [values])
      let first = graph.add("Sub", at: "output", [graph.constant("output.one", 1), second])
      shares = graph.add("Concat", giving: "probabilities", [first, second], ["axis": .integer(1)])
    } else {
      shares = graph.add(probabilities, giving: "probabilities", [values])
    }
    addLabel(of: shares, output.classLabels, threshold: output.threshold)
    graph.output(shares, .float, [nil, output.classLabels.count])
  }

  /// The name of the most probable class, of the first if several are; with a threshold the second from that probability on.
  private mutating func addLabel(of probabilities: String, _ labels: [String], threshold: Double?) {
    let place: String
    if let threshold {
      let one = graph.constant(ONNXTensor("output.second", [], integers: [1]))
      let second = graph.add("Gather", at: "output", [probabilities, one], ["axis": .integer(1)])
      let isSecond = graph.add(
        "GreaterOrEqual", at: "output", [second, graph.constant("output.threshold", threshold)])
      place = graph.add("Cast", at: "output", [isSecond], ["to": .integer(ONNXElement.int64.rawValue)])
    } else {
      place = graph.add("ArgMax", at: "output", [probabilities], ["axis": .integer(1), "keepdims": .integer(0)])
    }
    let numbers = labels.compactMap { label in Int(label).flatMap { String($0) == label ? $0 : nil } }
    let areNumbers = numbers.count == labels.count
    let names =
      areNumbers
      ? ONNXTensor("classes", [labels.count], integers: numbers)
      : ONNXTensor("classes", [labels.count], texts: labels)
    let label = graph.add("Gather", giving: "label", [graph.constant(names), place])
    graph.output(label, areNumbers ? .int64 : .string, [nil])
  }

  /// In double, as a target may be far from 0 relative to its deviation.
  private mutating func addValues(_ values: String, _ output: OutputDescription, _ width: Int) {
    let deviation = graph.constant(ONNXTensor("output.deviation", [width], doubles: output.targetDeviation))
    let mean = graph.constant(ONNXTensor("output.mean", [width], doubles: output.targetMean))
    let exact = graph.add("Cast", at: "output", [values], ["to": .integer(ONNXElement.double.rawValue)])
    let scaled = graph.add("Add", at: "output", [graph.add("Mul", at: "output", [exact, deviation]), mean])
    let prediction = graph.add(
      "Cast", giving: "prediction", [scaled], ["to": .integer(ONNXElement.float.rawValue)])
    graph.output(prediction, .float, [nil, width])
  }

  /// Makes `value` an output of the graph under the name `name`.
  private mutating func name(_ value: String, _ name: String, _ element: ONNXElement, _ dimensions: [Int?]) {
    graph.output(graph.add("Identity", giving: name, [value]), element, dimensions)
  }
}

// What the file says about the model.
extension ModelExport {
  var summary: String {
    guard let output = model.output else { return "A network that takes \(network.input) and is not trained." }
    return output.classLabels.isEmpty
      ? "Predicts \(output.targetNames.joined(separator: ", "))."
      : "Predicts one of \(output.classLabels.count) classes."
  }

  /// What others may want to know first, then what `ONNXImport` needs beside the graph.
  func metadata() throws -> [(key: String, value: String)] {
    var entries = [("evenkeel.version", Release.version)]
    if let output = model.output {
      entries.append(("task", output.classLabels.isEmpty ? "regression" : "classification"))
      if !output.classLabels.isEmpty { entries.append(("classes", try Self.json(output.classLabels))) }
    }
    if let encoding = model.encoding { entries.append(("features", try Self.json(encoding.featureNames))) }
    if let training = model.training { entries.append(("training", try Self.json(training))) }
    entries.append((Self.optionsKey, try Self.json(options)))
    entries.append((Self.modelKey, try model.text(without: graph.graph.floats)))
    return entries.map { (key: $0.0, value: $0.1) }
  }

  /// The keys of the options and of the model itself, but for the tensors that the graph holds under their names.
  static let optionsKey = "evenkeel.export", modelKey = "evenkeel.model"

  private static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
