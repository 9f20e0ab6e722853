import ArgumentParser
import Evenkeel

/// What the weights of another program are for.
struct WeightOptions: ParsableArguments {
  @Option(help: "A network file (YAML), or the name of a built-in network.") var network: String?
  @Option(help: "What the outputs stand for, before the softmax: names of classes, separated by commas.")
  var classes: String?
  @Option(help: "What the outputs are, if they are values: their names, separated by commas.") var values: String?
  @Option(
    help: "What is subtracted from the inputs first: a number, or one for each channel, with commas between them.")
  var mean: Numbers?
  @Option(help: "By what they are divided then, likewise.") var deviation: Numbers?

  /// An option that was given.
  var given: String? {
    let options = [
      ("--network", network != nil), ("--classes", classes != nil), ("--values", values != nil),
      ("--mean", mean != nil), ("--deviation", deviation != nil),
    ]
    return options.first { $0.1 }?.0
  }
}

extension Import {
  /// Writes the model of a safetensors file that holds weights alone.
  func importWeights() throws {
    guard let network = weights.network else {
      throw EvenkeelError(.usage, "\(file) is a safetensors file; --network says whose weights it holds.")
    }
    guard weights.classes == nil || weights.values == nil else {
      throw EvenkeelError(.usage, "--classes and --values both say what the outputs are; use one of them.")
    }
    let model = try Model(
      NetworkOptions.named(network), importing: file, mean: weights.mean?.numbers ?? [],
      deviation: weights.deviation?.numbers ?? [], classes: weights.classes?.listed ?? [],
      values: weights.values?.listed ?? [])
    try model.write(to: output)
    try emit("model: \(output), \(model.parameterCount) parameters of \(file)")
  }
}

/// Numbers with commas between them.
struct Numbers: ExpressibleByArgument {
  let numbers: [Double]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    guard !parts.contains(nil) else { return nil }
    numbers = parts.compactMap(\.self)
  }
}
