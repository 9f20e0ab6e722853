import Yams

extension Network {
  /// Reads a network file: YAML with the keys `input` and `layers`.
  /// - Throws: `EvenkeelError`: `noInput` if it is missing, `usage` that names the layer or key that is wrong.
  public init(contentsOf path: String) throws {
    let bytes = try FileBytes(path)
    do {
      self = try YAMLDecoder().decode(Network.self, from: String(decoding: bytes.copy, as: UTF8.self))
      _ = try outputShape()
    } catch let error as EvenkeelError {
      throw EvenkeelError(error.code, "\(path): \(error.message)")
    } catch let error as DecodingError {
      // Yams wraps what a layer threw.
      if case .dataCorrupted(let context) = error, let cause = context.underlyingError as? EvenkeelError {
        throw EvenkeelError(cause.code, "\(path): \(cause.message)")
      }
      throw EvenkeelError.usage("\(path): \(error.sentence)")
    } catch {
      throw EvenkeelError.usage("\(path): it is not YAML: \(error).")
    }
  }

  /// Fully connected hidden layers, each with the activation of that kind and batch norm before it, behind it or not at all.
  /// - Throws: `EvenkeelError` with code `usage` if `activation` is none.
  public static func multilayer(
    input: Int, hidden: [Int], outputs: Int, activation: String,
    normalization: NormalizationPlacement = .beforeActivation
  ) throws -> Network {
    let kinds: [any ActivationLayer] = [
      ReLU(), LeakyReLU(), ELU(), GELU(), SiLU(), Sigmoid(), Tanh(), Softplus(),
    ]
    guard let layer = kinds.first(where: { type(of: $0).kind == activation }) else {
      throw EvenkeelError.usage(
        "\"\(activation)\" is not an activation; expected \(kinds.map { type(of: $0).kind }.joined(separator: ", ")).")
    }
    return Network(input: [input]) {
      for units in hidden {
        Dense(units)
        if normalization == .beforeActivation { BatchNorm() }
        [layer]
        if normalization == .afterActivation { BatchNorm() }
      }
      Dense(outputs)
    }
  }
}

/// Where a hidden layer is normalized: its z (Ioffe and Szegedy 2015, §3.2), its activation a, or neither.
public enum NormalizationPlacement: Sendable {
  case beforeActivation, afterActivation, none
}

extension DecodingError {
  /// What is wrong and where, for a person.
  fileprivate var sentence: String {
    let (context, what): (Context, String) =
      switch self {
      case .keyNotFound(let key, let context): (context, "the key \"\(key.stringValue)\" is missing")
      case .typeMismatch(let type, let context): (context, "expected \(type)")
      case .valueNotFound(let type, let context): (context, "expected \(type), got nothing")
      case .dataCorrupted(let context): (context, context.debugDescription)
      @unknown default: (Context(codingPath: [], debugDescription: ""), "it cannot be read")
      }
    let place = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    return (place.isEmpty ? "" : "\(place): ") + what + "."
  }
}
