import Evenkeel

/// Normalizing z or a.
struct BeforeOrAfter: Claim {
  let name = "before-or-after"
  let title = "Normalizing z or a comes out about the same"
  let question = "Does it matter whether the norm stands before the activation or after it?"
  let rule = Rule("points of accuracy more after the activation", .within(1))

  private func contest(_ plan: Plan) -> Contest {
    let before = [plan.paperNet, plan.reluNet]
    let after = [
      plan.multilayer([100, 100, 100], Sigmoid(), start: .normal(0.1), isNormBehind: true) { [BatchNorm()] },
      plan.multilayer([100, 100, 100], ReLU(), isNormBehind: true) { [BatchNorm()] },
    ]
    return Contest(
      zip(before, after).flatMap { subject, behind in
        [("before (z)", subject.network), ("after (a)", behind)].map {
          Contest.Arm(
            contender: $0.0, condition: subject.name, trial: plan.trial($0.1, evaluations: plan.courseEvaluations),
            rates: plan.rates)
        }
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    let conditions = ["sigmoid", "ReLU"]
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence([plan.paperNet, plan.reluNet]) + " The effect is the mean over both networks."
      ],
      values: contest.difference("after (a)", "before (z)", over: conditions, evidence),
      figures: conditions.map { condition in
        Figure(
          "Accuracy while training: \(condition)", caption: "Median over seeds with the range.", x: plan.stepAxis,
          y: plan.scoreAxis,
          plot: .curves([
            contest.course(contest.arm("before (z)", condition), evidence, name: "before (z)", side: .with),
            contest.course(contest.arm("after (a)", condition), evidence, name: "after (a)", side: .other(0)),
          ]))
      },
      tables: [
        NumberTable(
          "Final score", columns: ["network", "before (%)", "after (%)"],
          rows: conditions.map {
            [
              .text($0), contest.meanScore(contest.arm("before (z)", $0), evidence),
              contest.meanScore(contest.arm("after (a)", $0), evidence),
            ]
          }), contest.ratesTable(evidence),
      ], notes: plan.ownNetworkNote)
  }
}
