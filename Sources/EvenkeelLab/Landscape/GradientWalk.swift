import Evenkeel

/// How the loss and its gradient change along the gradient at one point, for steps η: the three measures of smoothness
/// of Santurkar et al. 2018 ("How does batch normalization help optimization?", figure 4).
public struct GradientWalk: Sendable {
  /// The steps η.
  public let steps: [Double]
  /// L(w).
  public let loss: Double
  /// ‖∇L(w)‖.
  public let gradientNorm: Double
  /// L(w − η ∇L(w)) for every step; infinite where it is not finite.
  public let losses: [Double]
  /// ‖∇L(w) − ∇L(w − η ∇L(w))‖ for every step ("gradient predictiveness"); infinite likewise.
  public let gradientChanges: [Double]

  /// The least and the largest loss along the way (figure 4a).
  public var lossRange: ClosedRange<Double> { losses.min()!...losses.max()! }
  /// The least and the largest change of the gradient along the way (figure 4b).
  public var gradientChangeRange: ClosedRange<Double> { gradientChanges.min()!...gradientChanges.max()! }
  /// max ‖Δ∇L‖ / ‖Δw‖ along the way, the "effective β-smoothness" (figure 4c): the smallest Lipschitz constant of the
  /// gradient that is compatible with these values.
  public var effectiveSmoothness: Double {
    zip(steps, gradientChanges).map { $1 / max($0 * gradientNorm, .leastNormalMagnitude) }.max()!
  }
}

extension LossSurface {
  /// Walks down the gradient at `point`.
  /// - Parameters:
  ///   - point: Values of all parameters.
  ///   - steps: Above 0. By default eight even steps up to 0.4, as far as the paper's went at its learning rate of 0.1
  ///   (recalled, not checked); compare two networks over the same steps.
  /// - Throws: `EvenkeelError` with code `data` if loss or gradient are not finite at the point itself.
  public func walk(
    from point: [Float], steps: [Double] = (1...8).map { 0.05 * Double($0) }
  ) throws -> GradientWalk {
    precondition(!steps.isEmpty && steps.allSatisfy { $0 > 0 })
    let start = try gradient(at: point)
    var (losses, changes): ([Double], [Double]) = ([], [])
    for step in steps {
      do {
        let there = try gradient(at: Vectors.moved(point, -step, start.gradient))
        losses.append(there.loss)
        changes.append(Vectors.distance(there.gradient, start.gradient))
      } catch let error as EvenkeelError where error.code == .data {
        losses.append(.infinity)
        changes.append(.infinity)
      }
    }
    return GradientWalk(
      steps: steps, loss: start.loss, gradientNorm: Vectors.norm(start.gradient), losses: losses,
      gradientChanges: changes)
  }

  /// The norm of every parameter's part of `vector`, a gradient say, by name in stored files.
  public func norms(of vector: [Float]) -> [(name: String, role: ParameterRole, norm: Double)] {
    layout.entries.map {
      ($0.name, $0.description.role, Vectors.norm(Array(vector[$0.offset..<$0.offset + $0.count])))
    }
  }
}
