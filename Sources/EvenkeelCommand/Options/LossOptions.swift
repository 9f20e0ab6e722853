import ArgumentParser
import Evenkeel

/// The quantity that training minimizes.
struct LossOptions: ParsableArguments {
  enum Name: String, ExpressibleByArgument, CaseIterable {
    case softmax, sigmoid, squared, huber

    /// What only this loss can be for; nil for one that takes classes and shares.
    var task: TableOptions.Task? {
      switch self {
      case .softmax: .classification
      case .squared, .huber: .regression
      case .sigmoid: nil
      }
    }
  }

  @Option(
    help:
      "Cross-entropy after softmax or sigmoid, squared error, or Huber's loss; by default softmax for classes and squared for values."
  )
  var loss: Name?
  @Option(help: "The share of the softmax target that is spread evenly over all classes.") var labelSmoothing = 0.0
  @Option(help: "Where Huber's loss turns linear, in standard deviations of the target.") var huberDelta = 1.0

  /// - Throws: `EvenkeelError` with code `usage` for an option of another loss.
  func chosen(isRegression: Bool) throws -> Loss {
    let name = loss ?? (isRegression ? .squared : .softmax)
    guard labelSmoothing == 0 || name == .softmax else {
      throw EvenkeelError(.usage, "--label-smoothing goes with the softmax loss, not with \(name.rawValue).")
    }
    return switch name {
    case .softmax: .softmaxCrossEntropy(labelSmoothing: labelSmoothing)
    case .sigmoid: .sigmoidCrossEntropy
    case .squared: .meanSquaredError
    case .huber: .huber(delta: huberDelta)
    }
  }
}
