/// A model as an ONNX file holds it.
struct ONNXModel {
  var irVersion = 0
  /// The version of each domain's operators; "" is the standard domain.
  var opsets: [(domain: String, version: Int)] = []
  var producer = ""
  var producerVersion = ""
  /// One sentence on what it is.
  var summary = ""
  var metadata: [(key: String, value: String)] = []
  var graph = ONNXGraph()

  /// The version of the standard operators; 0 if the file names none.
  var opset: Int { opsets.first { $0.domain == "" || $0.domain == "ai.onnx" }?.version ?? 0 }

  func metadata(_ key: String) -> String? { metadata.first { $0.key == key }?.value }
}

/// Nodes in an order in which each follows those that it reads.
struct ONNXGraph: Hashable {
  var inputs: [ONNXValue] = []
  var outputs: [ONNXValue] = []
  var nodes: [ONNXNode] = []
  var constants: [ONNXTensor] = []

  /// The values of the constants that are floats, by name.
  var floats: [String: [Float]] {
    let named = constants.compactMap { constant -> (String, [Float])? in
      if case .floats(let values) = constant.content { (constant.name, values) } else { nil }
    }
    return Dictionary(named) { first, _ in first }
  }
}

/// An input or output of a graph.
struct ONNXValue: Hashable {
  let name: String
  let element: ONNXElement
  /// nil where the number of rows or another extent is left open; nil altogether if the file does not say.
  let dimensions: [Int?]?
}

/// One operator with what it reads and gives, by name.
struct ONNXNode: Hashable {
  /// The operator: `Conv`.
  var kind: String
  /// Its domain; "" is the standard one.
  var domain = ""
  var name = ""
  /// "" for one that is left out.
  var inputs: [String]
  var outputs: [String]
  var attributes: [String: ONNXAttribute] = [:]
}

/// An option of an operator.
public enum ONNXAttribute: Hashable, Sendable {
  /// A number.
  case float(Float)
  /// A whole number, also one that means yes (1) or no (0).
  case integer(Int)
  /// A name.
  case text(String)
  /// Numbers.
  case floats([Float])
  /// Whole numbers: the extent of a kernel, axes.
  case integers([Int])
  /// Names.
  case texts([String])
  /// A constant.
  case tensor(ONNXTensor)
  /// A graph, or another kind that no operator here has.
  case other
}
