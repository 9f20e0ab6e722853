import Evenkeel

/// What is known of a value of a graph before any number goes through it.
enum ImportedValue {
  case constant(ONNXTensor)
  /// Integers of which some are the number of rows: parts of shapes.
  case sizes([ImportedSize], isScalar: Bool)
  case examples(ImportedExamples)
  /// Softmax of what a step gives, or (1 − p, p) of p = sigmoid.
  case probabilities(ImportedExamples, isSoftmax: Bool)
  /// The place of the largest of them.
  case place(ImportedExamples, isSoftmax: Bool)
  case labels([String], of: ImportedExamples, isSoftmax: Bool)
  /// Whether each value of a step exceeds a number.
  case exceeds(ImportedStep, Double)
  /// What a node that is not understood gives.
  case unknown

  /// Sizes that are all known, as a constant.
  var asKnown: ImportedValue {
    guard case .sizes(let sizes, let isScalar) = self else { return self }
    let known = sizes.compactMap { if case .fixed(let size) = $0 { size } else { nil } }
    guard known.count == sizes.count else { return self }
    return .constant(ONNXTensor("", isScalar ? [] : [known.count], integers: known))
  }
}

enum ImportedSize: Hashable {
  case rows
  case fixed(Int)
}

/// What a step gives, as it lies in the graph.
struct ImportedExamples {
  var step: ImportedStep
  /// For each axis in the graph, the axis of rows (0), features (1) and positions (2…) that it is; nil for one of extent 1 that
  /// stands for none. Those of the graph's input as it is where `isSettled` is false.
  var axes: [Int?]
  /// Whether it is known which axis of the input is which.
  var isSettled = true
  /// The number of parts of the features that two axes are, as group norms make them; nil as a rule.
  var groups: Int?
  /// The shape that was flattened features last; nil as a rule.
  var flattened: Shape?
  /// Whether the values are doubles.
  var isDouble = false
}

/// Why a node has no layer.
struct Unsupported: Error {
  /// nil if its operator is not known at all.
  let reason: String?
  init(_ reason: String? = nil) { self.reason = reason }
}
