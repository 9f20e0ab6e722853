import Evenkeel

/// What a node does to an example, after `previous`; steps form a tree whose root is the input.
final class ImportedStep {
  enum Action {
    case input
    /// A layer with its parameters and buffers by their names.
    case layer(any Layer, [String: Tensor])
    case affine(ImportedAffine)
    /// Part of a pattern that is not complete: what no layer does by itself.
    case part(Part)
    /// The layers of a block, and of its shortcut.
    case block([ImportedStep], shortcut: [ImportedStep])
  }

  enum Part: Hashable {
    case erf, sqrt, reciprocal, square
    /// Over the features.
    case mean
    /// Less the mean over the features.
    case centered
    /// Parts of a layer norm: γ x / σ and −γ μ / σ.
    case overDeviation, negativeMeanOverDeviation
    /// Zeros around an image or a sequence: all before, then all after.
    case padding([Int])
  }

  let action: Action
  let previous: ImportedStep?
  /// The number of steps before it.
  let depth: Int
  /// The node in errors.
  let node: String
  /// The shape of one example that it gives, features last; of the graph's input before its axes are known.
  let shape: Shape

  init(_ action: Action, after previous: ImportedStep?, node: String, shape: Shape) {
    (self.action, self.previous, self.node, self.shape) = (action, previous, node, shape)
    depth = previous.map { $0.depth + 1 } ?? 0
  }

  var layer: (any Layer)? { if case .layer(let layer, _) = action { layer } else { nil } }
  var affine: ImportedAffine? { if case .affine(let affine) = action { affine } else { nil } }
  var part: Part? { if case .part(let part) = action { part } else { nil } }

  /// The steps after `start`, in order.
  func steps(after start: ImportedStep) -> [ImportedStep] {
    var steps: [ImportedStep] = []
    var step = self
    while step !== start, let previous = step.previous {
      steps.append(step)
      step = previous
    }
    return steps.reversed()
  }

  /// The last step that both follow.
  static func fork(_ one: ImportedStep, _ other: ImportedStep) -> ImportedStep {
    var (one, other) = (one, other)
    while one !== other {
      if one.depth >= other.depth { one = one.previous! } else { other = other.previous! }
    }
    return one
  }

  /// a x + b with numbers a and b for all values, where this step and those before it make that of `base`.
  var scalarAffine: (base: ImportedStep, scale: Double, shift: Double) {
    var (base, scale, shift) = (self, 1.0, 0.0)
    while let affine = base.affine, let (a, b) = affine.scalar, let previous = base.previous {
      (scale, shift) = (scale * a, shift + scale * b)
      base = previous
    }
    return (base, scale, shift)
  }
}

/// One operation with constants: x + c, x − c, x · c or x / c, with one number, or one for each place along an axis.
struct ImportedAffine {
  enum Operation { case add, subtract, multiply, divide }

  let operation: Operation
  let values: [Double]
  /// The axis along which the values lie; nil for one value. 1 is that of the features.
  let axis: Int?
  /// Whether that is an axis of the graph's input as it is.
  let isRaw: Bool
  /// Whether it is computed in double.
  let isDouble: Bool

  /// a and b of a x + b.
  var coefficients: (scale: [Double], shift: [Double]) {
    let (one, zero) = ([Double](repeating: 1, count: values.count), [Double](repeating: 0, count: values.count))
    return switch operation {
    case .add: (one, values)
    case .subtract: (one, values.map { -$0 })
    case .multiply: (values, zero)
    case .divide: (values.map { 1 / $0 }, zero)
    }
  }

  var scalar: (scale: Double, shift: Double)? {
    let (scale, shift) = coefficients
    return values.count == 1 ? (scale[0], shift[0]) : nil
  }
}

extension [ImportedAffine] {
  /// a and b of all one after the other, `count` of each.
  func coefficients(count: Int) -> (scale: [Double], shift: [Double]) {
    var (scale, shift) = ([Double](repeating: 1, count: count), [Double](repeating: 0, count: count))
    for affine in self {
      let (a, b) = affine.coefficients
      for index in 0..<count {
        let place = a.count == 1 ? 0 : index
        (scale[index], shift[index]) = (scale[index] * a[place], shift[index] * a[place] + b[place])
      }
    }
    return (scale, shift)
  }
}
