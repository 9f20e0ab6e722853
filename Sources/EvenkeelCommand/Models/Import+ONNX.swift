import ArgumentParser
import Evenkeel
import EvenkeelONNX

/// How a graph is read.
struct GraphOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help:
      "Two NPY files, inputs and outputs of the other program: --check x.npy y.npy compares the model's predictions.")
  var check: [String] = []

  /// An option that was given.
  var given: String? { check.isEmpty ? nil : "--check" }
}

extension Import {
  /// Writes the model of an ONNX file and shows what it is.
  func importONNX() throws {
    let check = graph.check
    guard check.isEmpty || check.count == 2 else {
      throw EvenkeelError(.usage, "--check takes two files, inputs and outputs, e.g. --check x.npy y.npy.")
    }
    let imported = try ONNXImport(contentsOf: file)
    warn(imported.notes.map { "\(file): \($0)" })
    let model = imported.model
    if !check.isEmpty {
      let difference = try imported.difference(inputs: check[0], outputs: check[1])
      let text =
        "the largest difference is \(NumberText.plain.significant(difference, digits: 2)) of the largest output"
      guard difference <= Self.tolerance else {
        throw EvenkeelError(.data, "\(file): the model does not predict what is in \(check[1]); \(text).")
      }
      try emit("predicts what is in \(check[1]); \(text)")
    }
    try model.write(to: output)
    for layer in try model.network.placed().layers {
      try emit(layer.path.padded(to: 14) + type(of: layer.layer).kind.padded(to: 18) + layer.output.description)
    }
    try emit("input \(model.network.input), \(model.parameterCount) parameters")
  }

  /// The largest difference that comes from rounding alone, relative to the largest output: deep networks add up some.
  private static let tolerance = 1e-4
}
