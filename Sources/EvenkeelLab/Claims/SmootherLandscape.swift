import Evenkeel
import Glibc

/// Santurkar et al. 2018, figure 4: loss and gradient along the gradient.
struct SmootherLandscape: Claim {
  let name = "smoother-landscape"
  let title = "The landscape is smoother"
  let question = "How far can the gradient at a point be trusted along its direction?"
  let rule = Rule("times smaller effective smoothness constant with batch norm", .above(1), isRatio: true)

  private static let measures: [(measure: Measure, title: String)] = [
    (.lossRange, "Range of the loss along the gradient"), (.gradientChange, "Largest change of the gradient"),
    (.smoothness, "Effective smoothness constant"),
  ]

  private func contest(_ plan: Plan) -> Contest {
    plan.contest(plan.subjects, evaluations: min(20, plan.courseEvaluations), probes: [.landscape])
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  /// The mean logarithm over the course, infinite ones left out.
  private func meanLogarithm(_ result: TrialResult?) -> Double? {
    let values = (result?.measures[.smoothness] ?? []).filter { $0.isFinite && $0 > 0 }
    return values.isEmpty ? nil : values.reduce(0) { $0 + log($1) } / Double(values.count)
  }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    let values = contest.perSeed { seed in
      var sum = 0.0
      for condition in contest.conditions {
        func mean(_ contender: Contender) -> Double? {
          meanLogarithm(contest.results(contest.arm(contender, condition), evidence)[seed])
        }
        guard let with = mean(.batchNorm), let without = mean(.withoutNorms) else { return nil }
        sum += without - with
      }
      return exp(sum / Double(contest.conditions.count))
    }
    let figures = contest.conditions.flatMap { condition in
      Self.measures.map { measure, title in
        Figure(
          "\(title): \(condition.name)", caption: "Median over seeds with the range; smaller is smoother.",
          x: plan.stepAxis, y: Axis(title, scale: .logarithmic),
          plot: .curves(
            contest.contenders.map { contender in
              let arm = contest.arm(contender, condition)
              return Curve(
                contender.name, side: contender.side, x: arm.trial.evaluationSteps.map { Double($0) },
                seeds: contest.results(arm, evidence).compactMap { $0?.measures[measure] })
            }))
      }
    }
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence(plan.subjects),
        "At every evaluation, on 256 training examples: the loss and its gradient at eight even steps up to 0.4 times the gradient. The smoothness constant is the largest change of the gradient per distance. The effect compares its geometric means over the course; over networks the ratio is the geometric mean.",
      ], values: values, figures: figures, tables: [contest.ratesTable(evidence)],
      notes: ["Each side is measured along its own training, at its own best step size."])
  }
}
