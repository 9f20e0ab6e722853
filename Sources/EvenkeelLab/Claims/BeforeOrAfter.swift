import Evenkeel

/// Normalizing z or a.
struct BeforeOrAfter: Claim {
  let name = "before-or-after"
  let title = "Normalizing z or a comes out about the same"
  let question = "Does it matter whether the norm stands before the activation or after it?"
  let rule = Rule("points of accuracy more after the activation", .within(1))

  private static let before = Contender("before (z)", .with)
  private static let after = Contender("after (a)", .other(0))

  private func contest(_ plan: Plan) -> Contest {
    let before = [plan.paperNet, plan.reluNet]
    let after = [
      plan.multilayer([100, 100, 100], Sigmoid(), start: .normal(0.1), isNormLast: true) { [BatchNorm()] },
      plan.multilayer([100, 100, 100], ReLU(), isNormLast: true) { [BatchNorm()] },
    ]
    return Contest(
      zip(before, after).flatMap { subject, after in
        [(Self.before, subject.network), (Self.after, after)].map {
          Contest.Arm(
            contender: $0.0, condition: subject.condition, trial: plan.trial($0.1, evaluations: plan.courseEvaluations),
            rates: plan.rates)
        }
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence([plan.paperNet, plan.reluNet]) + " The effect is the mean over both networks."
      ],
      values: contest.difference(Self.after, Self.before, over: contest.conditions, evidence),
      figures: contest.conditions.map { condition in
        Figure(
          "Accuracy while training: \(condition.name)", caption: "Median over seeds with the range.", x: plan.stepAxis,
          y: plan.scoreAxis,
          plot: .curves(contest.contenders.map { contest.course(contest.arm($0, condition), evidence) }))
      },
      tables: [
        NumberTable(
          "Final score", columns: ["network", "before (%)", "after (%)"],
          rows: contest.conditions.map { condition in
            [.text(condition.name)]
              + contest.contenders.map { contest.meanScore(contest.arm($0, condition), evidence) }
          }), contest.ratesTable(evidence),
      ], notes: plan.ownNetworkNote)
  }
}
