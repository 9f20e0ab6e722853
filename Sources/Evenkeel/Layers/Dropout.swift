import Kernels

/// In training, drops each value with probability `rate` and divides the others by 1 − rate (Srivastava et al. 2014);
/// in prediction, passes values through.
public struct Dropout: Layer, LayerOperation {
  public static let kind = "dropout"
  /// The probability of dropping a value, at least 0 and below 1.
  public var rate: Double
  /// Drops with probability `rate`.
  public init(_ rate: Double) { self.rate = rate }

  public func outputShape(for input: Shape) throws -> Shape {
    guard rate >= 0, rate < 1 else {
      throw EvenkeelError.usage("dropout: rate is \(rate); expected 0 or more and less than 1.")
    }
    return input
  }

  public var traits: LayerTraits { [.random, .passesThrough] }
  public func outputLength(of length: Int, for input: Shape) -> Int? { length }

  private enum CodingKeys: String, CodingKey { case rate }
  public init(from decoder: any Decoder) throws {
    if let rate = try? decoder.singleValueContainer().decode(Double.self) {
      self.init(rate)
    } else {
      self.init(try decoder.container(keyedBy: CodingKeys.self).decode(Double.self, forKey: .rate))
    }
  }

  public var backwardReads: BackwardReads { [] }
  public var worksInPlace: Bool { true }
  public var backwardWorksInPlace: Bool { true }
  public var takesSlices: Bool { true }

  public func forward(_ pass: ForwardPass) {
    ek_dropout(
      pass.input, pass.firstRow * pass.inputLength, pass.rows * pass.inputLength, pass.purpose == .training ? rate : 0,
      pass.key.value, pass.output)
  }

  public func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    ek_dropout(
      pass.outputGradient, pass.forward.firstRow * pass.inputLength, pass.rows * pass.inputLength, rate,
      pass.forward.key.value, inputGradient)
  }
}
