import Evenkeel

/// What predicts one observation: averages over the batches of training.
struct RunningAverages: Claim {
  let name = "running-averages"
  let title = "Running averages serve at test time"
  let question =
    "Are averages over training batches as good for prediction as exact statistics, and as those of test batches?"
  let rule = Rule("points of accuracy more than with exact statistics", .within(0.5))

  private static let names = ["debiased", "not debiased"]

  private func contest(_ plan: Plan) -> Contest {
    // With the batch's own variance, recalibrating on a batch is normalizing by it.
    let network = (plan.network ?? plan.reluNet.network).changingNorms { $0.runningVariance = .population }
    let networks = [network, network.changingNorms { $0.debiased = false }]
    return Contest(
      zip(Self.names, networks).map {
        Contest.Arm(
          contender: $0, condition: "",
          trial: plan.trial(
            $1, evaluations: min(12, plan.courseEvaluations), probes: $0 == Self.names[0] ? [.statistics] : []),
          rates: plan.rates)
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    let arm = contest.arm(Self.names[0])
    let results = contest.results(arm, evidence)
    let steps = arm.trial.evaluationSteps.map { Double($0) }
    func curve(_ name: String, _ measure: String, _ side: Side) -> Curve {
      Curve(
        name, side: side, x: steps,
        seeds: results.compactMap { $0?.measures[measure].map { $0.map { 100 * $0 } } })
    }
    let biased = contest.arm(Self.names[1])
    let rows: [[NumberTable.Cell]] = [
      ["running, debiased", contest.meanScore(arm, evidence)],
      ["running, not debiased", contest.meanScore(biased, evidence)],
      ["exact, of 1,000 training examples", last(results, "recalibrated")],
      ["of the test batch itself, 60 examples", last(results, "batch of 60")],
      ["of the test batch itself, 2 examples", last(results, "batch of 2")],
    ]
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence([plan.subject]),
        "The same model is evaluated with running averages (decay 0.9, debiased or not), with exact statistics of 1,000 training examples, and with those of batches of 60 and of 2 test examples. A single observation is predicted with running averages, as the whole test set is here; it has no statistics of its own.",
      ],
      values: contest.perSeed { seed in
        guard let result = results[seed], let exact = result.measures["recalibrated"]?.last else { return nil }
        return 100 * (result.score - exact)
      },
      figures: [
        Figure(
          "Test accuracy by the statistics that normalize", caption: "Median over seeds with the range.",
          x: plan.stepAxis, y: plan.scoreAxis,
          plot: .curves([
            contest.course(arm, evidence, name: "running", side: .with),
            contest.course(biased, evidence, name: "not debiased", side: .other(0)),
            curve("exact", "recalibrated", .other(1)), curve("batch of 60", "batch of 60", .other(2)),
            curve("batch of 2", "batch of 2", .other(3)),
          ]))
      ],
      tables: [
        NumberTable("Behind the last step", columns: ["statistics", "score (%)"], rows: rows),
        contest.ratesTable(evidence),
      ])
  }

  private func last(_ results: [TrialResult?], _ measure: String) -> NumberTable.Cell {
    let values = results.compactMap { $0?.measures[measure]?.last }.map { 100 * $0 }
    guard !values.isEmpty else { return .text("not yet") }
    let mean = values.reduce(0, +) / Double(values.count)
    return Bootstrap.interval(of: values).map { .estimate(mean, low: $0.lowerBound, high: $0.upperBound) }
      ?? .number(mean)
  }
}
