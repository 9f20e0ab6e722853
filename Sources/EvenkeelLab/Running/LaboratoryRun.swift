import Evenkeel

/// Claims that run together: their trials share one queue, so that no thread waits for another claim to end.
package struct LaboratoryRun: Sendable {
  package let runner: TrialRunner
  package let claims: [any Claim]
  /// One per claim.
  package let plans: [Plan]
  package let speed: Speed

  package init(runner: TrialRunner, claims: [any Claim], plans: [Plan], speed: Speed) {
    (self.runner, self.claims, self.plans, self.speed) = (runner, claims, plans, speed)
  }

  /// How many trials are expected, those that are done included; claims share trials.
  package var expectedTrials: Int {
    get throws { try Set(zip(claims, plans).flatMap { try $0.trials($1, .assumed) }).count }
  }

  /// The overall progress.
  package struct Progress: Sendable {
    package let done: Int
    package let total: Int
    /// What came since the last report.
    package let results: [(trial: Trial, result: TrialResult)]
    /// Until everything is done or the time is over; nil before there is any basis for an estimate.
    package let secondsLeft: Double?
  }

  /// Runs what is missing and returns all the evidence.
  /// - Parameter seconds: The time limit; once it is reached, no new trial starts, and the evidence may be incomplete.
  /// - Throws: As `TrialRunner.run`.
  package func run(
    seconds: Double = .infinity, shouldStop: @escaping @Sendable () -> Bool = { false },
    onProgress: (Progress) -> Void = { _ in }
  ) throws -> Evidence {
    let clock = ContinuousClock()
    let start = clock.now
    let hasTime: @Sendable () -> Bool = { (clock.now - start) / .seconds(1) < seconds }
    var evidence = Evidence()
    let expected = try expectedTrials
    var done = 0
    while true {
      var missing: Set<Trial> = []
      for (claim, plan) in zip(claims, plans) {
        missing.formUnion(try claim.trials(plan, evidence).filter { evidence[$0] == nil })
      }
      guard !missing.isEmpty, hasTime() else { return evidence }
      // The longest first, so that none of them runs by itself at the end.
      let costs = try missing.map { (trial: $0, seconds: speed.seconds($0), key: try $0.key) }
      let order = costs.sorted { ($0.seconds, $0.key) > ($1.seconds, $1.key) }.map(\.trial)
      let before = done
      do {
        evidence.add(
          try runner.run(order, shouldStart: hasTime, shouldStop: shouldStop) { progress in
            done = before + progress.done
            let total = max(expected, done)
            let estimate =
              progress.ran == 0 ? nil : progress.seconds / Double(progress.ran) * Double(total - done)
            let rest = max(0, seconds - (clock.now - start) / .seconds(1))
            onProgress(
              Progress(
                done: done, total: total, results: progress.results, secondsLeft: estimate.map { min($0, rest) }))
          })
      } catch let error as EvenkeelError where error.code == .interrupted {
        throw EvenkeelError(
          .interrupted,
          "Interrupted; \(done) of \(max(expected, done)) trials are done and kept in \(runner.store.path). Run the same command again to continue."
        )
      }
    }
  }
}
