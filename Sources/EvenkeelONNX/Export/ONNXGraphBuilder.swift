import Evenkeel

/// A graph that grows node by node; layers add theirs in `ONNXExportable.export`.
public struct ONNXGraphBuilder {
  /// The version of the standard operators that the graph may use, 17 to 23.
  public let opset: Int
  private(set) var graph = ONNXGraph()
  private var names: Set<String> = []

  init(opset: Int) { self.opset = opset }

  /// Adds a node with one output.
  /// - Parameters:
  ///   - kind: The operator, as in `Conv`, of a version up to `opset`.
  ///   - path: What the node is named after: the layer's path.
  ///   - inputs: Names of values; "" for one that is left out.
  ///   - attributes: The operator's options by name.
  /// - Returns: The name of what it gives.
  public mutating func add(
    _ kind: String, at path: String, _ inputs: [String], _ attributes: [String: ONNXAttribute] = [:]
  ) -> String {
    add(kind, giving: "\(path)/\(kind)", inputs, attributes)
  }

  /// The same with a name of its own for what the node gives.
  mutating func add(
    _ kind: String, giving name: String, _ inputs: [String], _ attributes: [String: ONNXAttribute] = [:],
    domain: String = ""
  ) -> String {
    let output = unused(name)
    graph.nodes.append(
      ONNXNode(
        kind: kind, domain: domain, name: output, inputs: inputs, outputs: [output], attributes: attributes))
    return output
  }

  /// Adds constant values; those of parameters have the names of stored files, as in `3.weight`.
  /// - Returns: The name by which nodes refer to them.
  public mutating func constant(_ values: ONNXTensor) -> String {
    var values = values
    values.name = unused(values.name)
    graph.constants.append(values)
    return values.name
  }

  /// Adds one number.
  public mutating func constant(_ name: String, _ number: Double) -> String {
    constant(ONNXTensor(name, [], floats: [Float(number)]))
  }

  mutating func input(_ name: String, _ element: ONNXElement, _ dimensions: [Int?]) -> String {
    let name = unused(name)
    graph.inputs.append(ONNXValue(name: name, element: element, dimensions: dimensions))
    return name
  }

  /// Declares that what a node gives is an output.
  mutating func output(_ name: String, _ element: ONNXElement, _ dimensions: [Int?]) {
    graph.outputs.append(ONNXValue(name: name, element: element, dimensions: dimensions))
  }

  private mutating func unused(_ name: String) -> String {
    var (candidate, number) = (name, 2)
    while !names.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }
}

extension ONNXGraphBuilder {
  /// The mean over axis 1 of `input`, which stays as an axis of extent 1.
  mutating func channelMean(_ input: String, at path: String) -> String { mean(input, over: 1, at: path) }

  /// The mean over one axis of `input`.
  /// - Parameter keepsAxis: Whether the axis stays with the extent 1.
  mutating func mean(_ input: String, over axis: Int, keepsAxis: Bool = true, at path: String) -> String {
    var attributes: [String: ONNXAttribute] = keepsAxis ? [:] : ["keepdims": .integer(0)]
    // The axes became an input in version 18.
    guard opset >= 18 else {
      attributes["axes"] = .integers([axis])
      return add("ReduceMean", at: path, [input], attributes)
    }
    let axes = constant(ONNXTensor("\(path).axes", [1], integers: [axis]))
    return add("ReduceMean", at: path, [input, axes], attributes)
  }

  /// `input` with elements of another kind.
  mutating func cast(_ input: String, to element: ONNXElement, at path: String) -> String {
    add("Cast", at: path, [input], ["to": .integer(element.rawValue)])
  }

  /// Adds one number as a double.
  mutating func double(_ name: String, _ number: Double) -> String {
    constant(ONNXTensor(name, [], doubles: [number]))
  }

  /// The features `places` of rows of `width`, in that order.
  mutating func columns(_ places: [Int], of input: String, width: Int, at path: String) -> String {
    guard places != Array(0..<width) else { return input }
    let places = constant(ONNXTensor("\(path).features", [places.count], integers: places))
    return add("Gather", at: path, [input, places], ["axis": .integer(1)])
  }

  /// The axes of a value whose examples have `rank` axes, features last.
  mutating func featuresLast(_ input: String, rank: Int, at path: String) -> String {
    guard rank > 1 else { return input }
    return add("Transpose", at: path, [input], ["perm": .integers([0] + (2...rank) + [1])])
  }

  /// And back: features second.
  mutating func featuresSecond(_ input: String, rank: Int, at path: String) -> String {
    guard rank > 1 else { return input }
    return add("Transpose", at: path, [input], ["perm": .integers([0, rank] + (1..<rank))])
  }

  /// `input` with `dimensions` after the number of rows.
  mutating func reshape(_ input: String, to dimensions: [Int], at path: String) -> String {
    let shape = constant(ONNXTensor("\(path).shape", [dimensions.count + 1], integers: [0] + dimensions))
    return add("Reshape", at: path, [input, shape])
  }
}
