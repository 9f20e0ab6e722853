import Kernels

/// Turns each number into a vector by waves of learned frequencies (PLR of Gorishniy, Rubachev and Babenko 2022, "On
/// Embeddings for Numerical Features").
///
/// The vector of a feature x is ReLU(W v + b), where v = (cos 2πc₁x, …, cos 2πc_k x, sin 2πc₁x, …, sin 2πc_k x). Frequencies c, W and b
/// are each feature's own. How far frequencies start from 0 matters: `deviation` is best chosen by a sweep.
///
/// Input `[features]`, output `[embedded · width + others]`: the vectors of the embedded features in the order of `features`,
/// then the other features as they are.
public struct Periodic: Layer {
  public static let kind = "periodic"
  /// The number of frequencies of a feature, k.
  public var frequencies: Int
  /// The standard deviation of the frequencies before training; their mean is 0.
  public var deviation: Double
  /// The length of a feature's vector.
  public var width: Int
  /// The features that are embedded; nil for all.
  public var features: [Int]?

  /// A layer with these options; `outputShape(for:)` checks them.
  public init(frequencies: Int = 48, deviation: Double = 0.01, width: Int = 24, features: [Int]? = nil) {
    self.frequencies = frequencies
    self.deviation = deviation
    self.width = width
    self.features = features
  }

  public func outputShape(for input: Shape) throws -> Shape {
    let features = try ChosenFeatures(features, of: input, kind: Self.kind)
    guard (1...4096).contains(frequencies), (1...4096).contains(width) else {
      throw EvenkeelError.usage("periodic: frequencies and width are \(frequencies) and \(width); expected 1 to 4096.")
    }
    guard deviation > 0, deviation.isFinite else {
      throw EvenkeelError.usage("periodic: deviation is \(deviation); expected a number above 0.")
    }
    return [features.chosen.count * width + features.rest.count]
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    let count = try ChosenFeatures(features, of: input, kind: Self.kind).chosen.count
    let start = InitialValue.weights(.leCun, inputs: 2 * frequencies, outputs: width)
    return [
      ParameterDescription(
        name: "frequencies", shape: [count, frequencies], role: .embedding, start: .normal(deviation: deviation)),
      ParameterDescription(name: "weight", shape: [count, 2 * frequencies, width], role: .embedding, start: start),
      ParameterDescription(name: "bias", shape: [count, width], role: .bias, start: start),
    ]
  }

  public func multiplyAdds(for input: Shape) -> Int? {
    frequencies * (1 + 2 * width) * (features?.count ?? input.count)
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    PeriodicOperation(self, try ChosenFeatures(features, of: site.input, kind: Self.kind), site.purpose)
  }

  private enum CodingKeys: String, CodingKey { case frequencies, deviation, width, features }
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      frequencies: try container.value(.frequencies, default: 48),
      deviation: try container.value(.deviation, default: 0.01), width: try container.value(.width, default: 24),
      features: try container.decodeIfPresent([Int].self, forKey: .features))
  }
}

/// The waves are computed again backward: that is cheaper than to keep them.
private struct PeriodicOperation: LayerOperation {
  private let frequencies, width: Int
  private let features, rest: FixedIndices
  /// Only for gradients.
  private let transposed: AlignedFloats

  init(_ layer: Periodic, _ features: ChosenFeatures, _ purpose: Purpose) {
    (frequencies, width) = (layer.frequencies, layer.width)
    self.features = FixedIndices(features.chosen)
    rest = FixedIndices(features.rest)
    transposed = AlignedFloats(
      count: purpose == .training ? features.chosen.count * 2 * layer.frequencies * layer.width : 0)
  }

  var backwardReads: BackwardReads { [.input, .output] }
  var takesSlices: Bool { true }
  /// Waves, their gradients, and the gradient before the ReLU.
  var workspaceCount: Int { 4 * frequencies + width }
  func preparationBlocks(_ pass: ForwardPass) -> Int { pass.purpose == .training ? features.count : 0 }

  func prepare(_ pass: ForwardPass, block: Int) {
    let (start, waves) = (block * 2 * frequencies * width, 2 * frequencies)
    let (to, from) = (transposed.start + start, pass.parameter(1) + start)
    for wave in 0..<waves {
      for index in 0..<width { to[index * waves + wave] = from[wave * width + index] }
    }
  }

  private func kernel(_ pass: ForwardPass) -> ek_periodic {
    ek_periodic(
      features: features.start, rest: rest.start, count: features.count, rest_count: rest.count,
      frequencies: frequencies, width: width, turns: pass.parameter(0), weights: pass.parameter(1),
      transposed: transposed.start, bias: pass.parameter(2))
  }

  func forward(_ pass: ForwardPass) {
    var kernel = kernel(pass)
    ek_periodic_forward(
      &kernel, pass.input, pass.rows, pass.inputLength, pass.outputLength, pass.workspace, pass.output)
  }

  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    var kernel = kernel(pass.forward)
    ek_periodic_backward(
      &kernel, pass.input, pass.output, pass.outputGradient, pass.rows, pass.inputLength, pass.outputLength,
      pass.workspace, inputGradient)
  }

  var gradientBlocks: Int { features.count }

  func parameterGradients(_ pass: BackwardPass, block: Int) {
    var kernel = kernel(pass.forward)
    ek_periodic_gradient(
      &kernel, block, pass.input, pass.output, pass.outputGradient, pass.rows, pass.inputLength, pass.outputLength,
      pass.workspace, pass.parameterGradient(0) + block * frequencies,
      pass.parameterGradient(1) + block * 2 * frequencies * width, pass.parameterGradient(2) + block * width)
  }
}
