import Evenkeel

// Layer and RMS norms as exporters write them in parts.
extension GraphImport {
  /// x / √(mean of x² over the features + ε).
  func normalized(_ x: ImportedExamples, by root: ImportedStep) throws -> ImportedExamples {
    guard let (base, epsilon) = root.rootOfMeanSquare, base === x.step else { throw Unsupported() }
    guard x.step.part == .centered, let start = x.step.previous else {
      return try append(RMSNorm(epsilon: epsilon, scale: false), to: x)
    }
    return try append(
      LayerNorm(epsilon: epsilon, scale: false, shift: false), to: ImportedExamples(x, after: start))
  }

  /// x r or μ r of r = γ / √(variance + ε), of which TensorFlow makes a layer norm: x r + (β − μ r).
  func scaled(_ x: ImportedExamples, by factor: ImportedStep) -> ImportedExamples? {
    guard let norm = factor.inverseDeviation else { return nil }
    if x.step === norm.start { return append(.overDeviation, to: ImportedExamples(x, after: factor)) }
    let (mean, sign, shift) = x.step.scalarAffine
    guard mean.part == .mean, mean.previous === norm.start, sign == -1, shift == 0 else { return nil }
    return append(.negativeMeanOverDeviation, to: ImportedExamples(x, after: factor))
  }

  /// The layer norm whose parts are added here; nil if they are none.
  func layerNorm(_ x: ImportedExamples, _ y: ImportedExamples) throws -> ImportedExamples? {
    guard x.step.part == .overDeviation, let factor = x.step.previous, let norm = factor.inverseDeviation,
      let shift = y.step.affine, shift.operation == .add, let other = y.step.previous,
      other.part == .negativeMeanOverDeviation, other.previous === factor
    else { return nil }
    let layer = LayerNorm(epsilon: norm.epsilon, scale: false, shift: false)
    let plain = try append(layer, to: ImportedExamples(x, after: norm.start))
    return (factor.behindFactors.factors + [shift]).reduce(plain) { append($1, to: $0) }
  }
}

extension ImportedExamples {
  /// The same axes of what another step gives.
  fileprivate init(_ examples: ImportedExamples, after step: ImportedStep) {
    self = examples
    self.step = step
  }
}

extension ImportedStep {
  /// What this step and those before it multiply, and by what.
  var behindFactors: (base: ImportedStep, factors: [ImportedAffine]) {
    var (base, factors) = (self, [ImportedAffine]())
    while let affine = base.affine, affine.operation == .multiply, let previous = base.previous {
      factors.insert(affine, at: 0)
      base = previous
    }
    return (base, factors)
  }

  /// What the inverse of a deviation over the features, times factors, is of; nil if this is none.
  fileprivate var inverseDeviation: (start: ImportedStep, epsilon: Double)? {
    let inverse = behindFactors.base
    guard inverse.part == .reciprocal, let root = inverse.previous, let norm = root.rootOfMeanSquare,
      norm.of.part == .centered, let start = norm.of.previous
    else { return nil }
    return (start, norm.epsilon)
  }

  /// x and ε of √(mean of x² over the features + ε).
  fileprivate var rootOfMeanSquare: (of: ImportedStep, epsilon: Double)? {
    guard part == .sqrt, let (mean, scale, epsilon) = previous?.scalarAffine, mean.part == .mean, scale == 1,
      let square = mean.previous, square.part == .square, let x = square.previous
    else { return nil }
    return (x, Double(Float(epsilon).description) ?? epsilon)
  }
}
