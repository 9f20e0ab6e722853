import Evenkeel

/// Claims that are worked on together: their trials in one queue, so that no thread waits for another's claim to end.
public struct LaboratoryRun: Sendable {
  public let runner: TrialRunner
  public let claims: [any Claim]
  /// One a claim.
  public let plans: [Plan]
  public let speed: Speed

  public init(runner: TrialRunner, claims: [any Claim], plans: [Plan], speed: Speed) {
    (self.runner, self.claims, self.plans, self.speed) = (runner, claims, plans, speed)
  }

  /// How far all is.
  public struct Progress: Sendable {
    public let done: Int
    public let total: Int
    /// nil before there is anything to go by.
    public let secondsLeft: Double?
  }

  /// Runs what is missing and gives all the evidence.
  public func run(
    shouldStop: @escaping @Sendable () -> Bool = { false }, onProgress: (Progress) -> Void = { _ in }
  ) throws -> Evidence {
    var evidence = Evidence()
    let expected = try zip(claims, plans).map { try $0.trials($1, .assumed).count }.reduce(0, +)
    var done = 0
    while true {
      var missing: [Trial] = []
      for (claim, plan) in zip(claims, plans) {
        missing += try claim.trials(plan, evidence).filter { evidence[$0] == nil }
      }
      guard !missing.isEmpty else { return evidence }
      // The longest first: none of them is left alone at the end.
      let costs = missing.map { speed.seconds($0) }
      let order = missing.indices.sorted { (costs[$0], $1) > (costs[$1], $0) }
      let before = done
      evidence.add(
        try runner.run(order.map { missing[$0] }, shouldStop: shouldStop) { progress in
          done = before + progress.done
          onProgress(
            Progress(
              done: done, total: max(expected, done),
              secondsLeft: progress.ran == 0
                ? nil : progress.seconds / Double(progress.ran) * Double(max(expected, done) - done)))
        })
    }
  }
}
