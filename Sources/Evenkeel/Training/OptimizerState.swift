import Kernels

/// What an optimizer remembers from previous steps, and its step.
final class OptimizerState {
  /// Averages of gradients and of their squares, if the optimizer keeps them.
  let first, second: AlignedFloats
  private let optimizer: Optimizer
  private let team: TeamSize

  init(_ optimizer: Optimizer, count: Int, team: TeamSize) {
    self.optimizer = optimizer
    self.team = team
    first = AlignedFloats(count: optimizer.keepsFirst ? count : 0)
    second = AlignedFloats(count: optimizer.keepsSecond ? count : 0)
  }

  /// Updates the parameters of `state` from their gradients; changes nothing if it throws.
  /// - Parameters:
  ///   - step: From 1.
  ///   - factor: The schedule's factor on the learning rate.
  ///   - scale: The factor on gradients.
  ///   - position: The step's position, for errors.
  func update(
    _ state: ModelState, _ gradients: AlignedFloats, step: Int, factor: Double, scale: Double,
    at position: TrainingPosition
  ) throws {
    let threads = Int32(team.current)
    let largest = Double(ek_largest_magnitude(gradients.start, gradients.count, threads))
    guard largest.isFinite else {
      let place = ek_first_non_finite(gradients.start, gradients.count, threads)
      throw position.diverged("a gradient is not finite", layer: state.layout.name(at: place))
    }
    var settings = optimizer.settings(
      step: step, factor: factor, gradientScale: scale, decayed: state.layout.weightCount)
    let isLarge =
      largest * scale > Self.largeGradient
      || settings.learning_rate * max(1, optimizer.weightDecay) > Self.largeLearningRate
    let changed = [state.parameters, first, second]
    let before = isLarge ? changed.map { AlignedFloats(copying: $0) } : nil
    state.write {
      ek_optimizer_step(
        &settings, $0.parameters.start, gradients.start, first.start, second.start, gradients.count, threads)
    }
    guard let before else { return }
    let places = changed.map { ek_first_non_finite($0.start, $0.count, threads) }
    guard let place = places.first(where: { $0 >= 0 }) else { return }
    state.write { _ in
      for (buffer, kept) in zip(changed, before) { buffer.start.update(from: kept.start, count: kept.count) }
    }
    throw position.diverged("the update leaves the range of a float", layer: state.layout.name(at: place))
  }

  /// Beyond these, a parameter or the square of a gradient may leave the range of a float: the step is then tried
  /// first.
  private static let largeGradient = 1e15, largeLearningRate = 1e9
}
