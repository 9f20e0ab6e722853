import Evenkeel

// What classifiers end with.
extension GraphImport {
  /// nil for a node of another sort.
  mutating func followOutput(_ node: ONNXNode, _ inputs: [ImportedValue?]) throws -> ImportedValue? {
    switch node.kind {
    case "Softmax":
      guard let examples = inputs[examples: 0] else { return nil }
      let axis = node.integer("axis") ?? (model.opset < 13 ? 1 : -1)
      guard shape(of: examples.step).rank == 1, axis == -1 || axis == 1 else {
        throw Unsupported("it is not over the outputs of an example")
      }
      return .probabilities(examples, isSoftmax: true)
    case "Concat":
      // 1 − p and p of p = sigmoid.
      guard inputs.count == 2, let first = inputs[examples: 0], let second = inputs[examples: 1],
        second.step.layer is Sigmoid, let logits = second.step.previous, second.step.shape == [1]
      else { return nil }
      let (base, scale, shift) = first.step.scalarAffine
      guard base === second.step, scale == -1, shift == 1 else { return nil }
      var examples = second
      examples.step = logits
      return .probabilities(examples, isSoftmax: false)
    case "ArgMax":
      let axis = node.integer("axis") ?? 0
      guard axis == 1 || axis == -1, (node.integer("select_last_index") ?? 0) == 0 else { throw Unsupported() }
      if case .probabilities(let examples, let isSoftmax)? = inputs[0] { return .place(examples, isSoftmax: isSoftmax) }
      guard let examples = inputs[examples: 0], shape(of: examples.step).rank == 1 else { return nil }
      return .place(examples, isSoftmax: true)
    case "Gather", "ArrayFeatureExtractor":
      guard inputs.count == 2, case .place(let examples, let isSoftmax)? = inputs[1], let names = inputs[constant: 0]
      else { return nil }
      return .labels(names.labels, of: examples, isSoftmax: isSoftmax)
    case "ZipMap":
      guard case .probabilities? = inputs.first ?? nil else { return nil }
      return inputs[0]
    default: return nil
    }
  }
}

extension ONNXTensor {
  /// The values as names of classes.
  fileprivate var labels: [String] {
    switch content {
    case .texts(let texts): texts
    case .integers(let numbers): numbers.map { String($0) }
    case .floats(let numbers): numbers.map { String($0) }
    case .doubles(let numbers): numbers.map { String($0) }
    }
  }
}

/// What the outputs of a graph are.
struct ImportedOutputs {
  /// The step that gives the network's outputs.
  var last: ImportedStep
  /// nil for outputs that may mean anything.
  var loss: Loss?
  var labels: [String] = []

  /// Of several outputs, that which goes furthest: classes before what they are computed from.
  /// - Throws: `EvenkeelError` with code `data` if the outputs are not those of one network.
  init(_ graph: GraphImport) throws {
    var examples: ImportedExamples?
    var (classes, isSoftmax): (ImportedExamples?, Bool) = (nil, true)
    for output in graph.model.graph.outputs {
      switch graph.values[output.name] {
      case .examples(let found)?:
        if examples.map({ $0.step.depth < found.step.depth }) ?? true { examples = found }
      case .probabilities(let found, let soft)?, .place(let found, let soft)?: (classes, isSoftmax) = (found, soft)
      case .labels(let names, let found, let soft)?: (classes, isSoftmax, labels) = (found, soft, names)
      case nil: throw EvenkeelError.data("the output \"\(output.name)\" is given by no node.")
      default: throw EvenkeelError.data("the output \"\(output.name)\" does not follow from examples alone.")
      }
    }
    guard let found = classes ?? examples else { throw EvenkeelError.data("it has no outputs.") }
    guard found.flattened == nil, graph.shape(of: found.step).rank == 1 else {
      throw EvenkeelError.data(
        "its outputs have the shape \(graph.shape(of: found.step)) an example; expected one axis.")
    }
    last = found.step
    if classes != nil {
      let count = isSoftmax ? graph.shape(of: last).count : 2
      if labels.isEmpty { labels = (0..<count).map { String($0) } }
      guard labels.count == count, Set(labels).count == count, count > 1 else {
        throw EvenkeelError.data("it names \(labels.count) classes; expected \(count) names that differ.")
      }
      loss = isSoftmax ? .softmaxCrossEntropy : .sigmoidCrossEntropy
    } else if last.layer is Sigmoid, let logits = last.previous {
      (last, loss) = (logits, .sigmoidCrossEntropy)
      if graph.shape(of: logits).count == 1 { labels = ["0", "1"] }
    }
  }
}
