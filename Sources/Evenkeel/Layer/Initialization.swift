/// How weights are initialized.
///
/// Fan-in and fan-out are the number of inputs and outputs of one unit. All are drawn from a normal distribution with
/// mean 0.
public enum Initialization: Hashable, Sendable {
  /// Chosen by the activation that the layer feeds: He for ReLU and its relatives, Glorot for sigmoid and tanh and at
  /// the output, LeCun for the rest.
  case automatic
  /// Variance 2 / fan-in (He et al. 2015).
  case he
  /// Variance 2 / (fan-in + fan-out) (Glorot and Bengio 2010).
  case glorot
  /// Variance 1 / fan-in (LeCun et al. 1998).
  case leCun
  /// A given standard deviation, as in the original paper's MNIST experiment (0.1).
  case normal(Double)

  /// The standard deviation of the weights of a unit with this many inputs and outputs. `automatic` gives that of
  /// `leCun`: a layer whose weights depend on what follows replaces it in `Layer.resolved(before:)`.
  public func deviation(inputs: Int, outputs: Int) -> Double {
    switch self {
    case .he: (2 / Double(inputs)).squareRoot()
    case .glorot: (2 / Double(inputs + outputs)).squareRoot()
    case .leCun, .automatic: (1 / Double(inputs)).squareRoot()
    case .normal(let deviation): deviation
    }
  }

  /// Checks the deviation of `normal`.
  /// - Throws: `EvenkeelError` with code `usage` that names the layer's `kind`.
  public func validate(_ kind: String) throws {
    if case .normal(let deviation) = self, !(deviation.isFinite && deviation > 0) {
      throw EvenkeelError.usage("\(kind): the start's deviation is \(deviation); expected a number above 0.")
    }
  }
}

extension Initialization: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let deviation = try? container.decode(Double.self) {
      guard deviation.isFinite, deviation > 0 else {
        throw EvenkeelError.usage("initialization: expected a deviation above 0, got \(deviation).")
      }
      self = .normal(deviation)
      return
    }
    let name = try container.decode(String.self)
    switch name {
    case "automatic": self = .automatic
    case "he": self = .he
    case "glorot": self = .glorot
    case "leCun": self = .leCun
    default:
      throw EvenkeelError.usage(
        "initialization: expected automatic, he, glorot, leCun or a deviation, got \"\(name)\".")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .automatic: try container.encode("automatic")
    case .he: try container.encode("he")
    case .glorot: try container.encode("glorot")
    case .leCun: try container.encode("leCun")
    case .normal(let deviation): try container.encode(deviation)
    }
  }
}
