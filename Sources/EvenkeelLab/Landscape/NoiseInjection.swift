import Evenkeel

/// Noise that gives later layers a distribution that changes at every step, to put after a batch norm: if normalization
/// helps because inputs of later layers are stable, training must get worse (Santurkar et al. 2018, §2.2).
///
/// In training y = s x + m. In each step every unit draws a mean μ from (−meanRange, meanRange) and a scale σ from
/// (1, 1 + scaleRange); every example then draws its own m from μ ± spread and s from σ ± spread, all evenly. So the noise has a
/// mean that is not 0, a variance that is not 1, and both change. Prediction passes values through. The draws follow from the
/// seed, the step and the layer. The paper's noise is of this form; the amounts are ours. Call
/// `LayerRegistry.register(NoiseInjection.self)` before files name it.
public struct NoiseInjection: Layer {
  public static let kind = "noiseInjection"
  /// How far a unit's mean may lie from 0.
  public var meanRange: Double
  /// How far a unit's scale may lie above 1.
  public var scaleRange: Double
  /// How far an example's draw may lie from its unit's.
  public var spread: Double

  /// Noise of these amounts; 0 for all three is none.
  public init(meanRange: Double = 0.5, scaleRange: Double = 0.25, spread: Double = 0.1) {
    self.meanRange = meanRange
    self.scaleRange = scaleRange
    self.spread = spread
  }

  private enum CodingKeys: String, CodingKey { case meanRange, scaleRange, spread }
  public init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: CodingKeys.self)
    meanRange = try container.decodeIfPresent(Double.self, forKey: .meanRange) ?? meanRange
    scaleRange = try container.decodeIfPresent(Double.self, forKey: .scaleRange) ?? scaleRange
    spread = try container.decodeIfPresent(Double.self, forKey: .spread) ?? spread
  }

  public func outputShape(for input: Shape) throws -> Shape {
    for (name, value) in [("meanRange", meanRange), ("scaleRange", scaleRange), ("spread", spread)] {
      guard value.isFinite, value >= 0 else {
        throw EvenkeelError(.usage, "noiseInjection: \(name) is \(value); expected 0 or more.")
      }
    }
    return input
  }

  public var traits: LayerTraits { [.random, .passesThrough] }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    NoiseOperation(noise: self, features: site.input.featureCount, scratchCount: site.maximumRows * site.input.count)
  }
}

/// Keeps the scales of the step for the gradient.
private struct NoiseOperation: LayerOperation {
  let noise: NoiseInjection
  let features: Int
  let scratchCount: Int

  var backwardReads: BackwardReads { [] }
  var worksInPlace: Bool { true }
  var backwardWorksInPlace: Bool { true }

  func forward(_ pass: ForwardPass) {
    let count = pass.rows * pass.inputLength
    guard pass.purpose == .training else {
      if UnsafePointer(pass.output) != pass.input { pass.output.update(from: pass.input, count: count) }
      return
    }
    for feature in 0..<features {
      var unit = RandomNumbers(pass.key.branch(feature))
      let mean = unit.uniform(-noise.meanRange, noise.meanRange)
      let scale = unit.uniform(1, 1 + noise.scaleRange)
      for index in stride(from: feature, to: count, by: features) {
        pass.scratch[index] = Float(unit.uniform(scale - noise.spread, scale + noise.spread))
        let shift = Float(unit.uniform(mean - noise.spread, mean + noise.spread))
        pass.output[index] = pass.scratch[index] * pass.input[index] + shift
      }
    }
  }

  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    for index in 0..<pass.rows * pass.inputLength {
      inputGradient[index] = pass.outputGradient[index] * pass.scratch[index]
    }
  }
}
