import ArgumentParser
import Evenkeel
import EvenkeelONNX

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes MODEL as an ONNX file that other programs run: ONNX Runtime, OpenVINO, TensorRT.",
    discussion:
      "The graph takes what the model was trained on and gives what predict writes: label and probabilities, or prediction. A model of a table takes an input for each column, by its name: numbers with NaN for a missing one, texts with an empty one for it. Pixels go in as they are in the file, 0 to 255."
  )
  @Argument(help: "A model file.") var model: String
  @Option(help: "The ONNX file to write.") var output: String
  @Option(help: "The version of the operators, 17 to 23; readers since the middle of 2022 know 17.") var opset = 17
  @Flag(help: "Fold batch norms into the layers before them.") var folded = false
  @Option(help: "The order of the axes of images and sequences: nhwc, features last, or nchw, features first.")
  var layout = ONNXOptions.Layout.nhwc
  @Option(help: "What the graph of a table's model takes: columns, or the features that they become.")
  var inputs = ONNXOptions.Inputs.columns
  @Option(help: "logits: adds what the network gives before it is made probabilities or values.")
  var outputs: Outputs?

  enum Outputs: String, ExpressibleByArgument { case logits }

  func run() throws {
    try requireApart(output, from: [model])
    try requireOutput(output)
    var model = try Model(contentsOf: model)
    if folded { model = try model.folded() }
    var options = ONNXOptions()
    (options.opset, options.layout, options.inputs) = (opset, layout, inputs)
    options.addsLogits = outputs == .logits
    if inputs == .features, model.encoding?.hasNamedColumns != true {
      warn(["\(self.model): --inputs features changes nothing, as the model takes no columns."])
    }
    if layout == .nchw, model.encoding != nil || model.network.input.rank == 1 {
      warn(["\(self.model): --layout nchw changes nothing, as the network takes \(model.network.input)."])
    }
    try model.writeONNX(to: output, options)
  }
}

extension ONNXOptions.Layout: ExpressibleByArgument {}
extension ONNXOptions.Inputs: ExpressibleByArgument {}
