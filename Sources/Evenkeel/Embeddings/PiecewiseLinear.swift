import Kernels

/// Turns each number into a vector of piecewise linear functions of it (Gorishniy, Rubachev and Babenko 2022, "On
/// Embeddings for Numerical Features"; the variant of TabM, Gorishniy et al. 2024).
///
/// Of a feature x with edges b₀ < … < b_T, the share of bin t is v_t = (x − b_{t−1}) / (b_t − b_{t−1}), limited to 0…1 except
/// below the first bin and above the last; its vector is Σ v_t W_t + a x + c. W starts at 0, so that training starts
/// from a linear map. The first training sets the edges to quantiles of the input: `bins` + 1 of them at most, fewer where
/// values repeat, so that a feature with two values has one bin.
///
/// Input `[features]`, output `[embedded · width + others]`: the vectors of the embedded features in the order of `features`,
/// then the other features as they are.
public struct PiecewiseLinear: Layer {
  public static let kind = "piecewiseLinear"
  /// The largest number of bins of a feature.
  public var bins: Int
  /// The length of a feature's vector.
  public var width: Int
  /// The features that are embedded; nil for all.
  public var features: [Int]?

  /// A layer with these options; `outputShape(for:)` checks them.
  public init(bins: Int = 48, width: Int = 16, features: [Int]? = nil) {
    self.bins = bins
    self.width = width
    self.features = features
  }

  public func outputShape(for input: Shape) throws -> Shape {
    let (features, size) = (try ChosenFeatures(features, of: input, kind: Self.kind), width)
    guard (1...4096).contains(bins), (1...4096).contains(size) else {
      throw EvenkeelError.usage("piecewiseLinear: bins and width are \(bins) and \(size); expected 1 to 4096.")
    }
    return [features.chosen.count * size + features.rest.count]
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    let count = try ChosenFeatures(features, of: input, kind: Self.kind).chosen.count
    return [
      ParameterDescription(name: "weight", shape: [count, bins, width], role: .embedding, start: .constant(0)),
      ParameterDescription(
        name: "slope", shape: [count, width], role: .embedding,
        start: .weights(.leCun, inputs: width, outputs: width)),
      ParameterDescription(
        name: "bias", shape: [count, width], role: .bias, start: .weights(.leCun, inputs: width, outputs: width)),
    ]
  }

  public func buffers(for input: Shape) throws -> [BufferDescription] {
    let count = try ChosenFeatures(features, of: input, kind: Self.kind).chosen.count
    return [BufferDescription(name: "edges", shape: [count, bins + 1], start: 0)]
  }

  public var traits: LayerTraits { .fitsInput }

  /// The slope and the weights of one bin.
  public func multiplyAdds(for input: Shape) -> Int? { 2 * width * (features?.count ?? input.count) }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    PiecewiseLinearOperation(self, try ChosenFeatures(features, of: site.input, kind: Self.kind))
  }

  private enum CodingKeys: String, CodingKey { case bins, width, features }
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      bins: try container.value(.bins, default: 48), width: try container.value(.width, default: 16),
      features: try container.decodeIfPresent([Int].self, forKey: .features))
  }
}

/// Two rows of numbers a feature whatever the bins: the vector where the value's bin begins, and the bin's weights. The
/// gradients sum over the rows of each bin first and over the bins after.
private struct PiecewiseLinearOperation: LayerOperation {
  private let bins, width: Int
  private let features: FixedIndices
  private let rest: FixedIndices
  private let prepared: Prepared

  init(_ layer: PiecewiseLinear, _ features: ChosenFeatures) {
    (bins, width) = (layer.bins, layer.width)
    self.features = FixedIndices(features.chosen)
    rest = FixedIndices(features.rest)
    prepared = Prepared(features: features.chosen.count, values: features.chosen.count * bins * width)
  }

  var takesSlices: Bool { true }
  var workspaceCount: Int { bins * width }
  func preparationBlocks(_ pass: ForwardPass) -> Int { features.count }

  func prepare(_ pass: ForwardPass, block: Int) {
    let edges = pass.buffer(0) + block * (bins + 1)
    prepared.used.start[block] = ek_used_bins(edges, bins)
    ek_piecewise_levels(
      pass.parameter(0) + block * bins * width, pass.parameter(2) + block * width, bins, width,
      prepared.levels.start + block * bins * width)
  }

  private func kernel(_ pass: ForwardPass) -> ek_piecewise {
    ek_piecewise(
      features: features.start, rest: rest.start, used: prepared.used.start, count: features.count,
      rest_count: rest.count, bins: bins, width: width, edges: pass.buffer(0), weights: pass.parameter(0),
      slope: pass.parameter(1), levels: prepared.levels.start)
  }

  func forward(_ pass: ForwardPass) {
    var kernel = kernel(pass)
    ek_piecewise_forward(&kernel, pass.input, pass.rows, pass.inputLength, pass.outputLength, pass.output)
  }

  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    var kernel = kernel(pass.forward)
    ek_piecewise_backward(
      &kernel, pass.input, pass.outputGradient, pass.rows, pass.inputLength, pass.outputLength, inputGradient)
  }

  var gradientBlocks: Int { features.count }

  func parameterGradients(_ pass: BackwardPass, block: Int) {
    var kernel = kernel(pass.forward)
    ek_piecewise_gradient(
      &kernel, block, pass.input, pass.outputGradient, pass.rows, pass.inputLength, pass.outputLength, pass.workspace,
      pass.parameterGradient(0) + block * bins * width, pass.parameterGradient(1) + block * width,
      pass.parameterGradient(2) + block * width)
  }

  /// The edges are the different ones of `bins` + 1 quantiles, linear between neighbors, as NumPy's.
  func fit(_ input: UnsafePointer<Float>, rows: Int, inputLength: Int, _ buffers: LayerBuffers) {
    for index in 0..<features.count {
      let feature = features.start[index]
      let sorted = (0..<rows).map { input[$0 * inputLength + feature] }.sorted()
      let quantiles = Quantiles.evenly(bins + 1, of: sorted)
      var edges: [Float] = []
      for quantile in quantiles where edges.last != quantile { edges.append(quantile) }
      edges += Array(repeating: edges[edges.count - 1], count: bins + 1 - edges.count)
      buffers.values(0).advanced(by: index * (bins + 1)).update(from: edges, count: bins + 1)
    }
  }

  /// What follows from parameters and edges.
  private final class Prepared: @unchecked Sendable {
    let used: FixedIndices
    let levels: AlignedFloats
    init(features: Int, values: Int) {
      used = FixedIndices(Array(repeating: 0, count: features))
      levels = AlignedFloats(count: values)
    }
  }
}
