import ArgumentParser
import Evenkeel

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a model of FILE, a network of another program, to predict with or to train on.",
    discussion:
      "FILE is an ONNX file, from PyTorch, Keras, scikit-learn or Evenkeel. Its nodes must be what Evenkeel's layers do; others are listed. Images go into the model features last, whatever the file takes."
  )
  @Argument(help: "An ONNX file.") var file: String
  @Option(help: "The model file to write.") var output: String
  @Option(
    parsing: .upToNextOption,
    help:
      "Two NPY files, inputs and outputs of the other program: --check x.npy y.npy compares the model's predictions.")
  var check: [String] = []

  func run() throws {
    guard check.isEmpty || check.count == 2 else {
      throw EvenkeelError(.usage, "--check takes two files, inputs and outputs, e.g. --check x.npy y.npy.")
    }
    try requireApart(output, from: [file] + check)
    try requireOutput(output)
    try importONNX()
  }
}
