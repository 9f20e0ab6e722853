import Evenkeel

/// How claims show what they measured.
extension Plan {
  var scoreAxis: Axis { Axis(data.isClassification ? "Test accuracy" : "Test R²", unit: "%") }
  var stepAxis: Axis { Axis("Training steps") }

  var dataSentence: String {
    "Data: \(data.source), \(data.trainingCount) examples to train on, \(data.validationCount) to search settings on, \(data.testCount) to judge on."
  }

  /// The data, and how settings were found; the first paragraphs of most set-ups.
  var commonSetup: [String] {
    [
      "\(dataSentence) Batches of 60, gradient descent without momentum, \(steps) steps.",
      "Every contender's step size is the best of \(grid) from 0.03 to 10, each tried once on the validation examples with a seed of its own; then it is measured on the test examples with \(seeds) other seeds.",
    ]
  }

  func networkSentence(_ subjects: [Subject]) -> String {
    "Networks: " + subjects.map { "\($0.name): \($0.network.summary)" }.joined(separator: "; ") + "."
  }

  /// Why the user's network was not used.
  var ownNetworkNote: [String] {
    network == nil ? [] : ["This experiment varies the network itself, so it uses networks of its own and not yours."]
  }
}

extension Contest {
  /// Scores over the course in percent, the median and range of the seeds.
  /// - Parameter name: The curve's name, if not the contender's.
  func course(_ arm: Arm, _ evidence: Evidence, name: String? = nil) -> Curve {
    let results = results(arm, evidence).compactMap(\.self)
    let steps = arm.trial.evaluationSteps
    return Curve(
      name ?? arm.contender.name, side: arm.contender.side, x: steps.map { Double($0) },
      seeds: results.map { result in
        let scores = result.curve.map { 100 * $0.score }
        // A run that diverged has nothing after its end.
        return scores + Array(repeating: .nan, count: max(0, steps.count - scores.count))
      })
  }

  /// Final scores in percent over a quantity that conditions stand for.
  func scores(
    _ contender: Contender, _ evidence: Evidence, at places: [(condition: Condition, x: Double)]
  ) -> Curve {
    let columns = places.map {
      results(arm(contender, $0.condition), evidence).map { $0.map { 100 * $0.score } ?? .nan }
    }
    return Curve(
      contender.name, side: contender.side, x: places.map(\.x),
      seeds: (0..<seeds).map { seed in columns.map { $0[seed] } }, isMarked: true)
  }

  /// The mean final score in percent with its interval; nil before there is one.
  func meanScore(_ arm: Arm, _ evidence: Evidence) -> NumberTable.Cell {
    let scores = results(arm, evidence).compactMap { $0.map { 100 * $0.score } }
    guard scores.count == seeds, !scores.isEmpty else { return .text("not yet") }
    let mean = scores.reduce(0, +) / Double(scores.count)
    guard let interval = Bootstrap.interval(of: scores) else { return .number(mean) }
    return .estimate(mean, low: interval.lowerBound, high: interval.upperBound)
  }

  /// How many points the one contender's final score lies above the other's, seed by seed, as a mean over conditions.
  func difference(
    _ first: Contender, _ second: Contender, over conditions: [Condition] = [.only], _ evidence: Evidence
  ) -> [Double] {
    let pairs = conditions.map { (results(arm(first, $0), evidence), results(arm(second, $0), evidence)) }
    return perSeed { seed in
      var sum = 0.0
      for (a, b) in pairs {
        guard let a = a[seed], let b = b[seed] else { return nil }
        sum += 100 * (a.score - b.score)
      }
      return sum / Double(pairs.count)
    }
  }
}
