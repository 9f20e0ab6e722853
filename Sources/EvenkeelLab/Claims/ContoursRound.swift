import Evenkeel
import Glibc

/// How stretched the bowl is in which training ended.
struct ContoursRound: Claim {
  let name = "contours-round"
  let title = "Contours of the loss become round"
  let question = "How much steeper is the steepest direction than the others, with batch norm and without?"
  let rule = Rule("times better conditioned with batch norm", .above(1), isRatio: true)

  private func contest(_ plan: Plan) -> Contest {
    Contest(
      plan.subjects.flatMap { subject in
        subject.sides.map {
          Contest.Arm(
            contender: $0.contender, condition: subject.name, trial: plan.trial($0.network, probes: [.curvature]),
            rates: plan.rates)
        }
      }, seeds: plan.seeds)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    func measures(_ contender: String, _ condition: String, _ name: String) -> [Double?] {
      contest.results(contest.arm(contender, condition), evidence).map { $0?.measures[name]?.first }
    }
    func mean(_ values: [Double?]) -> NumberTable.Cell {
      let values = values.compactMap(\.self).filter { $0.isFinite && $0 > 0 }
      return values.isEmpty
        ? .text("none") : .number(exp(values.reduce(0) { $0 + log($1) } / Double(values.count)))
    }
    let values = contest.perSeed { seed in
      var sum = 0.0
      for subject in plan.subjects {
        guard let with = measures("batch norm", subject.name, "condition")[seed],
          let without = measures("without", subject.name, "condition")[seed]
        else { return nil }
        sum += log(without / with)
      }
      return exp(sum / Double(plan.subjects.count))
    }
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence(plan.subjects),
        "Behind the last step the Hessian of the loss on 500 training examples, through the norms' statistics, is multiplied exactly; Lanczos' method gives its leading eigenvalues and an estimate of all. The condition is the largest magnitude over the one that nine tenths of all eigenvalues stay below. Over networks the ratio is the geometric mean.",
      ], values: values, figures: plan.subjects.compactMap { contours($0, contest, evidence) },
      tables: [
        NumberTable(
          "Curvature after the last step, geometric means over seeds",
          columns: ["network", "side", "largest eigenvalue λ₁", "λ₁ ∕ λ₂", "condition"],
          rows: plan.subjects.flatMap { subject in
            subject.sides.map { side in
              [
                .text(subject.name), .text(side.contender),
                mean(measures(side.contender, subject.name, "eigenvalues")),
                mean(measures(side.contender, subject.name, "leading ratio")),
                mean(measures(side.contender, subject.name, "condition")),
              ]
            }
          }), contest.ratesTable(evidence),
      ],
      notes: [
        "Both sides learn different parameters; ratios of curvatures can be compared, curvatures themselves not. Each side is measured where its own best step size led it."
      ])
  }

  private func contours(_ subject: Subject, _ contest: Contest, _ evidence: Evidence) -> Figure? {
    let surfaces = subject.sides.compactMap { side -> Surface? in
      let measures = contest.results(contest.arm(side.contender, subject.name), evidence).first??.measures
      guard let places = measures?["contour coordinates"], let losses = measures?["contour losses"],
        losses.count == places.count * places.count
      else { return nil }
      let ratio = measures?["leading ratio"]?.first.map { "λ₁ ∕ λ₂ = \(NumberText.page.short($0))" }
      return Surface(
        side.contender, side: EvenkeelLab.side(side.contender), note: ratio, columns: places, rows: places,
        values: places.indices.map { row in places.indices.map { losses[row * places.count + $0] } })
    }
    guard surfaces.count == subject.sides.count else { return nil }
    return Figure(
      "The loss around the trained parameters: \(subject.name)",
      caption:
        "Over the plane of the Hessian's two leading eigenvectors, with the first seed; a unit is as long in both directions.",
      x: Axis("Along the first eigenvector"), y: Axis("Along the second"),
      plot: .contours(surfaces, value: Axis("Loss")))
  }
}
