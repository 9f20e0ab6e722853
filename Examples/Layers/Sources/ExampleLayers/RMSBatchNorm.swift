import Evenkeel
import Foundation

/// Batch normalization that scales and does not center: y = γ x / √(q + ε) + β, per feature, where q is the mean of x²
/// over the batch in training and a running average of it in prediction.
///
/// A norm of one's own with running statistics, whole: the gradient goes through q, examples count by their weights,
/// the average is debiased as that of `BatchNorm`, and the layer can be frozen, recalibrated and exchanged for another
/// norm.
public struct RMSBatchNorm: Layer {
  public static let kind = "exampleRMSBatchNorm"

  /// ε, added to q.
  public var epsilon: Double
  /// The weight of the past in the running average, from 0 to below 1; PyTorch's momentum is 1 − decay.
  public var decay: Double
  /// What γ starts at.
  public var initialScale: Double
  /// Whether training normalizes with the running average, too, and leaves it alone.
  public var frozen: Bool

  /// A norm with these options; `outputShape(for:)` checks them.
  public init(epsilon: Double = 1e-5, decay: Double = 0.9, initialScale: Double = 1, frozen: Bool = false) {
    self.epsilon = epsilon
    self.decay = decay
    self.initialScale = initialScale
    self.frozen = frozen
  }

  /// - Throws: `EvenkeelError` with code `usage` for an option out of range.
  public func outputShape(for input: Shape) throws -> Shape {
    guard epsilon >= 0, epsilon.isFinite else {
      throw EvenkeelError(.usage, "\(Self.kind): epsilon is \(epsilon); expected 0 or more.")
    }
    guard decay >= 0, decay < 1 else {
      throw EvenkeelError(.usage, "\(Self.kind): decay is \(decay); expected 0 or more and less than 1.")
    }
    guard initialScale.isFinite else {
      throw EvenkeelError(.usage, "\(Self.kind): initialScale is \(initialScale); expected a number.")
    }
    return input
  }

  /// γ and β are the parameters that a layer with `norm` has by default.
  public var norm: NormOptions? { NormOptions(epsilon: epsilon, initialScale: initialScale, isFrozen: frozen) }

  /// Not `removesConstants`: nothing is subtracted, so a bias before this norm is of use.
  public var traits: LayerTraits { [.runningStatistics, .passesThrough] }

  /// The running average of x², not PyTorch's `running_var`, since it is not a variance; and how many batches it has
  /// seen.
  public func buffers(for input: Shape) throws -> [BufferDescription] {
    [
      BufferDescription(name: "mean_square", shape: [input.featureCount], start: 1, minimum: 0),
      BufferDescription(count: "num_batches_tracked"),
    ]
  }

  public func withInitialScale(_ scale: Double) -> RMSBatchNorm {
    var norm = self
    norm.initialScale = scale
    return norm
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    RMSBatchNormOperation(options: self, features: site.input.featureCount, name: site.name)
  }

  /// Options that are left out have their defaults.
  public init(from decoder: any Decoder) throws {
    let options = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      epsilon: try options.decodeIfPresent(Double.self, forKey: .epsilon) ?? 1e-5,
      decay: try options.decodeIfPresent(Double.self, forKey: .decay) ?? 0.9,
      initialScale: try options.decodeIfPresent(Double.self, forKey: .initialScale) ?? 1,
      frozen: try options.decodeIfPresent(Bool.self, forKey: .frozen) ?? false)
  }
}

/// Scratch, from `forward` to `commit`: q of every feature, then Σ w over the values behind it; 0 where q is the
/// running average.
private struct RMSBatchNormOperation: LayerOperation {
  let options: RMSBatchNorm
  let features: Int
  /// The layer's path, for messages.
  let name: String

  var scratchCount: Int { features + 1 }

  func forward(_ pass: ForwardPass) throws {
    let (x, y, q) = (pass.input, pass.output, pass.scratch)
    q[features] = Float(total(pass))
    for c in 0..<features {
      q[c] = pass.buffer(0)[c]
      if q[features] > 0 {
        q[c] = Float(sum(of: c, pass) { Double(x[$0]) * Double(x[$0]) * $1 } / total(pass))
        guard q[c].isFinite else {
          throw EvenkeelError(
            .data, "Layer \(name) (\(RMSBatchNorm.kind)): the values of feature \(c) are not finite or too large.")
        }
      }
      let gain = Double(pass.parameter(0)[c]) * inverseRoot(q[c])
      for i in places(of: c, pass) { y[i] = Float(gain * Double(x[i]) + Double(pass.parameter(1)[c])) }
    }
  }

  /// With x̂ = x / √(q + ε): dβ = Σ dy, dγ = Σ dy x̂, and dx = γ / √(q + ε) (dy − w x̂ dγ / Σ w), whose second term is
  /// what q owes to x; it is 0 where q is the running average.
  func backward(_ pass: BackwardPass) {
    let (x, dy, total) = (pass.input, pass.outputGradient, Double(pass.scratch[features]))
    for c in 0..<features {
      let r = inverseRoot(pass.scratch[c])
      let dscale = places(of: c, pass.forward).reduce(0) { $0 + Double(dy[$1]) * Double(x[$1]) * r }
      let dshift = places(of: c, pass.forward).reduce(0) { $0 + Double(dy[$1]) }
      pass.parameterGradient(0)[c] = Float(dscale)
      pass.parameterGradient(1)[c] = Float(dshift)
      guard let dx = pass.inputGradient else { continue }
      let gain = Double(pass.parameter(0)[c]) * r
      for i in places(of: c, pass.forward) {
        let owed = total > 0 ? weight(of: i, pass.forward) * Double(x[i]) * r * dscale / total : 0
        dx[i] = Float(gain * (Double(dy[i]) - owed))
      }
    }
  }

  /// A batch enters with the weight (1 − d) / (1 − dᵗ), so that the average is right from the first; a smaller one as
  /// its share of a step.
  func commit(_ pass: CommitPass) {
    let q = pass.forward.scratch
    guard case .batch(let share) = pass.forward.statistics, q[features] > 0 else { return }
    let (average, count) = (pass.buffers.values(0), pass.buffers.count(1))
    let batch = (1 - pow(options.decay, share)) / (1 - pow(options.decay, Double(count.pointee) + share))
    for c in 0..<features { average[c] = Float(Double(average[c]) + batch * (Double(q[c]) - Double(average[c]))) }
    count.pointee += 1
  }

  /// The mean of x² over all data is σ² + μ².
  func recalibrate(_ moments: FeatureMoments, _ buffers: LayerBuffers) throws {
    for c in 0..<features {
      let square = Float(moments.variance(c) + moments.mean(c) * moments.mean(c))
      guard square.isFinite else {
        throw EvenkeelError(
          .data, "Layer \(name) (\(RMSBatchNorm.kind)): the mean square of feature \(c) is beyond a float.")
      }
      buffers.values(0)[c] = square
    }
    buffers.count(1).pointee = max(1, buffers.count(1).pointee)
  }

  /// Σ w over the values of a feature; 0 where the running average is to be used.
  private func total(_ pass: ForwardPass) -> Double {
    guard case .batch = pass.statistics, !(options.frozen && pass.purpose == .training) else { return 0 }
    return sum(of: 0, pass) { $1 }
  }

  /// Σ of `term` over the places of feature `c`, which is given each place and what its example counts.
  private func sum(of c: Int, _ pass: ForwardPass, _ term: (_ place: Int, _ weight: Double) -> Double) -> Double {
    places(of: c, pass).reduce(0) { $0 + term($1, weight(of: $1, pass)) }
  }

  /// What the example counts that place `i` belongs to.
  private func weight(of i: Int, _ pass: ForwardPass) -> Double {
    pass.exampleWeights.map { Double($0[i / pass.inputLength]) } ?? 1
  }

  /// Where the values of feature `c` lie: features are last.
  private func places(of c: Int, _ pass: ForwardPass) -> StrideTo<Int> {
    stride(from: c, to: pass.rows * pass.inputLength, by: features)
  }

  /// 1 / √(q + ε); 0 where that is infinite, as for a feature that is always 0 without ε.
  private func inverseRoot(_ q: Float) -> Double {
    let square = Double(q) + options.epsilon
    return square > 0 ? 1 / square.squareRoot() : 0
  }
}
