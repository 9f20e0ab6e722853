import ArgumentParser
import Evenkeel

extension Optimizer.Name: ExpressibleByArgument {}

/// How gradients change parameters.
struct OptimizerOptions: ParsableArguments {
  @Option(help: "How gradients change parameters.") var optimizer = Optimizer.Name.adam
  @Option(help: "The step size.") var learningRate = 0.001
  @Option(help: "The momentum of momentum and nesterov; 0.9 by default.") var momentum: Double?
  @Option(help: "Decay of weights, never of biases, scales and shifts; 0.01 by default for adamw, otherwise 0.")
  var weightDecay: Double?
  @Option(help: "The largest norm of the gradient; a larger gradient is scaled down to it.") var clip: Double?

  /// - Throws: `EvenkeelError` with code `usage` for an option of another optimizer.
  func chosen() throws -> Optimizer {
    guard momentum == nil || optimizer.takesMomentum else {
      throw EvenkeelError(
        .usage, "--momentum goes with --optimizer momentum or nesterov, not with \(optimizer.rawValue).")
    }
    return Optimizer(optimizer, learningRate: learningRate, momentum: momentum ?? 0.9, weightDecay: weightDecay)
  }
}
