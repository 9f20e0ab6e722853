import ArgumentParser
import Evenkeel

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a model of FILE, a network or the weights of another program, to predict with or to train on.",
    discussion:
      "FILE is an ONNX file, from PyTorch, Keras, scikit-learn or Evenkeel, whose nodes must be what Evenkeel's layers do; or a safetensors file without a network, such as the state_dict of a PyTorch module: --network says whose weights they are. What does not fit is listed. Images go into the model features last, whatever an ONNX file takes."
  )
  @Argument(help: "An ONNX file or a safetensors file.") var file: String
  @Option(help: "The model file to write.") var output: String
  @OptionGroup(title: "ONNX files") var graph: GraphOptions
  @OptionGroup(title: "Safetensors files") var weights: WeightOptions

  func run() throws {
    try requireApart(output, from: [file, weights.network] + graph.check)
    try requireOutput(output)
    let holdsWeights = try Safetensors.isOne(file)
    if let option = holdsWeights ? graph.given : weights.given {
      throw EvenkeelError(
        .usage, "\(option) is for \(holdsWeights ? "ONNX" : "safetensors") files, and \(file) is none.")
    }
    try holdsWeights ? importWeights() : importONNX()
  }
}
