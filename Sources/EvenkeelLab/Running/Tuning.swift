import Evenkeel

/// A search for the settings of a training: random points, of which the better ones are trained for longer.
///
/// Points come in brackets of nine. All nine are trained for a ninth of the epochs, the best three anew for a third, the best one for
/// all: successive halving (Jamieson and Talwalkar 2016) by a factor of three. The recipe of a table, its first point, is always
/// trained for all, so that what is found is measured against it, and it comes before equals.
package struct Tuning: Sendable {
  package let runner: TrialRunner
  /// The most epochs of a trial.
  package let epochs: Int
  /// What decides on the validation examples; nil for accuracy or R².
  package let metric: Metric?
  /// Of the points; a trial's own is always 0, as what it draws is no setting.
  package let seed: UInt64

  private static let (bracket, factor) = (9, 3)

  package init(runner: TrialRunner, epochs: Int, metric: Metric?, seed: UInt64) {
    (self.runner, self.epochs, self.metric, self.seed) = (runner, epochs, metric, seed)
  }

  /// A point and what became of it.
  package struct Outcome: Sendable {
    package let point: TuningPoint
    /// Whether it is the recipe of a table.
    package let isRecipe: Bool
    /// Those of its longest trial.
    package let epochs: Int
    package let result: TrialResult
  }

  /// The progress: how many trials are done, of which point and length the last ones are.
  package typealias Progress = (_ done: Int, _ epochs: Int) -> Void

  /// Tries `count` points, or as many as the time allows.
  /// - Parameters:
  ///   - isOver: Whether the time is over; asked from several threads. Trials under way are then given up.
  ///   - shouldStop: Whether the run was asked to stop.
  /// - Returns: A point each, the best first.
  /// - Throws: As `TrialRunner.run`.
  package func run(
    points count: Int, isOver: @escaping @Sendable () -> Bool, shouldStop: @escaping @Sendable () -> Bool,
    onProgress: Progress = { _, _ in }
  ) throws -> [Outcome] {
    var outcomes: [Int: Outcome] = [:]
    var done = 0
    var seen: Set<TuningPoint> = []
    brackets: for start in stride(from: 0, to: count, by: Self.bracket) {
      // Around a recipe, points come again.
      var entrants = (start..<min(start + Self.bracket, count)).filter { seen.insert(point($0)).inserted }
      for length in lengths {
        let (results, isWhole) = try results(of: entrants, length, isOver, shouldStop) { onProgress(done + $0, length) }
        done += results.count
        for (index, result) in results {
          outcomes[index] = Outcome(
            point: point(index), isRecipe: isRecipe(index), epochs: length, result: result)
        }
        guard isWhole else { break brackets }
        entrants = Array(
          ranked(outcomes.filter { entrants.contains($0.key) }).prefix(max(1, entrants.count / Self.factor)))
        if start == 0, isRecipe(0), !entrants.contains(0) { entrants.append(0) }
      }
    }
    return ranked(outcomes).map { outcomes[$0]! }
  }

  private func point(_ index: Int) -> TuningPoint { TuningPoint(index, seed: seed, around: runner.data.recipe) }

  /// The epochs of a bracket's rounds, rising; one that a shorter one equals is left out.
  private var lengths: [Int] {
    Set([epochs / (Self.factor * Self.factor), epochs / Self.factor, epochs].map { max(1, $0) }).sorted()
  }

  /// The results of the points at `indices`, of those that were finished in time, and whether these are all.
  private func results(
    of indices: [Int], _ epochs: Int, _ isOver: @escaping @Sendable () -> Bool,
    _ shouldStop: @escaping @Sendable () -> Bool, _ onProgress: (Int) -> Void
  ) throws -> (results: [Int: TrialResult], isWhole: Bool) {
    let trials = try indices.map { try point($0).trial(epochs: epochs, on: runner.data, metric: metric) }
    var found: [Trial: TrialResult]
    do {
      found = try runner.run(
        trials, shouldStart: { !isOver() }, shouldStop: { isOver() || shouldStop() },
        onProgress: { onProgress($0.done) })
    } catch let error as EvenkeelError where error.code == .interrupted && !shouldStop() {
      found = try runner.store.results(of: trials)
    }
    let results = Dictionary(
      uniqueKeysWithValues: zip(indices, trials).compactMap { index, trial in found[trial].map { (index, $0) } })
    return (results, results.count == indices.count)
  }

  /// Whether the point at `index` is the recipe of a table.
  private func isRecipe(_ index: Int) -> Bool { index == 0 && runner.data.recipe != nil }

  /// The points by their results, the best first: those that diverged last; of equals the recipe, else the one with the lower loss, or
  /// drawn first.
  private func ranked(_ outcomes: [Int: Outcome]) -> [Int] {
    outcomes.keys.sorted { one, other in
      let (first, second) = (outcomes[one]!.result, outcomes[other]!.result)
      if first.isDiverged != second.isDiverged { return second.isDiverged }
      if first.isDiverged { return one < other }
      if first.score == second.score {
        if isRecipe(one) || isRecipe(other) { return isRecipe(one) }
        let losses = [first, second].map { $0.curve.last?.loss ?? .infinity }
        return losses[0] == losses[1] ? one < other : losses[0] < losses[1]
      }
      return metric?.isBetter(first.score, than: second.score) ?? (first.score > second.score)
    }
  }
}
