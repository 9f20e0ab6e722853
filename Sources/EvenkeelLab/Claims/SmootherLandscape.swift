import Evenkeel
import Glibc

/// Santurkar et al. 2018, figure 4: loss and gradient along the gradient.
struct SmootherLandscape: Claim {
  let name = "smoother-landscape"
  let title = "The landscape is smoother"
  let question = "How far can the gradient at a point be trusted along its direction?"
  let rule = Rule("times smaller effective smoothness constant with batch norm", .above(1), isRatio: true)

  private static let measures = [
    ("loss range", "Range of the loss along the gradient"), ("gradient change", "Largest change of the gradient"),
    ("smoothness", "Effective smoothness constant"),
  ]

  private func contest(_ plan: Plan) -> Contest {
    Contest(
      plan.subjects.flatMap { subject in
        subject.sides.map {
          Contest.Arm(
            contender: $0.contender, condition: subject.name,
            trial: plan.trial($0.network, evaluations: min(20, plan.courseEvaluations), probes: [.landscape]),
            rates: plan.rates)
        }
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  /// The mean logarithm over the course, infinite ones left out.
  private func meanLogarithm(_ result: TrialResult?) -> Double? {
    let values = (result?.measures["smoothness"] ?? []).filter { $0.isFinite && $0 > 0 }
    return values.isEmpty ? nil : values.reduce(0) { $0 + log($1) } / Double(values.count)
  }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    let values = contest.perSeed { seed in
      var sum = 0.0
      for subject in plan.subjects {
        let sides = subject.sides.map {
          meanLogarithm(contest.results(contest.arm($0.contender, subject.name), evidence)[seed])
        }
        guard let with = sides[0], let without = sides[1] else { return nil }
        sum += without - with
      }
      return exp(sum / Double(plan.subjects.count))
    }
    let figures = plan.subjects.flatMap { subject in
      Self.measures.map { name, title in
        Figure(
          "\(title): \(subject.name)", caption: "Median over seeds with the range; smaller is smoother.",
          x: plan.stepAxis, y: Axis(title, scale: .logarithmic),
          plot: .curves(
            subject.sides.map { side in
              let arm = contest.arm(side.contender, subject.name)
              return Curve(
                side.contender, side: EvenkeelLab.side(side.contender), x: arm.trial.evaluationSteps.map { Double($0) },
                seeds: contest.results(arm, evidence).compactMap { $0?.measures[name] })
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
