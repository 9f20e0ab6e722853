import Evenkeel

/// Santurkar et al. 2018, §2.2: with noise after every norm the inputs of later layers move at every step; is it still fast?
struct NotCovariateShift: Claim {
  let name = "not-covariate-shift"
  let title = "It is not (only) covariate shift"
  let question =
    "If noise with a new mean and scale at every step is put after every norm, does the net still train faster than without norms?"
  let rule = Rule(
    "times fewer steps to the target than without norms, with noise after them", .above(1.1), isRatio: true)

  private static let noisy = Contender("batch norm and noise", .other(0))

  private func race(_ plan: Plan) -> Race {
    let subjects = [plan.paperNet, plan.reluNet]
    let plain = plan.courseContest(subjects)
    let noisy = subjects.map { subject in
      let layers: [any Layer] = subject.network.layers.flatMap { layer -> [any Layer] in
        layer.norm != nil ? [layer, NoiseInjection()] : [layer]
      }
      return Contest.Arm(
        contender: Self.noisy, condition: subject.condition,
        trial: plan.trial(Network(input: subject.network.input, layers: layers), evaluations: plan.courseEvaluations),
        rates: plan.rates)
    }
    return Race(
      contest: Contest(plain.arms + noisy, seeds: plan.seeds, criterion: .meanScore), chance: plan.data.chance)
  }

  func trials(_ plan: Plan, _ evidence: Evidence) -> [Trial] { race(plan).contest.trials(evidence) }

  func findings(_ plan: Plan, _ evidence: Evidence) -> Findings {
    let race = race(plan)
    return Findings(
      setup: plan.commonSetup + [
        plan.networkSentence([plan.paperNet, plan.reluNet]), Race.setup,
        "Noise: in every step each unit draws a mean from ± 0.5 and a scale from 1 to 1.25, and every example its own within ± 0.1 of them. The paper's noise is of this form; the amounts are ours.",
      ], values: race.ratios(Self.noisy, .withoutNorms, evidence),
      figures: race.figures(plan, evidence),
      tables: [race.table(evidence), race.contest.ratesTable(evidence)],
      notes: race.notes(evidence) + plan.ownNetworkNote)
  }
}
