import Kernels

/// Three matrix products: y = x Wᵀ + b; dW = dyᵀ x, db = Σ dy, dx = dy W.
///
/// Wᵀ is written out once for all slices, as products with it are faster than with W by more than that takes. A single row goes over
/// the rows of W instead. dW is computed in blocks of outputs, each from all rows of the batch.
struct DenseOperation: LayerOperation {
  private let hasBias: Bool
  private let inputs, outputs: Int
  private let transposed: TransposedWeights

  init(hasBias: Bool, site: LayerSite) {
    self.hasBias = hasBias
    (inputs, outputs) = (site.input.count, site.output.count)
    transposed = TransposedWeights(count: inputs * outputs)
  }

  var takesSlices: Bool { true }

  func preparationBlocks(_ pass: ForwardPass) -> Int {
    guard pass.rows > 1 else { return 0 }
    transposed.allocate()
    return (outputs - 1) / Self.preparedOutputs + 1
  }

  func prepare(_ pass: ForwardPass, block: Int) {
    let first = block * Self.preparedOutputs
    ek_transpose_rows(
      pass.parameter(0) + first * inputs, min(Self.preparedOutputs, outputs - first), inputs,
      transposed.start + first, outputs)
  }

  func forward(_ pass: ForwardPass) throws {
    let bias = hasBias ? pass.parameter(1) : nil
    guard pass.slices[pass.sliceCount - 1].upperBound > 1 else {
      return ek_row_product(pass.input, pass.parameter(0), bias, inputs, outputs, pass.output)
    }
    try MatrixProduct.run(pass.rows, outputs, inputs, pass.input, stride: inputs, transposed.start, pass.output)
    if let bias { ek_add_bias(pass.output, pass.rows, outputs, bias) }
  }

  func backward(_ pass: BackwardPass) throws {
    guard let inputGradient = pass.inputGradient else { return }
    try MatrixProduct.run(
      pass.rows, inputs, outputs, pass.outputGradient, stride: outputs, pass.parameter(0), inputGradient)
  }

  var gradientBlocks: Int { (outputs - 1) / Self.outputsAtOnce + 1 }

  func parameterGradients(_ pass: BackwardPass, block: Int) throws {
    let first = block * Self.outputsAtOnce
    let count = min(Self.outputsAtOnce, outputs - first)
    let gradient = pass.outputGradient + first
    try MatrixProduct.run(
      count, inputs, pass.rows, gradient, stride: outputs, transposed: true, pass.input,
      pass.parameterGradient(0) + first * inputs)
    if hasBias { ek_column_sums(gradient, pass.rows, outputs, count, pass.parameterGradient(1) + first) }
  }

  /// The outputs whose weights are transposed, and whose gradients are computed, at once.
  private static let preparedOutputs = 32, outputsAtOnce = 32
}

/// Wᵀ of a dense layer, which predictions of single rows do without.
private final class TransposedWeights: @unchecked Sendable {
  private let count: Int
  private var memory: AlignedFloats?

  init(count: Int) { self.count = count }

  func allocate() { if memory == nil { memory = AlignedFloats(count: count) } }
  var start: UnsafeMutablePointer<Float> { memory!.start }
}
