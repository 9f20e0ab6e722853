import Evenkeel

/// A common claim about batch normalization, as an experiment with a rule for its verdict.
///
/// A claim is a value without state: its trials and findings follow only from the plan and the evidence.
package protocol Claim: Sendable {
  /// Its name in commands.
  var name: String { get }
  /// The claim as people make it.
  var title: String { get }
  /// What the experiment asks.
  var question: String { get }
  /// What is measured and when it supports the claim.
  var rule: Rule { get }

  /// The trials that the claim needs, as far as the evidence tells; with their results it may need more. It is done
  /// when the evidence lacks none of them.
  func trials(_ plan: Plan, _ evidence: Evidence) throws -> [Trial]

  /// What the evidence says.
  func findings(_ plan: Plan, _ evidence: Evidence) throws -> Findings
}

/// What a claim found, before the rule is applied.
package struct Findings: Sendable {
  /// How the experiment was set up, one string per paragraph.
  package var setup: [String]
  /// The effect, one value per seed.
  package var values: [Double]
  package var figures: [Figure]
  package var tables: [NumberTable]
  package var notes: [String]

  init(setup: [String], values: [Double], figures: [Figure], tables: [NumberTable] = [], notes: [String] = []) {
    (self.setup, self.values, self.figures, self.tables, self.notes) = (setup, values, figures, tables, notes)
  }
}

extension Claim {
  /// Whether the evidence holds everything that the claim needs.
  package func isDone(_ plan: Plan, _ evidence: Evidence) throws -> Bool {
    try trials(plan, evidence).allSatisfy { evidence[$0] != nil }
  }

  /// Applies the rule.
  /// - Parameter command: The command that reproduces these numbers.
  package func judge(_ plan: Plan, _ evidence: Evidence, command: String) throws -> ClaimReport {
    let findings = try findings(plan, evidence)
    let trials = Set(try trials(plan, evidence))
    let results = trials.map { evidence[$0] }
    let judged = trials.compactMap { $0.evaluatedOn == .test ? evidence[$0] : nil }
    let nothingLearned = !judged.isEmpty && !judged.contains { $0.score > plan.data.aboveChance }
    let effect = nothingLearned ? nil : rule.effect(of: findings.values)
    var notes = findings.notes
    let missing = results.count { $0 == nil }
    if missing > 0 { notes.append("\(missing) trials have not finished yet; the verdict waits for them.") }
    if nothingLearned {
      notes.append(
        judged.allSatisfy(\.isDiverged)
          ? "Every judged run diverged, so there is nothing to compare."
          : "No judged run did better than guessing (\(NumberText.plain.short(100 * plan.data.aboveChance)) %), so there is nothing to compare."
      )
    }
    if plan.seeds < Rule.leastSeeds {
      notes.append("With \(plan.seeds) seeds the verdict stays undecided; five or more decide.")
    }
    return ClaimReport(
      name: name, title: title, question: question, setup: findings.setup, figures: findings.figures,
      tables: findings.tables, verdict: missing > 0 ? .undecided : rule.verdict(effect, seeds: findings.values.count),
      effect: effect,
      rule: rule.sentence, command: command, seeds: plan.seeds, trials: results.count - missing,
      divergedTrials: results.count { $0?.isDiverged ?? false }, notes: notes)
  }
}

/// All claims, in the order of the report.
package enum Claims {
  package static let all: [any Claim] = [
    TrainsFaster(), WiderRange(), RobustInitialization(), DeeperNetworks(), InputsHoldStill(), ContoursRound(),
    SmootherLandscape(), NotCovariateShift(), BeforeOrAfter(), ScaleAndShift(), BiasRedundant(), RunningAverages(),
    LargerLearningRate(), SmallBatches(), GhostBatches(),
  ]

  /// The claims with these names; `all` stands for every one.
  /// - Throws: `EvenkeelError` with code `usage` that names the nearest for one that is unknown.
  package static func named(_ names: [String]) throws -> [any Claim] {
    if names.contains("all") { return all }
    var chosen: [any Claim] = []
    for name in names {
      guard let claim = all.first(where: { $0.name == name }) else {
        let nearest = all.map(\.name).min { distance($0, name) < distance($1, name) }!
        throw EvenkeelError(
          .usage, "\"\(name)\" is not a claim; did you mean \(nearest)? evenkeel lab list shows all claims.")
      }
      if !chosen.contains(where: { $0.name == name }) { chosen.append(claim) }
    }
    return chosen
  }

  /// The letters that must be put in, left out or exchanged to make one name the other (Levenshtein 1966), less where one holds
  /// the other.
  static func distance(_ left: String, _ right: String) -> Int {
    let (a, b) = (Array(left), Array(right))
    var row = Array(0...b.count)
    for i in a.indices {
      var corner = row[0]
      row[0] = i + 1
      for j in b.indices {
        let next = min(row[j] + 1, row[j + 1] + 1, corner + (a[i] == b[j] ? 0 : 1))
        (corner, row[j + 1]) = (row[j + 1], next)
      }
    }
    let isPart = !b.isEmpty && (left.contains(right) || right.contains(left))
    return isPart ? row[b.count] / 4 : row[b.count]
  }
}
