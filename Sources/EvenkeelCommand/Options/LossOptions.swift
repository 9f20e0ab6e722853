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

  @Option(
    help:
      "What the rows of each class count in training: balanced for the same in all, or factors as yes=5,no=1 (1 for classes not named).",
    transform: ClassWeights.init(argument:))
  var classWeight: ClassWeights?

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

extension ClassWeights {
  /// `balanced`, or `CLASS=FACTOR` with commas between them.
  /// - Throws: `EvenkeelError` with code `usage` for anything else.
  fileprivate init(argument: String) throws {
    guard argument != "balanced" else {
      self = .balanced
      return
    }
    var factors: [String: Double] = [:]
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let sign = part.lastIndex(of: "="), let factor = Double(part[part.index(after: sign)...]) else {
        throw EvenkeelError(.usage, "expected balanced, or classes and factors as yes=5,no=1.")
      }
      let name = String(part[..<sign])
      guard factors.updateValue(factor, forKey: name) == nil else {
        throw EvenkeelError(.usage, "the class \(name) appears twice.")
      }
    }
    self = .factors(factors)
  }
}
