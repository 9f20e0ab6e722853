import Kernels

/// Three matrix products: y = x Wᵀ + b; dW = dyᵀ x, db = Σ dy, dx = dy W.
///
/// Wᵀ is written out once for all slices, in panels of outputs, as products with these are faster than with W by more than that
/// takes. A single row goes over the rows of W instead. dW is computed in blocks of outputs, each from all rows of the batch.
struct DenseOperation: LayerOperation {
  private let hasBias: Bool
  private let inputs, outputs: Int
  /// The vectors of an example, which all meet the same W.
  private let positions: Int
  private let transposed: TransposedWeights

  init(hasBias: Bool, site: LayerSite) {
    self.hasBias = hasBias
    (inputs, outputs) = (site.input.featureCount, site.output.featureCount)
    positions = site.input.count / inputs
    transposed = TransposedWeights(count: ((outputs - 1) / Self.panel + 1) * Self.panel * inputs)
  }

  var takesSlices: Bool { true }

  func preparationBlocks(_ pass: ForwardPass) -> Int {
    guard pass.rows * positions > 1 else { return 0 }
    transposed.allocate()
    return (outputs - 1) / Self.panel + 1
  }

  func prepare(_ pass: ForwardPass, block: Int) {
    let first = block * Self.panel
    ek_transpose_rows(
      pass.parameter(0) + first * inputs, min(Self.panel, outputs - first), inputs, transposed.start + first * inputs,
      Self.panel)
  }

  func forward(_ pass: ForwardPass) throws {
    let bias = hasBias ? pass.parameter(1) : nil
    guard pass.slices[pass.sliceCount - 1].upperBound * positions > 1 else {
      return ek_row_product(pass.input, pass.parameter(0), bias, inputs, outputs, pass.output)
    }
    for first in stride(from: 0, to: outputs, by: Self.panel) {
      try MatrixProduct.run(
        pass.rows * positions, min(Self.panel, outputs - first), inputs, pass.input, stride: inputs,
        transposed.start + first * inputs, stride: Self.panel, pass.output + first, stride: outputs)
    }
    if let bias { ek_add_bias(pass.output, pass.rows * positions, outputs, bias) }
  }

  func backward(_ pass: BackwardPass) throws {
    guard let inputGradient = pass.inputGradient else { return }
    try MatrixProduct.run(
      pass.rows * positions, inputs, outputs, pass.outputGradient, stride: outputs, pass.parameter(0), stride: inputs,
      inputGradient,
      stride: inputs)
  }

  /// Enough outputs at once that reading the inputs pays, few enough that there are several blocks.
  private var outputsAtOnce: Int { outputs >= 1024 ? 256 : max(32, min(outputs / 8 / 32 * 32, 64)) }

  var gradientBlocks: Int { (outputs - 1) / outputsAtOnce + 1 }

  func gradientStart(ofBlock block: Int, parameter: Int) -> Int? {
    min(block * outputsAtOnce, outputs) * (parameter == 0 ? inputs : 1)
  }

  func parameterGradients(_ pass: BackwardPass, block: Int) throws {
    let first = block * outputsAtOnce
    let count = min(outputsAtOnce, outputs - first)
    let gradient = pass.outputGradient + first
    try MatrixProduct.run(
      count, inputs, pass.rows * positions, gradient, stride: outputs, transposed: true, pass.input, stride: inputs,
      pass.parameterGradient(0) + first * inputs, stride: inputs)
    if hasBias { ek_column_sums(gradient, pass.rows * positions, outputs, count, pass.parameterGradient(1) + first) }
  }

  /// The outputs of a panel of Wᵀ.
  private static let panel = 64
}

/// Wᵀ of a dense layer, which predictions of single rows do without.
private final class TransposedWeights: @unchecked Sendable {
  private let count: Int
  private var memory: AlignedFloats?

  init(count: Int) { self.count = count }

  func allocate() { if memory == nil { memory = AlignedFloats(count: count) } }
  var start: UnsafeMutablePointer<Float> { memory!.start }
}
