import ArgumentParser
import Evenkeel

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a model of the WEIGHTS of another program.",
    discussion:
      "WEIGHTS are a safetensors file without a network, such as the state_dict of a PyTorch module; --network says whose they are. Every tensor that does not fit is named."
  )
  @Argument(help: "A safetensors file.") var weights: String
  @Option(help: "A network file (YAML), or the name of a built-in network.") var network: String
  @Option(help: "The file for the model.") var output: String
  @Option(help: "What the outputs stand for, before the softmax: names of classes, separated by commas.")
  var classes: String?
  @Option(help: "What the outputs are, if they are values: their names, separated by commas.") var values: String?
  @Option(
    help: "What is subtracted from the inputs first: a number, or one for each channel, with commas between them.")
  var mean: Numbers?
  @Option(help: "By what they are divided then, likewise.") var deviation: Numbers?

  func run() throws {
    guard classes == nil || values == nil else {
      throw EvenkeelError(.usage, "--classes and --values both say what the outputs are; use one of them.")
    }
    try requireApart(output, from: [weights, network])
    try requireOutput(output)
    let model = try Model(
      NetworkOptions.named(network), importing: weights, mean: mean?.numbers ?? [],
      deviation: deviation?.numbers ?? [], classes: classes?.listed ?? [], values: values?.listed ?? [])
    try model.write(to: output)
    try emit("model: \(output), \(model.parameterCount) parameters of \(weights)")
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
