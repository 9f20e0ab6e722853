import Evenkeel

/// How a model becomes an ONNX graph.
public struct ONNXOptions: Hashable, Codable, Sendable {
  /// The order of the axes of an image or a sequence that goes in.
  public enum Layout: String, CaseIterable, Codable, Sendable {
    /// Features last, as Evenkeel and image files have them: `[N, H, W, C]`, `[N, L, C]`.
    case nhwc
    /// Features first, as PyTorch has them: `[N, C, H, W]`, `[N, C, L]`.
    case nchw
  }

  /// What the graph of a model of a table takes.
  public enum Inputs: String, CaseIterable, Codable, Sendable {
    /// An input a column, by the column's name: numbers `[N, 1]` with NaN for a missing one, texts `[N, 1]` with "" for it.
    case columns
    /// One input `[N, features]`, as the columns are encoded.
    case features
  }

  /// The version of the standard operators, 17 to 23. Older readers take older versions.
  public var opset = 17
  /// The order of the axes of images and sequences that go in.
  public var layout = Layout.nhwc
  /// What the graph of a model of a table takes.
  public var inputs = Inputs.columns
  /// Whether what the network gives, before it is made probabilities or values in the target's unit, is an output too.
  public var addsLogits = false

  /// The defaults: opset 17, features last, an input for each column.
  public init() {}

  /// The versions that may be asked for.
  public static let opsets = 17...23

  /// The oldest version of the file format that has the operators.
  var irVersion: Int { opset < 19 ? 8 : opset < 21 ? 9 : opset < 23 ? 10 : 11 }

  /// The version of the operators for machine learning that came with them.
  var machineLearningOpset: Int { opset < 19 ? 3 : opset < 21 ? 4 : 5 }
}
