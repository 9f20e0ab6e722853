import Evenkeel
import Foundation

/// Mish: y = x tanh(softplus x) (Misra 2019), element by element.
///
/// Evenkeel has it as `Mish`, vectorized; this one shows what an activation has to say of itself. PyTorch: `nn.Mish`.
public struct ExampleMish: Layer, LayerOperation {
  public static let kind = "exampleMish"

  /// The activation; it has no options.
  public init() {}

  // MARK: Layer

  /// It behaves like ReLU far from 0, so weights before it start as He and others (2015) propose.
  public var initializationBefore: Initialization? { .he }

  /// Mish of 0 is 0, so what lies after the end of a sequence stays 0.
  public func outputLength(of length: Int, for input: Shape) -> Int? { length }

  // MARK: LayerOperation

  public var worksInPlace: Bool { true }
  public var backwardWorksInPlace: Bool { true }
  public var takesSlices: Bool { true }

  public func forward(_ pass: ForwardPass) {
    for i in 0..<pass.rows * pass.inputLength {
      let x = pass.input[i]
      pass.output[i] = x * tanh(softplus(x))
    }
  }

  /// dy/dx = tanh s + x (1 − tanh² s) / (1 + e⁻ˣ) with s = softplus x.
  public func backward(_ pass: BackwardPass) {
    guard let dx = pass.inputGradient else { return }
    for i in 0..<pass.rows * pass.inputLength {
      let x = pass.input[i]
      let t = tanh(softplus(x))
      dx[i] = pass.outputGradient[i] * (t + x * (1 - t * t) / (1 + exp(-x)))
    }
  }
}

/// log(1 + eˣ), without overflow for large x.
private func softplus(_ x: Float) -> Float { max(x, 0) + log1p(exp(-abs(x))) }
