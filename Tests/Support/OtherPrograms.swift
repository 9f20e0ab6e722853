import Testing

/// Batch norm and learning-rate schedules as other programs do them, from `conventions.json`.
package struct OtherPrograms: Decodable, Sendable {
  /// Running statistics after three batches, and what they predict.
  package struct Averages: Decodable, Sendable {
    package let mean, variance, prediction: [Double]
  }

  /// One training step of PyTorch's BatchNorm1d in double: outputs and gradients.
  package let step: [String: [Double]]
  /// By the program, with its options.
  package let conventions: [String: Averages]
  /// Learning rates of PyTorch's schedulers over twenty steps from a rate of 1.
  package let schedules: [String: [Double]]
  /// What PyTorch predicts with `python_model.safetensors`.
  package let modelPrediction: [Double]

  package static let all: OtherPrograms = Fixture.json("conventions.json")
}

/// A layer, group, instance or RMS norm of PyTorch in double, from `norms.json`: outputs and gradients of one step.
package struct PyTorchNorm: Decodable, Sendable, CustomTestStringConvertible {
  package let kind: String
  /// Of an example, without its features.
  package let axes: [Int]
  /// `y`, `dx`, and the gradients of `weight` and `bias`.
  package let values: [String: [Double]]

  package var testDescription: String { "\(kind) \(axes)" }

  private struct File: Decodable {
    let norms: [PyTorchNorm]
  }

  package static let all = Fixture.json("norms.json", as: File.self).norms
}
