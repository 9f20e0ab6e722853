import Kernels

/// Three matrix products: y = x Wᵀ + b; dW = dyᵀ x, db = Σ dy, dx = dy W.
///
/// Wᵀ is written out once for all slices, in panels of outputs, as products with these are faster than with W by more than that
/// takes. A single row, and predictions of few, go over the rows of W instead, each summed as if it were alone. dW is computed in blocks
/// of outputs, each from all rows of the batch; in large batches each slice leaves its part instead, and the parts are merged.
struct DenseOperation: LayerOperation {
  private let hasBias: Bool
  private let inputs, outputs: Int
  /// The vectors of an example, which all meet the same W.
  private let positions: Int
  private let predicts: Bool
  private let leavesParts: Bool
  private let transposed: TransposedWeights

  init(hasBias: Bool, site: LayerSite) {
    self.hasBias = hasBias
    (inputs, outputs) = (site.input.featureCount, site.output.featureCount)
    positions = site.input.count / inputs
    predicts = site.purpose == .prediction
    leavesParts = GradientParts.payInDenseLayers(count: inputs * outputs, site: site)
    transposed = TransposedWeights(count: ((outputs - 1) / Self.panel + 1) * Self.panel * inputs)
  }

  var takesSlices: Bool { true }

  func preparationBlocks(_ pass: ForwardPass) -> Int {
    guard positions > 1 || !sumsRowByRow(pass.rows) else { return 0 }
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
    let isRowByRow = sumsRowByRow(pass.slices[pass.sliceCount - 1].upperBound)
    if positions == 1, isRowByRow {
      return ek_row_products(pass.input, pass.rows, pass.parameter(0), bias, inputs, outputs, pass.output)
    }
    let vectors = pass.rows * positions
    let atOnce = isRowByRow ? positions : vectors
    for start in stride(from: 0, to: vectors, by: atOnce) {
      for first in stride(from: 0, to: outputs, by: Self.panel) {
        try MatrixProduct.run(
          atOnce, min(Self.panel, outputs - first), inputs, pass.input + start * inputs, stride: inputs,
          transposed.start + first * inputs, stride: Self.panel, pass.output + start * outputs + first, stride: outputs)
      }
    }
    if let bias { ek_add_bias(pass.output, vectors, outputs, bias) }
  }

  /// Whether each row of a batch of `rows` rows is summed as if it were alone.
  private func sumsRowByRow(_ rows: Int) -> Bool { rows == 1 || predicts && rows <= Self.fewRows }

  /// Gradients of the bias, then of the weights.
  var sliceScratchCount: Int { leavesParts ? biasCount + inputs * outputs : 0 }
  var addsSliceScratch: Bool { leavesParts }
  private var biasCount: Int { hasBias ? GradientParts.biasCount(outputs: outputs) : 0 }

  func backward(_ pass: BackwardPass) throws {
    if leavesParts {
      if hasBias { pass.leaveBiasGradient(outputs: outputs) }
      try weightGradient(pass, 0..<outputs, to: pass.sliceScratch + biasCount)
    }
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
    leavesParts ? nil : min(block * outputsAtOnce, outputs) * (parameter == 0 ? inputs : 1)
  }

  func parameterGradients(_ pass: BackwardPass, block: Int) throws {
    let first = block * outputsAtOnce
    let count = min(outputsAtOnce, outputs - first)
    let weights = pass.parameterGradient(0) + first * inputs
    let bias = hasBias ? pass.parameterGradient(1) + first : nil
    if leavesParts {
      weights.update(
        from: pass.mergeSlices(at: biasCount + first * inputs, count: count * inputs), count: count * inputs)
      bias?.update(from: pass.mergeSlices(at: first, count: count), count: count)
    } else {
      try weightGradient(pass, first..<first + count, to: weights)
      if let bias { ek_column_sums(pass.outputGradient + first, pass.rows * positions, outputs, count, bias) }
    }
  }

  /// The gradient of the weights of some outputs, from the rows of `pass`.
  private func weightGradient(
    _ pass: BackwardPass, _ outputs: Range<Int>, to sums: UnsafeMutablePointer<Float>
  ) throws {
    try MatrixProduct.run(
      outputs.count, inputs, pass.rows * positions, pass.outputGradient + outputs.lowerBound, stride: self.outputs,
      transposed: true, pass.input, stride: inputs, sums, stride: inputs)
  }

  /// The outputs of a panel of Wᵀ.
  private static let panel = 64

  /// In predictions of no more rows than this, a row has the same bits whatever is beside it.
  static let fewRows = 8
}

/// Wᵀ of a dense layer, which predictions of single rows do without.
private final class TransposedWeights: @unchecked Sendable {
  private let count: Int
  private var memory: AlignedFloats?

  init(count: Int) { self.count = count }

  func allocate() { if memory == nil { memory = AlignedFloats(count: count) } }
  var start: UnsafeMutablePointer<Float> { memory!.start }
}
