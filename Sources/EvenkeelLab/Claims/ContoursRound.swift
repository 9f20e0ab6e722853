import Evenkeel
import Glibc

/// How elongated the bowl is in which training ended.
struct ContoursRound: Claim {
  let name = "contours-round"
  let title = "Contours of the loss become round"
  let question = "How much steeper is the steepest direction than the others, with batch norm and without?"
  let rule = Rule("times better conditioned with batch norm", .above(1), isRatio: true)

  private func contest(_ plan: Plan) -> Contest {
    plan.contest(plan.subjects, probes: [.curvature])
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { contest(plan).trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let contest = contest(plan)
    func values(_ measure: Measure, _ contender: Contender, _ condition: Condition) -> [Double?] {
      contest.results(contest.arm(contender, condition), evidence).map { $0?.measures[measure]?.first }
    }
    func mean(_ values: [Double?]) -> NumberTable.Cell {
      let values = values.compactMap(\.self).filter { $0.isFinite && $0 > 0 }
      return values.isEmpty
        ? .text("none") : .number(exp(values.reduce(0) { $0 + log($1) } / Double(values.count)))
    }
    let ratios = contest.perSeed { seed in
      var sum = 0.0
      for condition in contest.conditions {
        guard let with = values(.condition, .batchNorm, condition)[seed],
          let without = values(.condition, .withoutNorms, condition)[seed]
        else { return nil }
        sum += log(without / with)
      }
      return exp(sum / Double(contest.conditions.count))
    }
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence(plan.subjects),
        "After the last step the Hessian of the loss on 500 training examples, through the norms' statistics, is multiplied exactly; Lanczos' method gives its leading eigenvalues and an estimate of all. The condition is the largest magnitude over the one that nine tenths of all eigenvalues stay below. Over networks the ratio is the geometric mean.",
      ], values: ratios, figures: plan.subjects.compactMap { contours($0, contest, evidence) },
      tables: [
        NumberTable(
          "Curvature after the last step, geometric means over seeds",
          columns: ["network", "side", "largest eigenvalue λ₁", "λ₁ ∕ λ₂", "condition"],
          rows: contest.arms.map { arm in
            [.text(arm.condition.name), .text(arm.contender.name)]
              + [Measure.eigenvalues, .leadingRatio, .condition].map {
                mean(values($0, arm.contender, arm.condition))
              }
          }), contest.ratesTable(evidence),
      ],
      notes: [
        "Both sides learn different parameters; ratios of curvatures can be compared, curvatures themselves not. Each side is measured where its own best step size led it."
      ])
  }

  private func contours(_ subject: Subject, _ contest: Contest, _ evidence: Evidence) -> Figure? {
    let surfaces = subject.sides.compactMap { side -> Surface? in
      let measures = contest.results(contest.arm(side.contender, subject.condition), evidence).first??.measures
      guard let places = measures?[.contourCoordinates], let losses = measures?[.contourLosses],
        losses.count == places.count * places.count
      else { return nil }
      let ratio = measures?[.leadingRatio]?.first.map { "λ₁ ∕ λ₂ = \(NumberText.page.short($0))" }
      return Surface(
        side.contender.name, side: side.contender.side, note: ratio, columns: places, rows: places,
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
