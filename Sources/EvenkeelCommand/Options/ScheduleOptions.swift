import ArgumentParser
import Evenkeel

/// How the step size changes over training.
struct ScheduleOptions: ParsableArguments {
  enum Name: String, ExpressibleByArgument, CaseIterable {
    case constant, step, exponential, cosine
    case oneCycle = "one-cycle"
  }

  @Option(help: "How the step size changes over training; constant by default, cosine for a table.")
  var schedule: Name?
  @Option(help: "Epochs between the steps of the step schedule; by default a third of all epochs.") var stepEvery: Int?
  @Option(help: "The factor of the step schedule (0.1 by default) or of the exponential one (0.9).")
  var decayFactor: Double?
  @Option(help: "Steps of warm-up.") var warmUp = 0

  func chosen(epochs: Int, isTable: Bool) -> Schedule {
    switch schedule ?? (isTable ? .cosine : .constant) {
    case .constant: .constant(warmUp: warmUp)
    case .step: .step(every: stepEvery ?? max(1, epochs / 3), factor: decayFactor ?? 0.1, warmUp: warmUp)
    case .exponential: .exponential(factor: decayFactor ?? 0.9, warmUp: warmUp)
    case .cosine: .cosine(warmUp: warmUp)
    case .oneCycle: .oneCycle(warmUp: warmUp)
    }
  }
}
