import Evenkeel
import EvenkeelLab
import Glibc
import Testing

@Suite struct ClaimTests {
  private let data = DataDescription(
    source: "made up", fingerprint: "0", input: [16], outputs: 4, isClassification: true, trainingCount: 20_000,
    validationCount: 500, testCount: 500, chance: 0.25)

  private func plan(_ claim: any Claim) -> Plan { Plan(claim: claim.name, data: data, seeds: 5, size: 0) }

  /// Runs a claim to its end on results that are made up.
  private func evidence(_ claim: any Claim, _ result: (Trial) -> TrialResult) throws -> Evidence {
    var evidence = Evidence()
    for _ in 0..<10 {
      let missing = try claim.trials(plan(claim), evidence).filter { evidence[$0] == nil }
      if missing.isEmpty { return evidence }
      evidence.add(Dictionary(missing.map { ($0, result($0)) }) { $1 })
    }
    Issue.record("\(claim.name) asks for trials without end")
    return evidence
  }

  private func course(_ trial: Trial, _ speed: Double) -> TrialResult {
    let curve = trial.evaluationSteps.map {
      TrialResult.Point(step: $0, loss: 1, score: 0.9 * (1 - exp(-speed * Double($0))))
    }
    return TrialResult(curve: curve, score: curve.last!.score, seconds: 1)
  }

  /// Every claim comes to an end, as many trials as it was planned with, and judges what is not there and what all diverged.
  @Test(arguments: Claims.all.map(\.name))
  func everyClaimEndsAndJudgesAnything(name: String) throws {
    let claim = try Claims.named([name])[0]
    let planned = try claim.trials(plan(claim), .assumed)
    let equal = try evidence(claim) { course($0, 0.05) }
    #expect(try claim.trials(plan(claim), equal).count == planned.count)
    let none = try claim.judge(plan(claim), Evidence(), command: "")
    #expect(none.verdict == .undecided && none.effect == nil)
    let diverged = try evidence(claim) { _ in
      TrialResult(curve: [], score: data.chance, divergedAt: 1, reason: "it was made up")
    }
    let lost = try claim.judge(plan(claim), diverged, command: "")
    #expect(lost.verdict == .undecided && lost.effect == nil)
    #expect(lost.notes.contains { $0.contains("diverged, so there is nothing to compare") })
    #expect(try claim.isDone(plan(claim), equal) && !claim.isDone(plan(claim), Evidence()))
    for report in [
      none, try claim.judge(plan(claim), equal, command: ""), try claim.judge(plan(claim), diverged, command: ""),
    ] {
      #expect(!report.figures.isEmpty || report.trials == 0 || name == "contours-round")
      for figure in report.figures { #expect(figure.svg().contains("<svg")) }
      #expect(report.rule.contains("Supported if"))
    }
  }

  private func verdict(_ name: String, _ result: (Trial) -> TrialResult) throws -> Verdict {
    let claim = try Claims.named([name])[0]
    return try claim.judge(plan(claim), evidence(claim, result), command: "").verdict
  }

  private func hasNorm(_ trial: Trial) -> Bool { trial.network.layers.contains { $0 is BatchNorm } }

  @Test func speedIsSupportedRefutedAndLeftOpen() throws {
    #expect(try verdict("trains-faster") { course($0, hasNorm($0) ? 0.3 : 0.05) } == .supported)
    #expect(try verdict("trains-faster") { course($0, hasNorm($0) ? 0.05 : 0.3) } == .notSupported)
    #expect(
      try verdict("trains-faster") {
        course($0, hasNorm($0) && $0.seed % 2 == 1 && $0.evaluatedOn == .test ? 0.3 : 0.1)
      } == .undecided)
  }

  /// One that only guesses does not pull the target down to guessing, which the other passes at once.
  @Test func aSideThatLearnsNothingSetsNoTarget() throws {
    let claim = try Claims.named(["trains-faster"])[0]
    let evidence = try evidence(claim) { trial in
      hasNorm(trial)
        ? course(trial, 0.02)
        : TrialResult(
          curve: trial.evaluationSteps.map { .init(step: $0, loss: 1, score: data.chance) }, score: data.chance)
    }
    let effect = try #require(try claim.judge(plan(claim), evidence, command: "").effect)
    let ratio = Double(plan(claim).steps) / 33.5  // where 0.9 (1 - exp(-0.02 s)) passes half-way from 0.25 to its end
    #expect(effect.value > 1.5 && abs(effect.value / ratio - 1) < 0.15, "\(effect.value), about \(ratio)")
  }

  @Test func aShareOfWorkingSettingsIsCounted() throws {
    func score(_ trial: Trial, _ works: Bool) -> TrialResult { TrialResult(curve: [], score: works ? 0.9 : 0.3) }
    #expect(try verdict("wider-range") { score($0, hasNorm($0) || $0.learningRate < 0.05) } == .supported)
    #expect(try verdict("wider-range") { score($0, !hasNorm($0) || $0.learningRate < 0.05) } == .notSupported)
    #expect(try verdict("wider-range") { score($0, hasNorm($0) == ($0.seed % 2 == 0)) } == .undecided)
  }

  /// Each side is measured at the step size that its own search found.
  @Test func everyContenderHasItsOwnStepSize() throws {
    let claim = try Claims.named(["deeper-networks"])[0]
    let rates = LogarithmicRange(1e-3, 3).grid(plan(claim).grid)
    let evidence = try evidence(claim) { trial in
      let best = hasNorm(trial) ? rates.last! : rates.first!
      return TrialResult(curve: [], score: trial.learningRate == best ? 0.9 : 0.2)
    }
    let measured = try claim.trials(plan(claim), evidence).filter { $0.evaluatedOn == .test }
    #expect(!measured.isEmpty)
    for trial in measured {
      #expect(trial.learningRate == (hasNorm(trial) ? rates.last! : rates.first!) && trial.seed > 0)
    }
  }

  @Test func plansGrowWithTheBudgetAndFitIt() throws {
    let planner = Planner(speed: Speed(product: 1e-10, layer: 1e-6), threads: 2)
    let claims = try Claims.named(["all"])
    func plans(_ budget: Double) throws -> [Plan] {
      try planner.plans(claims, budget: budget, data: data, network: nil, seeds: 5)
    }
    #expect {
      _ = try plans(1)
    } throws: {
      ($0 as? EvenkeelError)?.code == .usage && "\($0)".contains("the shortest that works is")
    }
    var before = 0
    for budget in [300.0, 1_200, 6_000] {
      let plans = try plans(budget)
      let cost = try zip(claims, plans).map { try planner.seconds($0, $1) }.reduce(0, +)
      #expect(cost <= budget && cost > budget / 3, "\(cost) of \(budget)")
      let steps = plans.reduce(0) { $0 + $1.steps }
      #expect(steps > before)
      before = steps
    }
    #expect(try plans(1_200) == plans(1_200))
  }

  @Test func budgetsAreReadInHoursMinutesAndSecondsAndOthersNamed() throws {
    #expect(try Planner.budget("10m") == 600 && Planner.budget("1h30m") == 5_400 && Planner.budget("90") == 90)
    for text in ["", "ten", "-3m", "0s", "5d", "m"] {
      #expect { _ = try Planner.budget(text) } throws: { "\($0)".contains("--budget") }
    }
  }
}
