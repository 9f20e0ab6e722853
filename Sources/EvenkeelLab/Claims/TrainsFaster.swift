/// Ioffe and Szegedy 2015, figure 1a: the net with batch norm needs fewer steps.
struct TrainsFaster: Claim {
  let name = "trains-faster"
  let title = "Batch norm makes training faster"
  let question =
    "How many steps, and how much time, does a network need to reach the same accuracy, with batch norm and without?"
  let rule = Rule("times fewer steps to the target", .above(1.1), isRatio: true)

  private func race(_ plan: Plan) -> Race {
    Race(
      contest: plan.courseContest(plan.subjects), conditions: plan.subjects.map(\.name),
      contenders: ["batch norm", "without"], chance: plan.data.chance)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { race(plan).contest.trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let race = race(plan)
    return Findings(
      setup: plan.commonSetup + [plan.networkSentence(plan.subjects), Race.setup],
      values: race.ratios("batch norm", "without", evidence), figures: race.figures(plan, evidence, side: side),
      tables: [race.table(evidence), race.contest.ratesTable(evidence)], notes: race.notes(evidence))
  }
}

extension Plan {
  /// Both sides of every subject, measured over the course.
  func courseContest(_ subjects: [Subject], probes: [Probe] = []) -> Contest {
    Contest(
      subjects.flatMap { subject in
        subject.sides.map {
          Contest.Arm(
            contender: $0.contender, condition: subject.name,
            trial: trial($0.network, evaluations: courseEvaluations, probes: probes), rates: rates)
        }
      }, seeds: seeds, criterion: .meanScore)
  }
}
