import ArgumentParser
import Evenkeel

/// A cross-validation in place of one training.
struct FoldOptions: ParsableArguments {
  @Option(
    help:
      "Part the rows into so many folds, of every class the same share; train a model for each on the other folds, judge it on the fold, and store the mean of the models."
  )
  var folds: Int?
  @Option(help: "How often to do so, with other folds each time; 1 by default.") var repeats: Int?
  @Option(
    help: "A CSV file for what is predicted of each row by the models that were not trained on it.")
  var outOfFold: String?

  /// The folds, repeat after repeat; nil for a plain training.
  /// - Throws: `EvenkeelError` with code `usage` for numbers out of range, or options of folds without them.
  func chosen() throws -> [Fold]? {
    guard let folds else {
      if let option = repeats != nil ? "--repeats" : outOfFold != nil ? "--out-of-fold" : nil {
        throw EvenkeelError(.usage, "\(option) needs --folds.")
      }
      return nil
    }
    let rounds = repeats ?? 1
    guard (2...10_000).contains(folds) else {
      throw EvenkeelError(.usage, "--folds is \(folds); expected 2 to 10000.")
    }
    guard (1...1_000).contains(rounds) else {
      throw EvenkeelError(.usage, "--repeats is \(rounds); expected 1 to 1000.")
    }
    return try (1...rounds).flatMap { round in
      try (1...folds).map { try Fold($0, of: folds, round: round) }
    }
  }
}
