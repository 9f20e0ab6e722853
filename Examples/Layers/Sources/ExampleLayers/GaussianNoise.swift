import Evenkeel

/// Adds normal noise in training, y = x + σ n with n from N(0, 1), and passes values through in prediction. A
/// regularizer (Sietsma and Dow 1991). Keras: `GaussianNoise`.
public struct GaussianNoise: Layer, LayerOperation {
  public static let kind = "exampleNoise"

  /// σ, 0 or more.
  public var deviation: Double

  /// Noise with deviation σ; `outputShape(for:)` checks it.
  public init(deviation: Double = 0.1) { self.deviation = deviation }

  // MARK: Layer

  /// - Throws: `EvenkeelError` with code `usage` for a deviation below 0 or one that is not finite.
  public func outputShape(for input: Shape) throws -> Shape {
    guard deviation >= 0, deviation.isFinite else {
      throw EvenkeelError(.usage, "\(Self.kind): deviation is \(deviation); expected 0 or more.")
    }
    return input
  }

  /// Loss surfaces leave it out, and weights before it start as the activation after it asks for.
  public var traits: LayerTraits { [.random, .passesThrough] }

  public func outputLength(of length: Int, for input: Shape) -> Int? { length }

  // MARK: LayerOperation

  public var backwardReads: BackwardReads { [] }
  public var worksInPlace: Bool { true }
  /// dx = dy: the two share memory, and `backward` has nothing to do.
  public var passesGradient: Bool { true }

  /// Each row draws from a stream of its own, numbered within the whole batch: the noise is the same however many parts
  /// the batch is taken in.
  public func forward(_ pass: ForwardPass) {
    let length = pass.inputLength
    let sigma = pass.purpose == .training ? deviation : 0
    for row in 0..<pass.rows {
      var numbers = RandomNumbers(pass.key.branch(pass.firstRow + row))
      for i in row * length..<(row + 1) * length {
        pass.output[i] = sigma > 0 ? Float(Double(pass.input[i]) + sigma * numbers.normal()) : pass.input[i]
      }
    }
  }

  public func backward(_ pass: BackwardPass) {}

  // MARK: Options

  /// Options that are left out have their defaults: `exampleNoise` alone is noise of deviation 0.1.
  public init(from decoder: any Decoder) throws {
    let options = try decoder.container(keyedBy: CodingKeys.self)
    self.init(deviation: try options.decodeIfPresent(Double.self, forKey: .deviation) ?? 0.1)
  }
}
