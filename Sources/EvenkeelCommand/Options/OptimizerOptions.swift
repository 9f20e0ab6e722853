import ArgumentParser
import Evenkeel

/// How gradients change parameters.
struct OptimizerOptions: ParsableArguments {
  enum Name: String, ExpressibleByArgument, CaseIterable {
    case adam, adamw, sgd, momentum, nesterov, rmsprop

    var hasMomentum: Bool { self == .momentum || self == .nesterov }
  }

  @Option(help: "How gradients change parameters.") var optimizer = Name.adam
  @Option(help: "The step size.") var learningRate = 0.001
  @Option(help: "The momentum of momentum and nesterov; 0.9 by default.") var momentum: Double?
  @Option(help: "Decay of weights, never of biases, scales and shifts; 0.01 by default for adamw, otherwise 0.")
  var weightDecay: Double?
  @Option(help: "The largest norm of the gradient; a larger gradient is scaled down to it.") var clip: Double?

  /// - Throws: `EvenkeelError` with code `usage` for an option of another optimizer.
  func chosen() throws -> Optimizer {
    let decay = weightDecay ?? (optimizer == .adamw ? 0.01 : 0)
    guard momentum == nil || optimizer.hasMomentum else {
      throw EvenkeelError(
        .usage, "--momentum goes with --optimizer momentum or nesterov, not with \(optimizer.rawValue).")
    }
    let momentum = momentum ?? 0.9
    return switch optimizer {
    case .adam: .adam(learningRate: learningRate, weightDecay: decay)
    case .adamw: .adamW(learningRate: learningRate, weightDecay: decay)
    case .sgd: .gradientDescent(learningRate: learningRate, weightDecay: decay)
    case .momentum: .momentum(learningRate: learningRate, momentum: momentum, weightDecay: decay)
    case .nesterov: .nesterov(learningRate: learningRate, momentum: momentum, weightDecay: decay)
    case .rmsprop: .rmsProp(learningRate: learningRate, weightDecay: decay)
    }
  }
}
