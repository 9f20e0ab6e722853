import ArgumentParser
import Evenkeel

extension Optimizer.Name: ExpressibleByArgument {}

/// How gradients change parameters.
struct OptimizerOptions: ParsableArguments {
  @Option(help: "How gradients change parameters; adam by default, adamw for a table.") var optimizer: Optimizer.Name?
  @Option(help: "The step size; 0.001 by default, 0.003 for a table.") var learningRate: Double?
  @Option(help: "The momentum of momentum and nesterov; 0.9 by default.") var momentum: Double?
  @Option(
    help:
      "Decay of weights, never of biases, scales and shifts; 0.01 by default for adamw (0.2 for a small table), otherwise 0."
  )
  var weightDecay: Double?
  @Option(help: "The largest norm of the gradient; a larger gradient is scaled down to it.") var clip: Double?

  /// - Parameter recipe: What is used where nothing is said; nil for other data than tables.
  /// - Throws: `EvenkeelError` with code `usage` for an option of another optimizer.
  func chosen(_ recipe: TableRecipe?) throws -> Optimizer {
    let name = optimizer ?? (recipe == nil ? .adam : .adamW)
    guard momentum == nil || name.takesMomentum else {
      throw EvenkeelError(
        .usage, "--momentum goes with --optimizer momentum or nesterov, not with \(name.rawValue).")
    }
    let standard = optimizer == nil ? recipe?.learningRate : nil
    return Optimizer(
      name, learningRate: learningRate ?? standard ?? 0.001, momentum: momentum ?? 0.9,
      weightDecay: weightDecay ?? (optimizer == nil ? recipe?.weightDecay : nil))
  }
}
