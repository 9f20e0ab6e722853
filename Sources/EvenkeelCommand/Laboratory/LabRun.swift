import ArgumentParser
import Evenkeel
import EvenkeelLab

extension Lab {
  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Runs the experiments of claims and prints what they found.",
      discussion: "If it is killed, run the same command again and it continues where it stopped.")
    @Argument(help: "Claims by name (lab list), or all.") var claims: [String]
    @Option(help: "digits (drawn by the program), or data as for train.") var data = "digits"
    @Option(
      help: "A network file with batch norms, or a built-in network, for the claims that can use one.")
    var network: String?
    @Option(
      help:
        "The total time, e.g. 10m or 1h30m. The sizes of the experiments follow from it and from the measured speed. Once it is spent, no new trial starts; the same command continues."
    ) var budget = "10m"
    @Option(help: "The size of each experiment, 0 to 12, instead of a budget: the same trials on every machine.")
    var size: Int?
    @Option(help: "Seeds that each contender is measured with; fewer than five leave every verdict undecided.")
    var seeds = 5
    @Option(help: "An HTML file for a report.") var report: String?
    @Option(help: "A file that grows by a JSON object a line as trials come to their ends.") var log: String?
    @OptionGroup(title: "Running") var options: LaboratoryOptions

    func run() throws {
      StopSignals.watch()
      let claims = try Claims.named(claims)
      guard (1...Plan.mostSeeds).contains(seeds) else {
        throw EvenkeelError(.usage, "--seeds is \(seeds); expected 1 to \(Plan.mostSeeds).")
      }
      if let size, !Plan.sizes.indices.contains(size) {
        throw EvenkeelError(.usage, "--size is \(size); expected 0 to \(Plan.sizes.count - 1).")
      }
      if seeds < Rule.leastSeeds, !options.quiet {
        warn("with \(seeds) seeds every verdict stays undecided; use at least \(Rule.leastSeeds).")
      }
      try options.check()
      let seconds = try Planner.budget(budget)
      try requireOutput(report)
      try requireApart(report, from: [data, network], store: try options.store.path())
      try options.requireLog(log, apartFrom: [data, network], report: report)
      let data = try options.data(data)
      let network = try network.map { try NetworkOptions.named($0, for: data.training).compared(by: .batch) }
      for claim in claims {
        let least = Plan(claim: claim.name, data: data.description, network: network, seeds: seeds, size: 0)
        try data.requireFit(claim.trials(least, .assumed))
      }
      let store = try RunStore(options.store.path())
      try store.warnOfUnfitRows()
      let runner = options.runner(store, data)
      let speed = try Speed(measuredOn: data)
      let plans = try plans(claims, network, seconds, speed, runner)
      let laboratory = LaboratoryRun(runner: runner, claims: claims, plans: plans, speed: speed)
      let log = try runner.log(log, trials: laboratory.expectedTrials)
      var progress = TrialProgress(enabled: !options.quiet)
      StopSignals.trainingStarts()
      let remaining = { (evidence: Evidence) in
        let unfinished = try zip(claims, plans).filter { try !$0.isDone($1, evidence) }.map(\.0.name)
        return unfinished.isEmpty
          ? nil
          : "The budget of \(budget) is spent before these were finished: \(unfinished.joined(separator: ", ")). Run the same command again to continue."
      }
      let evidence = try log.watched(remaining: remaining) {
        try laboratory.run(seconds: size == nil ? seconds : .infinity, shouldStop: { StopSignals.haveCome }) {
          progress.show("lab", $0.done, $0.total, $0.secondsLeft)
          log?.tell($0.results, secondsLeft: $0.secondsLeft)
        }
      }
      progress.clear()
      let reports = try zip(claims, plans).map { try $0.judge($1, evidence, command: command($1)) }
      for (index, report) in reports.enumerated() where try claims[index].isDone(plans[index], evidence) {
        if options.json { try emitJSON(VerdictLine(report)) } else { try emit(report.line) }
      }
      if let report { try Report(on: data.description, reports).write(to: report) }
      if let message = try remaining(evidence) { throw EvenkeelError(.interrupted, message) }
    }

    /// The plans of the same request before, or new ones.
    private func plans(
      _ claims: [any Claim], _ network: Network?, _ seconds: Double, _ speed: Speed, _ runner: TrialRunner
    ) throws -> [Plan] {
      let description = runner.data.description
      if let size {
        let plans = claims.map { Plan(claim: $0.name, data: description, network: network, seeds: seeds, size: size) }
        try runner.store.keep(
          plans, for: "size \(size) \(description.fingerprint) \(network?.hashText ?? "-") \(seeds)")
        return plans
      }
      let request =
        "\(claims.map(\.name).joined(separator: " ")) \(description.fingerprint) \(network?.hashText ?? "-") \(seconds) \(seeds) \(runner.threads) \(Laboratory.rulesVersion)"
      if let before = try runner.store.plans(for: request, claims: claims.map(\.name)) { return before }
      let plans = try Planner(speed: speed, threads: runner.threads).plans(
        claims, budget: seconds, data: description, network: network, seeds: seeds)
      try runner.store.keep(plans, for: request)
      return plans
    }

    private func command(_ plan: Plan) -> String {
      var words = [plan.command(data: data)]
      if let network { words += ["--network", network] }
      words += options.dataWords.map(\.quotedForShell)
      return words.joined(separator: " ")
    }
  }
}

extension Network {
  /// Tells networks apart in a request.
  fileprivate var hashText: String { "\(summary) \((try? placed().layers)?.map { "\($0.layer)" } ?? [])" }
}
