/// Ioffe and Szegedy 2015, figure 1a: the net with batch norm needs fewer steps.
struct TrainsFaster: Claim {
  let name = "trains-faster"
  let title = "Batch norm makes training faster"
  let question =
    "How many steps, and how much time, does a network need to reach the same accuracy, with batch norm and without?"
  let rule = Rule("times fewer steps to the target", .above(1.1), isRatio: true)

  private func race(_ plan: Plan) -> Race {
    Race(contest: plan.courseContest(plan.subjects), chance: plan.data.chance)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { race(plan).contest.trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let race = race(plan)
    return Findings(
      setup: plan.commonSetup + [plan.networkSentence(plan.subjects), Race.setup],
      values: race.ratios(.batchNorm, .withoutNorms, evidence), figures: race.figures(plan, evidence),
      tables: [race.table(evidence), race.contest.ratesTable(evidence)], notes: race.notes(evidence))
  }
}
